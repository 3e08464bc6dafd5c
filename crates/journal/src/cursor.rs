//! How far each head has got, kept where it survives the process.
//!
//! The file `cursors` holds a header of 512 bytes (magic `HYDRACUR`, a word that is not 0 if the file replaces one that
//! was lost, the number of slots in use, 16 bytes that tell the start of the machine, and twice how far the journal is
//! known to have got: position u64, checksum u64) and one slot of 512 bytes a head:
//!
//! | offset in the slot | bytes | what |
//! |-------:|------:|------|
//! | 0 | 8 | length of the head's name; 0 = the slot is free; all ones = free again; written last |
//! | 8 | 8 | XXH3-64 of the name |
//! | 16 | 240 | the name, cut to 240 bytes |
//! | 256 | 72 | copy A of the state |
//! | 328 | 16 | copy A of how far the destination has been synced: position u64, checksum u64 |
//! | 384 | 72 | copy B of the state |
//! | 456 | 16 | copy B of how far it has been synced |
//!
//! A copy is: version u64, position u64, mark 48 bytes, checksum u64. An update goes to the older copy with the next
//! version number, so a death in the middle of it leaves the newer one whole. The *mark* is the sink's own note of
//! where its next byte goes (see `hydra-sink`); the journal does not look into it.
//!
//! The system writes this file back when it likes, and may do so before the destination's own bytes: after a loss of
//! power a position says what had been handed to the system, not what survived. So when the machine has been started
//! anew since, every head goes back to where its destination was last synced.

mod slot;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::Arc;

use hydra_os::atomic::{AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering};
use hydra_os::process;

use self::slot::{cut, write_twice};
use crate::error::{Error, ErrorKind};
use crate::position::Position;
use crate::progress::Progress;
use crate::segment::Mapping;
use crate::table::Table;

/// The most heads a journal keeps cursors for.
pub const CURSORS_MAX: usize = 127;
/// Bytes of a sink's mark.
pub const MARK_BYTES: usize = 48;
/// Size of the file.
pub(crate) const FILE_BYTES: usize = SLOT_BYTES * (CURSORS_MAX + 1);

const SLOT_BYTES: usize = 512;
const NAME_AT: usize = 16;
const NAME_BYTES: usize = 240;
const COPIES_AT: [usize; 2] = [256, 384];
const COPY_BYTES: usize = 72;
const DURABLE_AT: [usize; 2] = [328, 456];
const AT_LOST: usize = 8;
const AT_COUNT: usize = 16;
const AT_BOOT: usize = 24;
const BOOT_BYTES: usize = 16;
/// See `reached`.
const REACHED_AT: [usize; 2] = [40, 56];
/// No head has this slot: it is the header's place.
const HEADER_SLOT: usize = 0;
/// In the place of a name's length: the head has been removed. One store, so that a death leaves the one or the other.
const REMOVED: u64 = u64::MAX;
const MAGIC: u64 = u64::from_le_bytes(*b"HYDRACUR");

const _: () = assert!(AT_BOOT + BOOT_BYTES <= REACHED_AT[0] && REACHED_AT[1] + 16 <= SLOT_BYTES);
const _: () = assert!(NAME_AT + NAME_BYTES == COPIES_AT[0] && COPIES_AT[0] + COPY_BYTES <= DURABLE_AT[0]);
const _: () = assert!(DURABLE_AT[0] + 16 <= COPIES_AT[1] && COPIES_AT[1] + COPY_BYTES <= DURABLE_AT[1]);
const _: () = assert!(DURABLE_AT[1] + 16 <= SLOT_BYTES);

/// What a head remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CursorState {
    /// Everything before it is with the destination.
    pub position: Position,
    /// The sink's note of where its next byte goes.
    pub mark: [u8; MARK_BYTES],
}

impl Default for CursorState {
    fn default() -> CursorState {
        CursorState {
            position: Position::START,
            mark: [0; MARK_BYTES],
        }
    }
}

/// The cursors of one journal.
#[derive(Debug)]
pub(crate) struct Cursors {
    map: Arc<Table>,
    heads: Mutex<Vec<Entry>>,
    /// Some heads' places are lost: every head that is not in the table begins at the start.
    is_lost: bool,
    /// A head has come, and a loss of power could leave a table that does not know it.
    names_unsynced: AtomicBool,
    /// How far the journal is known to have got; see `reached`.
    reached: AtomicU64,
}

#[derive(Debug)]
struct Entry {
    name: String,
    slot: usize,
    live: Option<Arc<Live>>,
}

/// A cursor in use.
#[derive(Debug)]
pub(crate) struct Live {
    map: Arc<Table>,
    slot: usize,
    /// Of the newest copy; held while a new one is written.
    version: Mutex<u64>,
    pub(crate) delivered: Progress,
    /// Up to here the head has given its records up, whether it has delivered them or not.
    abandoned: AtomicU64,
    /// Up to here the destination has been synced as well.
    durable: AtomicU64,
    /// Up to here the keeper wants it to be.
    durable_wanted: AtomicU64,
}

impl Live {
    /// Returns the position from which on the head needs the journal.
    pub(crate) fn needed_from(&self) -> Position {
        self.delivered
            .reached()
            .max(Position::from_u64(self.abandoned.load(Ordering::Acquire)))
    }

    /// Gives up everything before `position`.
    pub(crate) fn abandon(&self, position: Position) {
        self.abandoned.fetch_max(position.to_u64(), Ordering::AcqRel);
    }

    /// Says whether the head should sync its destination.
    pub(crate) fn checkpoint_wanted(&self) -> bool {
        self.durable_wanted.load(Ordering::Acquire) > self.durable.load(Ordering::Relaxed)
    }

    /// Returns the position up to which the destination is known to be synced.
    pub(crate) fn durable(&self) -> Position {
        Position::from_u64(self.durable.load(Ordering::Acquire))
    }

    /// Notes that the destination is synced up to `position`.
    pub(crate) fn checkpointed(&self, position: Position) {
        if self.durable.fetch_max(position.to_u64(), Ordering::AcqRel) < position.to_u64() {
            write_twice(&self.map, self.slot, DURABLE_AT, position);
        }
    }
}

impl Cursors {
    /// Begins an empty table in zeroed memory.
    pub(crate) fn create(map: impl Into<Arc<Table>>) -> Cursors {
        let map = map.into();
        map.copy_in(AT_BOOT, &process::boot_id().unwrap_or_default());
        map.store(0, MAGIC);
        Cursors {
            map,
            heads: Mutex::default(),
            is_lost: false,
            names_unsynced: AtomicBool::new(true),
            reached: AtomicU64::new(0),
        }
    }

    /// Begins an empty table in the place of one that is gone. That it is one is written down: a process that dies in
    /// the middle of catching up must not leave a table that looks as if there had been no heads.
    pub(crate) fn replace(map: impl Into<Arc<Table>>) -> Cursors {
        let map = map.into();
        map.store(AT_LOST, 1);
        let mut cursors = Cursors::create(map);
        cursors.is_lost = true;
        cursors
    }

    /// Takes over the table a dead process left; `None` if it is not one.
    pub(crate) fn open(map: impl Into<Arc<Table>>) -> Option<Cursors> {
        let cursors = Cursors::view(map)?;
        cursors.go_back_if_restarted();
        Some(cursors)
    }

    /// Reads a table without changing it; `None` if it is not one.
    pub(crate) fn view(map: impl Into<Arc<Table>>) -> Option<Cursors> {
        let map = map.into();
        if map.len() < FILE_BYTES || map.load(0) != MAGIC {
            return None;
        }
        let mut cursors = Cursors {
            map,
            heads: Mutex::default(),
            is_lost: false,
            names_unsynced: AtomicBool::new(true),
            reached: AtomicU64::new(0),
        };
        let reached = cursors.read_twice(HEADER_SLOT, REACHED_AT);
        cursors.reached = AtomicU64::new(reached.unwrap_or_default().to_u64());
        let count = cursors.map.load(AT_COUNT) as usize;
        let mut found = Vec::new();
        for slot in 1..=CURSORS_MAX {
            match cursors.name_in(slot) {
                Some(name) => found.push(Entry { name, slot, live: None }),
                None if cursors.is_removed(slot) => {}
                // A head whose name is damaged was one of those that now look unknown.
                None => cursors.is_lost |= slot <= count || !cursors.is_free(slot),
            }
        }
        cursors.is_lost |= cursors.map.load(AT_LOST) != 0;
        *cursors.lock() = found;
        Some(cursors)
    }

    /// Moves every head back to where its destination was synced, if the machine has been started since the table was
    /// last trusted. A death in the middle leaves the old start's number, so that it is done again.
    fn go_back_if_restarted(&self) {
        let mut then = [0; BOOT_BYTES];
        self.map.copy_out(AT_BOOT, &mut then);
        // Where the system does not tell one start from another, and where nobody has noted it, positions are trusted.
        let Some(now) = process::boot_id().filter(|now| then != [0; BOOT_BYTES] && then != *now) else {
            return;
        };
        for entry in self.lock().iter() {
            let durable = self.durable(entry.slot);
            let Some((version, state)) = self.newest(entry.slot).filter(|(_, state)| state.position > durable) else {
                continue;
            };
            // What was begun behind it is nobody's to compare with: reading begins elsewhere.
            let back = CursorState {
                position: durable.min(state.position),
                ..CursorState::default()
            };
            self.write_copy(entry.slot, version + 1, &back);
            self.write_copy(entry.slot, version + 2, &back);
        }
        self.note_reached(Position::START);
        self.map.copy_in(AT_BOOT, &now);
    }

    /// Returns how far the destination has been synced; the start if neither copy is whole.
    fn durable(&self, slot: usize) -> Position {
        self.read_twice(slot, DURABLE_AT).unwrap_or(Position::START)
    }

    /// Returns how far the journal is known to have got; the start if that is not known.
    pub(crate) fn reached(&self) -> Position {
        Position::from_u64(self.reached.load(Ordering::Relaxed))
    }

    /// Writes down how far the journal has got. One thread at a time may do so.
    pub(crate) fn note_reached(&self, position: Position) {
        let before = self.reached.swap(position.to_u64(), Ordering::Relaxed);
        if before != position.to_u64() {
            write_twice(&self.map, HEADER_SLOT, REACHED_AT, position);
        }
    }

    /// Says whether heads that are not in the table may have been there once.
    pub(crate) fn is_lost(&self) -> bool {
        self.is_lost
    }

    /// Returns the cursor of the head `name`; a new one begins at `start`, asked for while nobody can take the lowest
    /// cursor.
    ///
    /// It belongs to one owner at a time: two would each deliver what the other has already, and move the other's mark.
    pub(crate) fn join(&self, name: &str, start: impl FnOnce() -> Position) -> Result<Arc<Live>, Error> {
        let mut heads = self.lock();
        if let Some(entry) = heads.iter_mut().find(|entry| entry.name == cut(name)) {
            let live = entry.live.get_or_insert_with(|| self.live(entry.slot));
            // One is the table's own; nobody but us, who hold the lock, makes one of one.
            if Arc::strong_count(live) > 1 {
                let text = format!("opening the cursor `{name}`, which another head of this process has open");
                return Err(Error::new(ErrorKind::Owned, text));
            }
            return Ok(Arc::clone(live));
        }
        let count = self.map.load(AT_COUNT) as usize;
        let last = heads.iter().map(|entry| entry.slot).max().unwrap_or_default();
        let next = last.max(count.min(CURSORS_MAX)) + 1;
        let slot = (1..next).find(|slot| self.is_removed(*slot)).unwrap_or(next);
        let slot = Some(slot).filter(|slot| *slot <= CURSORS_MAX);
        let Some(slot) = slot.or_else(|| self.damaged_slot(&heads)) else {
            let text = format!("opening a cursor for `{name}`: a journal has {CURSORS_MAX} at most");
            return Err(Error::new(ErrorKind::Option, text));
        };
        let start = start();
        self.write_copies(slot, start);
        write_twice(&self.map, slot, DURABLE_AT, start);
        self.write_name(slot, cut(name));
        self.map.store(AT_COUNT, slot.max(count) as u64);
        self.names_unsynced.store(true, Ordering::Release);
        let live = self.live(slot);
        heads.push(Entry {
            name: cut(name).to_owned(),
            slot,
            live: Some(Arc::clone(&live)),
        });
        Ok(live)
    }

    /// Returns a slot that only looks taken because the table is damaged. That it was is written down first: what is
    /// put there hides it.
    fn damaged_slot(&self, heads: &[Entry]) -> Option<usize> {
        let is_taken = |slot: usize| heads.iter().any(|entry| entry.slot == slot);
        let slot = (1..=CURSORS_MAX).find(|slot| self.is_lost && !is_taken(*slot))?;
        self.map.store(AT_LOST, 1);
        Some(slot)
    }

    /// Forgets a head; its slot can be another's.
    pub(crate) fn remove(&self, live: &Arc<Live>) {
        let mut heads = self.lock();
        let is_it = |entry: &Entry| entry.live.as_ref().is_some_and(|other| Arc::ptr_eq(other, live));
        if let Some(index) = heads.iter().position(is_it) {
            let entry = heads.remove(index);
            self.map.store(entry.slot * SLOT_BYTES, REMOVED);
        }
    }

    fn live(&self, slot: usize) -> Arc<Live> {
        let (version, state) = self.newest(slot).unwrap_or_default();
        let delivered = Progress::default();
        delivered.advance(state.position);
        let (durable, durable_wanted) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Live {
            map: Arc::clone(&self.map),
            slot,
            version: Mutex::new(version),
            delivered,
            abandoned: AtomicU64::new(0),
            durable,
            durable_wanted,
        })
    }

    /// Says whether there is a cursor of that name.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.lock().iter().any(|entry| entry.name == cut(name))
    }

    /// Returns names and states of all heads.
    pub(crate) fn all(&self) -> Vec<(String, CursorState)> {
        let heads = self.lock();
        heads
            .iter()
            .map(|entry| (entry.name.clone(), self.state(entry.slot)))
            .collect()
    }

    /// Returns the position before which no head needs anything; `None` if there is no head.
    pub(crate) fn lowest(&self) -> Option<Position> {
        let heads = self.lock();
        let position = |entry: &Entry| match &entry.live {
            Some(live) => live.needed_from(),
            None => self.state(entry.slot).position,
        };
        heads.iter().map(position).min()
    }

    /// Asks every head to sync its destination up to `position`; returns the position all of them have synced.
    pub(crate) fn lowest_durable(&self, position: Position) -> Position {
        let heads = self.lock();
        let durable = |entry: &Entry| match &entry.live {
            Some(live) => {
                // Pairs with the load in `checkpoint_wanted`.
                live.durable_wanted.fetch_max(position.to_u64(), Ordering::AcqRel);
                let durable = live.durable();
                // What was given up after that is at no destination that could lose it.
                if durable >= live.delivered.reached() {
                    durable.max(live.needed_from())
                } else {
                    durable
                }
            }
            None => Position::START,
        };
        heads.iter().map(durable).min().unwrap_or(Position::END)
    }

    /// Returns the state in `slot`; the start if neither copy is whole.
    pub(crate) fn state(&self, slot: usize) -> CursorState {
        self.newest(slot).map(|(_, state)| state).unwrap_or_default()
    }

    /// Returns the state of a cursor in use.
    pub(crate) fn state_of(&self, live: &Live) -> CursorState {
        self.state(live.slot)
    }

    /// Writes a new state. When it returns, the state survives the death of the process.
    pub(crate) fn save(&self, live: &Live, state: &CursorState) {
        let mut version = live.version.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *version += 1;
        self.write_copy(live.slot, *version, state);
        drop(version);
        live.delivered.advance(state.position);
    }

    /// Writes the file's pages to the device.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.map.sync()
    }

    /// Writes the table to the device if a head has come since that was done last: a record that is called synced must
    /// find its head again after a loss of power.
    pub(crate) fn sync_names(&self) -> io::Result<()> {
        // Pairs with the store in `join`, which is over before its head is promised anything.
        if self.names_unsynced.swap(false, Ordering::AcqRel) {
            self.sync()
                .inspect_err(|_| self.names_unsynced.store(true, Ordering::Release))?;
        }
        Ok(())
    }

    /// Says whether the table's file is not what it was any more.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.map.is_in_trouble()
    }

    /// Goes on in another file, which `publish` puts in its place.
    pub(crate) fn move_to(&self, file: Mapping, publish: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        self.map.move_to(file, publish)
    }

    /// Makes waiting for a head's delivery end with an error.
    pub(crate) fn fail_all(&self, error: &Error) {
        for entry in self.lock().iter() {
            if let Some(live) = &entry.live {
                live.delivered.fail(error);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.heads.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
