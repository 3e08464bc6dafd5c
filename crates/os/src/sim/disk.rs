//! What the simulated disk holds: in the page cache, and on the device.
//!
//! A file is its page cache, which maps and calls share, and what the device has of it. Names are one table for the
//! cache and one for the device, with the changes between them in order; a sync of a directory brings the device up to
//! date with all of them, as the one log of a journaling file system does.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::CString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::world;

pub(super) const PAGE: usize = 4096;
/// The unit in which a device writes.
const SECTOR: usize = 512;
/// Of the pages under a failed sync, one in so many has reached the device all the same.
const LUCKY: u64 = 2;

static DISK: Mutex<Disk> = Mutex::new(Disk::new());
static MUTATION: AtomicU8 = AtomicU8::new(0);

/// A lie the disk tells, to prove that the checks above notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mutation {
    /// Syncs succeed and do nothing.
    SyncsDoNothing = 1,
    /// A kill takes the page cache along.
    KillsLoseTheCache = 2,
    /// A write that is cut short says that it took everything.
    WritesLie = 3,
}

/// Has the disk lie from now on.
pub fn mutate(mutation: Mutation) {
    MUTATION.store(mutation as u8, Relaxed);
}

pub(super) fn lies(mutation: Mutation) -> bool {
    MUTATION.load(Relaxed) == mutation as u8
}

/// The page cache of one file: words, so that maps of it are as sound as real ones.
pub(super) type Words = Arc<[AtomicU64]>;

/// A change of names that the device may not have yet.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Link(PathBuf, u64),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf),
}

#[derive(Debug)]
pub(super) struct Inode {
    pub(super) is_dir: bool,
    pub(super) words: Words,
    pub(super) len: usize,
    pub(super) mode: u32,
    pub(super) born_ns: i64,
    pub(super) modified_ns: i64,
    /// The page cache's; the device has them when the length gets there.
    pub(super) attributes: BTreeMap<CString, Vec<u8>>,
    attributes_on_device: BTreeMap<CString, Vec<u8>>,
    /// The descriptor that holds the lock.
    pub(super) lock: Option<u64>,
    /// How often writing back has failed.
    pub(super) failures: u64,
    on_device: Vec<u8>,
    len_on_device: usize,
    /// Pages that count as clean because of a failed sync, and are not on the device: as they were then.
    forsaken: BTreeMap<usize, Vec<u8>>,
    /// Its length was set by one call, so that a power cut leaves the old or the new one and none between.
    pub(super) is_allocated: bool,
}

#[derive(Debug)]
pub(super) struct Descriptor {
    pub(super) ino: u64,
    /// Of the failures, how many this descriptor has been told of.
    pub(super) told: u64,
}

#[derive(Debug)]
pub(super) struct Disk {
    pub(super) inodes: BTreeMap<u64, Inode>,
    pub(super) names: BTreeMap<PathBuf, u64>,
    names_on_device: BTreeMap<PathBuf, u64>,
    changes: VecDeque<Change>,
    pub(super) open: BTreeMap<u64, Descriptor>,
    last: u64,
    /// Until then nothing can be allocated.
    pub(super) full_until_ns: u64,
}

pub(super) fn disk() -> MutexGuard<'static, Disk> {
    DISK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The power goes and comes back: what was not synced is there, or not, or in part, as `dice` fall.
pub fn power_off(mut dice: impl FnMut() -> u64) {
    world::next_boot();
    let mut disk = disk();
    disk.open.clear();
    let survived = dice() as usize % (disk.changes.len() + 1);
    world::told(|| format!("power off; of {:?} the first {survived} survive", disk.changes));
    let changes: Vec<Change> = disk.changes.drain(..).take(survived).collect();
    changes
        .iter()
        .for_each(|change| apply(&mut disk.names_on_device, change));
    disk.names = disk.names_on_device.clone();
    let named: Vec<u64> = disk.names.values().copied().collect();
    disk.inodes.retain(|ino, _| named.contains(ino));
    for inode in disk.inodes.values_mut() {
        inode.lose_power(&mut dice);
    }
}

/// All descriptors of the process are closed, and its locks given up.
pub(super) fn process_gone() {
    let mut disk = disk();
    let ids: Vec<u64> = disk.open.keys().copied().collect();
    ids.into_iter().for_each(|id| disk.close(id));
    disk.full_until_ns = 0;
    if lies(Mutation::KillsLoseTheCache) {
        for inode in disk.inodes.values_mut().filter(|inode| !inode.is_dir) {
            let bytes = inode.on_device.clone();
            inode.replace(&bytes, inode.len_on_device);
        }
    }
}

/// The system writes one page of some file back by itself.
pub(super) fn write_back(dice: u64) {
    let mut disk = disk();
    let count = disk.inodes.len().max(1);
    if let Some(inode) = disk.inodes.values_mut().nth(dice as usize % count) {
        let pages = inode.len.div_ceil(PAGE).max(1);
        inode.sync_page((dice >> 32) as usize % pages);
    }
}

fn apply(names: &mut BTreeMap<PathBuf, u64>, change: &Change) {
    match change {
        Change::Link(path, ino) => _ = names.insert(path.clone(), *ino),
        Change::Unlink(path) => _ = names.remove(path),
        Change::Rename(from, to) => {
            // A directory takes along what is in it.
            let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
            for path in moved {
                if let (Some(ino), Ok(rest)) = (names.remove(&path), path.strip_prefix(from)) {
                    names.insert(to.components().chain(rest.components()).collect(), ino);
                }
            }
        }
    }
}

impl Disk {
    const fn new() -> Self {
        Self {
            inodes: BTreeMap::new(),
            names: BTreeMap::new(),
            names_on_device: BTreeMap::new(),
            changes: VecDeque::new(),
            open: BTreeMap::new(),
            last: 1,
            full_until_ns: 0,
        }
    }

    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(super) fn make(&mut self, path: &Path, is_dir: bool) -> u64 {
        let ino = self.number();
        self.inodes.insert(ino, Inode::new(is_dir));
        self.change(Change::Link(path.to_owned(), ino));
        ino
    }

    pub(super) fn change(&mut self, change: Change) {
        world::told(|| format!("{change:?}"));
        let replaced = match &change {
            Change::Link(..) => None,
            Change::Unlink(path) | Change::Rename(_, path) => self.names.get(path).copied(),
        };
        apply(&mut self.names, &change);
        self.changes.push_back(change);
        replaced.into_iter().for_each(|ino| self.forget_unused(ino));
    }

    pub(super) fn sync_names(&mut self) {
        if lies(Mutation::SyncsDoNothing) {
            return;
        }
        for change in std::mem::take(&mut self.changes) {
            apply(&mut self.names_on_device, &change);
        }
        let all: Vec<u64> = self.inodes.keys().copied().collect();
        all.into_iter().for_each(|ino| self.forget_unused(ino));
    }

    pub(super) fn links(&self, ino: u64) -> u64 {
        self.names.values().filter(|named| **named == ino).count() as u64
    }

    pub(super) fn is_dir(&self, path: &Path) -> bool {
        path == Path::new("/") || self.inode_at(path).is_some_and(|inode| inode.is_dir)
    }

    pub(super) fn inode_at(&self, path: &Path) -> Option<&Inode> {
        self.inodes.get(self.names.get(path)?)
    }

    pub(super) fn close(&mut self, id: u64) {
        let Some(descriptor) = self.open.remove(&id) else {
            return;
        };
        if let Some(inode) = self.inodes.get_mut(&descriptor.ino)
            && inode.lock == Some(id)
        {
            inode.lock = None;
        }
        self.forget_unused(descriptor.ino);
    }

    /// A file goes when no name leads to it, here or on the device, and nobody has it open.
    fn forget_unused(&mut self, ino: u64) {
        let is_named = |names: &BTreeMap<PathBuf, u64>| names.values().any(|named| *named == ino);
        let is_changing = self
            .changes
            .iter()
            .any(|change| matches!(change, Change::Link(_, made) if *made == ino));
        let is_open = self.open.values().any(|descriptor| descriptor.ino == ino);
        if !is_open && !is_changing && !is_named(&self.names) && !is_named(&self.names_on_device) {
            self.inodes.remove(&ino);
        }
    }
}

impl Inode {
    fn new(is_dir: bool) -> Self {
        let now_ns = world::wall_ns();
        Self {
            is_dir,
            words: words(0),
            len: 0,
            mode: 0o644,
            born_ns: now_ns,
            modified_ns: now_ns,
            attributes: BTreeMap::new(),
            attributes_on_device: BTreeMap::new(),
            lock: None,
            failures: 0,
            on_device: Vec::new(),
            len_on_device: 0,
            forsaken: BTreeMap::new(),
            is_allocated: false,
        }
    }

    /// Copies bytes of the page cache out, as many as there are.
    pub(super) fn read(&self, buffer: &mut [u8], offset: usize) -> usize {
        let count = buffer.len().min(self.len.saturating_sub(offset));
        let mut done = 0;
        while done < count {
            let at = offset + done;
            let word = self
                .words
                .get(at / 8)
                .map_or(0, |word| word.load(Relaxed))
                .to_ne_bytes();
            for byte in word.iter().skip(at % 8).take(count - done) {
                if let Some(place) = buffer.get_mut(done) {
                    *place = *byte;
                }
                done += 1;
            }
        }
        count
    }

    /// Copies bytes into the page cache.
    pub(super) fn write(&mut self, bytes: &[u8], offset: usize) {
        self.grow(offset + bytes.len());
        for (index, byte) in bytes.iter().enumerate() {
            let at = offset + index;
            if let Some(word) = self.words.get(at / 8) {
                let mut there = word.load(Relaxed).to_ne_bytes();
                if let Some(place) = there.get_mut(at % 8) {
                    *place = *byte;
                }
                word.store(u64::from_ne_bytes(there), Relaxed);
            }
        }
    }

    /// Makes the file at least that long.
    pub(super) fn grow(&mut self, len: usize) {
        if len > self.words.len() * 8 {
            // Maps of the file go on in the old memory: nobody above lets a mapped file grow.
            let more = words((len * 2).next_multiple_of(PAGE));
            self.words
                .iter()
                .zip(more.iter())
                .for_each(|(from, to)| to.store(from.load(Relaxed), Relaxed));
            self.words = more;
        }
        self.len = self.len.max(len);
    }

    /// Cuts the file, or makes it longer by zeros.
    pub(super) fn set_len(&mut self, len: usize) {
        if len < self.len {
            let zeros = vec![0; self.len - len];
            self.write(&zeros, len);
            self.len = len;
        }
        self.grow(len);
    }

    fn replace(&mut self, bytes: &[u8], len: usize) {
        self.words = words(len.next_multiple_of(PAGE).max(PAGE));
        self.len = 0;
        self.write(bytes.get(..len.min(bytes.len())).unwrap_or_default(), 0);
        self.len = len;
        self.lock = None;
    }

    /// Brings the length and the pages from `first` to before `end` to the device.
    pub(super) fn sync(&mut self, first: usize, end: usize, with_len: bool) {
        if lies(Mutation::SyncsDoNothing) {
            return;
        }
        (first..end).for_each(|page| self.sync_page(page));
        if with_len {
            self.len_on_device = self.len;
            self.attributes_on_device = self.attributes.clone();
        }
    }

    /// A sync that fails: some pages get there, the others count as clean from now on.
    pub(super) fn fail_sync(&mut self, first: usize, end: usize, mut dice: impl FnMut() -> u64) {
        self.failures += 1;
        for page in first..end {
            if dice().is_multiple_of(LUCKY) {
                self.sync_page(page);
            } else {
                let now = self.page(page);
                if self.device_page(page) != now {
                    self.forsaken.insert(page, now);
                }
            }
        }
    }

    pub(super) fn pages(&self) -> usize {
        self.len.div_ceil(PAGE)
    }

    fn page(&self, page: usize) -> Vec<u8> {
        let mut bytes = vec![0; PAGE];
        self.read(&mut bytes, page * PAGE);
        bytes
    }

    fn device_page(&self, page: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.on_device.iter().skip(page * PAGE).take(PAGE).copied().collect();
        bytes.resize(PAGE, 0);
        bytes
    }

    fn sync_page(&mut self, page: usize) {
        let bytes = self.page(page);
        if self.forsaken.get(&page).is_some_and(|then| *then == bytes) {
            return;
        }
        self.forsaken.remove(&page);
        let end = (page + 1) * PAGE;
        if self.on_device.len() < end {
            self.on_device.resize(end, 0);
        }
        if let Some(place) = self.on_device.get_mut(page * PAGE..end) {
            place.copy_from_slice(&bytes);
        }
    }

    /// What is there after the power went: each sector as on the device or as in the cache, and a length between the
    /// two.
    fn lose_power(&mut self, dice: &mut impl FnMut() -> u64) {
        let draw = dice();
        let (low, high) = (self.len.min(self.len_on_device), self.len.max(self.len_on_device));
        let len = match draw % 4 {
            0 => self.len_on_device,
            1 => self.len,
            2 if self.is_allocated => self.len_on_device,
            3 if self.is_allocated => self.len,
            _ => low + (draw >> 8) as usize % (high - low + 1),
        };
        let mut bytes = std::mem::take(&mut self.on_device);
        bytes.resize(high.next_multiple_of(PAGE), 0);
        // Some crashes lose all that was not synced, some little of it, most some.
        let odds = (draw >> 4) % 5;
        for (page, there) in bytes.chunks_mut(PAGE).enumerate() {
            let now = self.page(page);
            let is_forsaken = self.forsaken.get(&page).is_some_and(|then| *then == now);
            for (old, new) in there.chunks_mut(SECTOR).zip(now.chunks(SECTOR)) {
                if old != new && !is_forsaken && dice() % 4 < odds {
                    old.copy_from_slice(new);
                }
            }
        }
        world::told(|| {
            format!(
                "power off: length {} in the cache, {} on the device, now {len}",
                self.len, self.len_on_device
            )
        });
        self.replace(&bytes, len);
        // The log of a file system keeps them in step with the length, or is ahead with them.
        if len == self.len_on_device && draw & 1 << 40 != 0 {
            self.attributes = self.attributes_on_device.clone();
        }
        self.attributes_on_device = self.attributes.clone();
        self.on_device = bytes;
        self.len_on_device = len;
        self.failures = 0;
        self.forsaken.clear();
    }
}

fn words(bytes: usize) -> Words {
    (0..bytes.div_ceil(8)).map(|_| AtomicU64::new(0)).collect()
}
