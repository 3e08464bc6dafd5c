//! A file system that behaves as a network file system does in its bad hours.
//!
//! It passes everything through to a directory, and its server, a thread of the harness, can be told to answer with an
//! error, to answer nothing, or to forget what it has open: then whatever was opened before is stale for good, as after
//! a restart of an NFS server whose file handles did not survive. It has no attributes, does not know when a file was
//! made, and allocates nothing ahead.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, MountOption, OpenAccMode, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, SessionACL, TimeOrNow,
    WriteFlags,
};

use crate::mount::take_down;

/// The kernel asks each time: nothing it was told before holds any longer.
const TTL: Duration = Duration::ZERO;
/// `O_EXCL` and `O_TRUNC`.
const EXCLUSIVE: i32 = 0o200;
const TRUNCATE: i32 = 0o1000;

/// How the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// It answers.
    #[default]
    Works,
    /// It answers everything with this error.
    Fails(i32),
    /// It does not answer.
    Hangs,
}

/// Whether a file may have two names there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// As on NFS.
    Known,
    /// As on many others.
    Unknown,
}

/// A mounted file system of this kind. Dropping it takes it down.
#[derive(Debug)]
pub struct Remote {
    dir: PathBuf,
    server: Arc<Server>,
    session: Option<BackgroundSession>,
}

/// What the harness and the thread that answers share.
#[derive(Debug, Default)]
struct Server {
    mood: Mutex<Mood>,
    changed: Condvar,
    /// What was opened in an earlier one is stale.
    epoch: AtomicU64,
}

impl Remote {
    /// Mounts one at `home/remote`; what is on it stands in `home/behind`. Needs root.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn mount(home: &Path, links: Links) -> io::Result<Remote> {
        let (dir, behind) = (home.join("remote"), home.join("behind"));
        fs::create_dir(&dir)?;
        fs::create_dir(&behind)?;
        let server = Arc::new(Server::default());
        let passage = Passage {
            paths: Mutex::new(HashMap::from([(INodeNo::ROOT, behind.clone())])),
            behind,
            files: Mutex::default(),
            links,
            next: AtomicU64::new(1),
            server: Arc::clone(&server),
        };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("torture".to_owned())];
        config.acl = SessionACL::All;
        let session = fuser::spawn_mount(passage, &dir, &config)?;
        Ok(Remote {
            dir,
            server,
            session: Some(session),
        })
    }

    /// Returns where it is mounted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Puts the server into a mood.
    pub fn turn(&self, mood: Mood) {
        *self.server.mood() = mood;
        self.server.changed.notify_all();
    }

    /// Makes everything that is open stale.
    pub fn forget(&self) {
        self.server.epoch.fetch_add(1, Ordering::AcqRel);
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.turn(Mood::Works);
        take_down(&self.dir);
        // Its thread ends with the last file that is open.
        drop(self.session.take());
    }
}

impl Server {
    fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while nothing is answered, and says with what error everything is.
    fn answers(&self) -> Result<(), Errno> {
        let mood = self
            .changed
            .wait_while(self.mood(), |mood| *mood == Mood::Hangs)
            .unwrap_or_else(PoisonError::into_inner);
        match *mood {
            Mood::Fails(errno) => Err(Errno::from_i32(errno)),
            _ => Ok(()),
        }
    }
}

/// The way through.
#[derive(Debug)]
struct Passage {
    behind: PathBuf,
    /// Where each file was seen last. One that is not there any more is stale.
    paths: Mutex<HashMap<INodeNo, PathBuf>>,
    files: Mutex<HashMap<FileHandle, (u64, Arc<File>)>>,
    next: AtomicU64,
    links: Links,
    server: Arc<Server>,
}

impl Passage {
    fn paths(&self) -> MutexGuard<'_, HashMap<INodeNo, PathBuf>> {
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn files(&self) -> MutexGuard<'_, HashMap<FileHandle, (u64, Arc<File>)>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn number(&self, path: &Path, metadata: &Metadata) -> INodeNo {
        match path == self.behind {
            true => INodeNo::ROOT,
            false => INodeNo(metadata.ino()),
        }
    }

    /// Returns the path of a file, which is still that one.
    fn path(&self, number: INodeNo) -> Result<(PathBuf, Metadata), Errno> {
        self.server.answers()?;
        let path = self.paths().get(&number).cloned().ok_or(Errno::ESTALE)?;
        let metadata = fs::symlink_metadata(&path).map_err(|_| Errno::ESTALE)?;
        match self.number(&path, &metadata) == number {
            true => Ok((path, metadata)),
            false => Err(Errno::ESTALE),
        }
    }

    fn child(&self, parent: INodeNo, name: &OsStr) -> Result<PathBuf, Errno> {
        Ok(self.path(parent)?.0.join(name))
    }

    /// Notes where a file is; returns what is known about it.
    fn enter(&self, path: &Path) -> Result<FileAttr, Errno> {
        let metadata = fs::symlink_metadata(path)?;
        let number = self.number(path, &metadata);
        self.paths().insert(number, path.to_owned());
        attributes(number, &metadata)
    }

    /// Returns an open file, unless the server has forgotten it.
    fn file(&self, handle: FileHandle) -> Result<Arc<File>, Errno> {
        self.server.answers()?;
        let epoch = self.server.epoch.load(Ordering::Acquire);
        match self.files().get(&handle) {
            Some((opened, file)) if *opened == epoch => Ok(Arc::clone(file)),
            _ => Err(Errno::ESTALE),
        }
    }

    fn keep(&self, file: File) -> FileHandle {
        let handle = FileHandle(self.next.fetch_add(1, Ordering::Relaxed));
        let epoch = self.server.epoch.load(Ordering::Acquire);
        self.files().insert(handle, (epoch, Arc::new(file)));
        handle
    }

    fn open_at(&self, number: INodeNo, flags: OpenFlags) -> Result<FileHandle, Errno> {
        let (path, _) = self.path(number)?;
        let writes = flags.acc_mode() != OpenAccMode::O_RDONLY;
        let file = OpenOptions::new()
            .read(true)
            .write(writes)
            .truncate(writes && flags.0 & TRUNCATE != 0)
            .open(path)?;
        Ok(self.keep(file))
    }

    fn create_at(&self, path: &Path, flags: i32) -> Result<(FileAttr, FileHandle), Errno> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).truncate(flags & TRUNCATE != 0);
        match flags & EXCLUSIVE {
            0 => options.create(true),
            _ => options.create_new(true),
        };
        let file = options.open(path)?;
        Ok((self.enter(path)?, self.keep(file)))
    }

    fn change(&self, number: INodeNo, mode: Option<u32>, size: Option<u64>) -> Result<FileAttr, Errno> {
        let (path, _) = self.path(number)?;
        if let Some(mode) = mode {
            fs::set_permissions(&path, Permissions::from_mode(mode))?;
        }
        if let Some(size) = size {
            OpenOptions::new().write(true).open(&path)?.set_len(size)?;
        }
        self.enter(&path)
    }

    fn list(&self, number: INodeNo) -> Result<Vec<(INodeNo, FileType, PathBuf)>, Errno> {
        let (path, _) = self.path(number)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let kind = kind_of(entry.file_type()?)?;
            let number = INodeNo(entry.metadata()?.ino());
            entries.push((number, kind, PathBuf::from(entry.file_name())));
        }
        Ok(entries)
    }
}

fn kind_of(kind: fs::FileType) -> Result<FileType, Errno> {
    match kind {
        kind if kind.is_dir() => Ok(FileType::Directory),
        kind if kind.is_file() => Ok(FileType::RegularFile),
        _ => Err(Errno::ENOSYS),
    }
}

fn attributes(number: INodeNo, metadata: &Metadata) -> Result<FileAttr, Errno> {
    let at = |seconds: i64, nanoseconds: i64| {
        std::time::UNIX_EPOCH + Duration::new(seconds.unsigned_abs(), nanoseconds as u32)
    };
    Ok(FileAttr {
        ino: number,
        size: metadata.len(),
        blocks: metadata.blocks(),
        atime: at(metadata.atime(), metadata.atime_nsec()),
        mtime: at(metadata.mtime(), metadata.mtime_nsec()),
        ctime: at(metadata.ctime(), metadata.ctime_nsec()),
        crtime: std::time::UNIX_EPOCH,
        kind: kind_of(metadata.file_type())?,
        perm: (metadata.mode() & 0o7777) as u16,
        nlink: metadata.nlink() as u32,
        uid: metadata.uid(),
        gid: metadata.gid(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    })
}

/// Answers with a value or an error.
macro_rules! answer {
    ($reply:ident, $result:expr, |$value:pat_param| $good:expr) => {
        match $result {
            Ok($value) => $good,
            Err(errno) => $reply.error(errno),
        }
    };
}

impl Filesystem for Passage {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.child(parent, name).and_then(|path| self.enter(&path));
        answer!(reply, found, |attr| reply.entry(&TTL, &attr, Generation(0)));
    }

    fn getattr(&self, _: &Request, number: INodeNo, handle: Option<FileHandle>, reply: ReplyAttr) {
        let found = match handle {
            Some(handle) => self.file(handle).and_then(|file| attributes(number, &file.metadata()?)),
            None => self
                .path(number)
                .and_then(|(_, metadata)| attributes(number, &metadata)),
        };
        answer!(reply, found, |attr| reply.attr(&TTL, &attr));
    }

    fn setattr(
        &self,
        _: &Request,
        number: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<std::time::SystemTime>,
        handle: Option<FileHandle>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<std::time::SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let is_open = handle.map_or(Ok(()), |handle| self.file(handle).map(drop));
        let changed = is_open.and_then(|()| self.change(number, mode, size));
        answer!(reply, changed, |attr| reply.attr(&TTL, &attr));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, reply: ReplyEntry) {
        let made = self.child(parent, name).and_then(|path| {
            fs::create_dir(&path)?;
            self.enter(&path)
        });
        answer!(reply, made, |attr| reply.entry(&TTL, &attr, Generation(0)));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.child(parent, name).and_then(|path| Ok(fs::remove_file(path)?));
        answer!(reply, removed, |()| reply.ok());
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let removed = self.child(parent, name).and_then(|path| Ok(fs::remove_dir(path)?));
        answer!(reply, removed, |()| reply.ok());
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !flags.is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let renamed = self.child(parent, name).and_then(|from| {
            let to = self.child(new_parent, new_name)?;
            fs::rename(from, &to)?;
            self.enter(&to).map(drop)
        });
        answer!(reply, renamed, |()| reply.ok());
    }

    fn link(&self, _: &Request, number: INodeNo, new_parent: INodeNo, new_name: &OsStr, reply: ReplyEntry) {
        if self.links == Links::Unknown {
            return reply.error(Errno::EPERM);
        }
        let linked = self.path(number).and_then(|(from, _)| {
            let to = self.child(new_parent, new_name)?;
            fs::hard_link(from, &to)?;
            self.enter(&to)
        });
        answer!(reply, linked, |attr| reply.entry(&TTL, &attr, Generation(0)));
    }

    fn open(&self, _: &Request, number: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let opened = self.open_at(number, flags);
        answer!(reply, opened, |handle| reply
            .opened(handle, FopenFlags::FOPEN_KEEP_CACHE));
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, _: u32, _: u32, flags: i32, reply: ReplyCreate) {
        let made = self.child(parent, name).and_then(|path| self.create_at(&path, flags));
        answer!(reply, made, |(attr, handle)| {
            reply.created(&TTL, &attr, Generation(0), handle, FopenFlags::FOPEN_KEEP_CACHE);
        });
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.file(handle).and_then(|file| {
            let (mut bytes, mut filled) = (vec![0; size as usize], 0);
            while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                match file.read_at(rest, offset + filled as u64)? {
                    0 => break,
                    count => filled += count,
                }
            }
            bytes.truncate(filled);
            Ok(bytes)
        });
        answer!(reply, read, |bytes| reply.data(&bytes));
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let written = self.file(handle).and_then(|file| Ok(file.write_all_at(data, offset)?));
        answer!(reply, written, |()| reply.written(data.len() as u32));
    }

    fn flush(&self, _: &Request, _: INodeNo, handle: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        answer!(reply, self.file(handle), |_| reply.ok());
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.files().remove(&handle);
        reply.ok();
    }

    fn fsync(&self, _: &Request, _: INodeNo, handle: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self.file(handle).and_then(|file| Ok(file.sync_all()?));
        answer!(reply, synced, |()| reply.ok());
    }

    fn fsyncdir(&self, _: &Request, number: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self
            .path(number)
            .and_then(|(path, _)| Ok(File::open(path)?.sync_all()?));
        answer!(reply, synced, |()| reply.ok());
    }

    fn readdir(&self, _: &Request, number: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        answer!(reply, self.list(number), |entries| {
            for (index, (number, kind, name)) in (1..).zip(entries).skip(offset as usize) {
                if reply.add(number, index, kind, name) {
                    break;
                }
            }
            reply.ok();
        });
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        answer!(reply, self.server.answers(), |()| {
            reply.statfs(1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096);
        });
    }
}
