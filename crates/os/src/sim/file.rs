//! Open files of the simulated disk.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;
use std::sync::OnceLock;

use super::disk::{Descriptor, Mutation, Words, disk, lies};
use super::world::{self, On};
use crate::disk::{FileId, Info, Mode, Pieces};

const EIO: i32 = 5;
const ENOSPC: i32 = 28;
const EMFILE: i32 = 24;
const ERANGE: i32 = 34;
/// How long a disk that was found full stays so, at most.
const FULL_FOR_NS: u64 = 300_000_000;
/// How long a thread that waits for a file's lock sleeps between looks.
const LOCK_LOOK_NS: u64 = 100_000;
/// A write of a process that dies within so many steps is cut short.
const WRITE_STEPS: u64 = 40;

/// An open file; see the real one.
#[derive(Debug)]
pub struct File {
    id: u64,
    ino: u64,
    mode: Mode,
}

#[allow(missing_docs, clippy::missing_errors_doc, reason = "as the real file's")]
#[expect(clippy::len_without_is_empty, reason = "as the real file's")]
impl File {
    pub fn open(path: impl AsRef<Path>, mode: Mode) -> io::Result<Self> {
        world::io(1);
        let path = path.as_ref();
        if path == Path::new("/dev/null") {
            return Ok(Self { id: 0, ino: 0, mode });
        }
        if world::roll(|plan| plan.faults.open) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        let may_make = matches!(mode, Mode::CreateAppend | Mode::CreateReadWrite);
        let is_full = may_make && is_full();
        let mut disk = disk();
        let ino = match disk.names.get(path).copied() {
            Some(_) if mode == Mode::CreateReadWrite => return Err(io::ErrorKind::AlreadyExists.into()),
            Some(ino) => ino,
            None if !may_make => return Err(io::ErrorKind::NotFound.into()),
            None if !path.parent().is_some_and(|dir| disk.is_dir(dir)) => return Err(io::ErrorKind::NotFound.into()),
            None if is_full => return Err(io::Error::from_raw_os_error(ENOSPC)),
            None => disk.make(path, false),
        };
        let inode = disk.inodes.get(&ino).ok_or(io::ErrorKind::NotFound)?;
        if inode.is_dir && mode != Mode::Read {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let told = inode.failures;
        let id = disk.number();
        disk.open.insert(id, Descriptor { ino, told });
        drop(disk);
        world::told(|| format!("open {} {mode:?}: file {ino}, descriptor {id}", path.display()));
        Ok(Self { id, ino, mode })
    }

    pub fn len(&self) -> io::Result<u64> {
        self.info().map(|info| info.len)
    }

    pub fn id(&self) -> io::Result<FileId> {
        self.info().map(|info| info.id)
    }

    pub fn links(&self) -> io::Result<u64> {
        self.info().map(|info| info.links)
    }

    pub fn info(&self) -> io::Result<Info> {
        world::step();
        let disk = disk();
        let inode = disk.inodes.get(&self.ino).ok_or(io::ErrorKind::NotFound)?;
        Ok(Info {
            id: FileId { dev: 1, ino: self.ino },
            len: inode.len as u64,
            links: disk.links(self.ino),
            is_regular: !inode.is_dir,
            mode: inode.mode,
            modified_ns: inode.modified_ns,
            born_ns: inode.born_ns,
        })
    }

    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        world::io(2);
        if world::roll(|plan| plan.faults.read) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let disk = disk();
        Ok(disk
            .inodes
            .get(&self.ino)
            .map_or(0, |inode| inode.read(buffer, offset as usize)))
    }

    pub fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.put(bytes, Some(offset))? {
            count if count == bytes.len() => Ok(()),
            _ => Err(io::Error::from_raw_os_error(ENOSPC)),
        }
    }

    pub fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        self.put(bytes, None)
    }

    fn put(&self, bytes: &[u8], offset: Option<u64>) -> io::Result<usize> {
        world::io(3);
        if matches!(self.mode, Mode::Read) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        let (mut count, mut error) = (bytes.len(), None);
        if world::roll(|plan| plan.faults.write) {
            count = world::draw() as usize % (bytes.len() + 1);
            let is_device = world::roll(|plan| plan.faults.device);
            error = Some(io::Error::from_raw_os_error(if is_device { EIO } else { ENOSPC }));
        } else if is_full() {
            (count, error) = (0, Some(io::Error::from_raw_os_error(ENOSPC)));
        }
        let dies = world::me() != 0 && bytes.len() > 1 && world::dies_within(WRITE_STEPS);
        if dies {
            count = world::draw() as usize % (bytes.len() + 1);
        }
        let now_ns = world::wall_ns();
        {
            let mut disk = disk();
            let inode = disk.inodes.get_mut(&self.ino).ok_or(io::ErrorKind::NotFound)?;
            let at = offset.map_or(inode.len, |offset| offset as usize);
            if count > 0 {
                inode.write(bytes.get(..count).unwrap_or_default(), at);
                inode.modified_ns = now_ns;
            }
        }
        world::told(|| {
            format!(
                "write {count} of {} to {} at {offset:?}: {error:?}",
                bytes.len(),
                self.ino
            )
        });
        if dies {
            world::die();
        }
        world::step();
        match error {
            Some(_) if count > 0 && lies(Mutation::WritesLie) => Ok(bytes.len()),
            Some(error) if count == 0 || offset.is_some() => Err(error),
            _ => Ok(count),
        }
    }

    pub fn truncate(&self, len: u64) -> io::Result<()> {
        world::io(4);
        world::told(|| format!("truncate {} to {len}", self.ino));
        if world::roll(|plan| plan.faults.write) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let now_ns = world::wall_ns();
        let mut disk = disk();
        let inode = disk.inodes.get_mut(&self.ino).ok_or(io::ErrorKind::NotFound)?;
        inode.set_len(len as usize);
        inode.modified_ns = now_ns;
        Ok(())
    }

    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        world::step();
        if let Some(inode) = disk().inodes.get_mut(&self.ino) {
            inode.mode = mode;
        }
        Ok(())
    }

    pub fn set_attribute(&self, name: &CStr, value: &[u8]) -> io::Result<()> {
        world::io(9);
        if is_full() {
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        if let Some(inode) = disk().inodes.get_mut(&self.ino) {
            inode.attributes.insert(name.to_owned(), value.to_owned());
        }
        world::step();
        Ok(())
    }

    pub fn attribute(&self, name: &CStr, value: &mut [u8]) -> io::Result<usize> {
        world::step();
        let disk = disk();
        let inode = disk.inodes.get(&self.ino).ok_or(io::ErrorKind::NotFound)?;
        let there = inode.attributes.get(name).map_or(&[][..], Vec::as_slice);
        let place = value
            .get_mut(..there.len())
            .ok_or(io::Error::from_raw_os_error(ERANGE))?;
        place.copy_from_slice(there);
        Ok(there.len())
    }

    pub fn sync_data(&self) -> io::Result<()> {
        self.sync_pages(0, usize::MAX, true)
    }

    pub fn sync_names(&self) -> io::Result<()> {
        world::io(26);
        world::told(|| format!("sync the names in {}", self.ino));
        if world::roll(|plan| plan.faults.sync_dir) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        disk().sync_names();
        Ok(())
    }

    pub fn sync_file_system(&self) -> io::Result<()> {
        world::io(6);
        let mut disk = disk();
        for inode in disk.inodes.values_mut() {
            let pages = inode.pages();
            inode.sync(0, pages, true);
        }
        disk.sync_names();
        Ok(())
    }

    /// Syncs the pages from `first` to before `end`; a failure is told to each descriptor once.
    pub(crate) fn sync_pages(&self, first: usize, end: usize, with_len: bool) -> io::Result<()> {
        world::io(5);
        let fails = world::roll(|plan| plan.faults.sync);
        world::told(|| format!("sync pages {first}..{end} of {}, fails: {fails}", self.ino));
        {
            let mut disk = disk();
            let disk = &mut *disk;
            let inode = disk.inodes.get_mut(&self.ino).ok_or(io::ErrorKind::NotFound)?;
            let end = end.min(inode.pages());
            if fails {
                inode.fail_sync(first, end, world::draw);
            } else {
                inode.sync(first, end, with_len);
            }
            if let Some(descriptor) = disk.open.get_mut(&self.id)
                && std::mem::replace(&mut descriptor.told, inode.failures) < inode.failures
            {
                return Err(io::Error::from_raw_os_error(EIO));
            }
        }
        world::step();
        Ok(())
    }

    pub fn try_lock(&self) -> io::Result<bool> {
        world::step();
        let mut disk = disk();
        let inode = disk.inodes.get_mut(&self.ino).ok_or(io::ErrorKind::NotFound)?;
        Ok(*inode.lock.get_or_insert(self.id) == self.id)
    }

    pub fn lock(&self) -> io::Result<()> {
        while !self.try_lock()? {
            if world::me() == 0 {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            world::wait(On::Time, Some(world::now_ns() + LOCK_LOOK_NS));
        }
        Ok(())
    }

    pub fn unlock(&self) -> io::Result<()> {
        if let Some(inode) = disk().inodes.get_mut(&self.ino)
            && inode.lock == Some(self.id)
        {
            inode.lock = None;
        }
        world::step();
        Ok(())
    }

    pub fn preallocate(&self, len: u64) -> io::Result<()> {
        world::io(7);
        if is_full() || world::roll(|plan| plan.faults.allocate) {
            fill_up();
            return Err(io::Error::from_raw_os_error(ENOSPC));
        }
        if let Some(inode) = disk().inodes.get_mut(&self.ino) {
            inode.grow(len as usize);
            inode.is_allocated = true;
        }
        Ok(())
    }

    pub fn warm_up(&self, _len: u64, _pieces: Pieces) {}

    pub fn free_blocks(&self, len: u64) -> io::Result<()> {
        world::io(8);
        if let Some(inode) = disk().inodes.get_mut(&self.ino) {
            let zeros = vec![0; inode.len.min(len as usize)];
            inode.write(&zeros, 0);
        }
        Ok(())
    }

    pub fn no_copy_on_write(&self) -> bool {
        false
    }

    /// The page cache, for a map; the file is as long as the map at least.
    pub(crate) fn words(&self) -> io::Result<Words> {
        let disk = disk();
        disk.inodes
            .get(&self.ino)
            .map(|inode| Words::clone(&inode.words))
            .ok_or(io::ErrorKind::NotFound.into())
    }

    /// Another descriptor of the file, that keeps it and is told of failures from now on.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let mut disk = disk();
        let told = disk.inodes.get(&self.ino).map_or(0, |inode| inode.failures);
        let id = disk.number();
        disk.open.insert(id, Descriptor { ino: self.ino, told });
        Ok(Self {
            id,
            ino: self.ino,
            mode: self.mode,
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        disk().close(self.id);
        world::step();
    }
}

impl AsFd for File {
    /// Only what is no plain file is written to by its descriptor, and there is no such file here.
    fn as_fd(&self) -> BorrowedFd<'_> {
        static NOWHERE: OnceLock<std::fs::File> = OnceLock::new();
        NOWHERE
            .get_or_init(|| std::fs::File::open("/dev/null").expect("Linux has it"))
            .as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl From<std::fs::File> for File {
    /// A real file is not on the simulated disk: nothing comes of it.
    fn from(_: std::fs::File) -> Self {
        Self {
            id: 0,
            ino: 0,
            mode: Mode::Read,
        }
    }
}

/// The simulated disk sets no limit.
#[must_use]
pub fn file_len_max() -> u64 {
    u64::MAX
}

pub(super) fn is_full() -> bool {
    world::me() != 0 && disk().full_until_ns > world::now_ns()
}

/// The disk is full for a while.
fn fill_up() {
    let for_ns = world::draw() % FULL_FOR_NS;
    disk().full_until_ns = world::now_ns() + for_ns;
}
