//! What each thread keeps between its calls: a buffer to encode in and its way into each journal.

use std::cell::Cell;

use hydra_journal::{NoteSlot, Writer};
use hydra_record::Scratch;

use crate::core::Core;

/// A buffer that grew past this for one record is given back.
const SCRATCH_BYTES_KEPT: usize = 64 << 10;
/// The most journals a thread keeps a way into.
const WRITERS_MAX: usize = 8;
/// How deep calls may be made by values of calls. A value that logs itself would go on until the stack is used up.
const NESTED_MAX: u8 = 8;

/// A thread's own state.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) scratch: Scratch,
    pub(crate) voice: Voice,
}

/// Who speaks on a thread, and its way into each journal.
#[derive(Debug)]
pub(crate) struct Voice {
    pub(crate) writers: Writers,
    pub(crate) thread: u32,
    pub(crate) name: String,
    pub(crate) note: NoteSlot,
}

/// A thread's ways into journals, by the number of the logger.
#[derive(Debug, Default)]
pub(crate) struct Writers(Vec<(u64, Writer)>);

impl Local {
    #[cold]
    #[inline(never)]
    fn boxed() -> Box<Local> {
        let voice = Voice {
            writers: Writers::default(),
            thread: hydra_os::thread::id(),
            name: hydra_os::thread::current_name(),
            note: NoteSlot::new(),
        };
        let scratch = Scratch::new();
        Box::new(Local { scratch, voice })
    }

    /// Gives back a buffer that one large record has made large.
    #[inline]
    pub(crate) fn trim(&mut self) {
        if self.scratch.capacity() > SCRATCH_BYTES_KEPT {
            self.scratch = Scratch::new();
        }
    }
}

impl Writers {
    /// Returns the thread's way into the journal of `core`.
    #[inline]
    pub(crate) fn of(&mut self, core: &Core) -> &mut Writer {
        let found = self.0.iter().position(|(id, _)| *id == core.id);
        let index = found.unwrap_or_else(|| self.add(core));
        match self.0.get_mut(index) {
            Some((_, writer)) => writer,
            None => unreachable!("the writer was found or pushed above"),
        }
    }

    #[cold]
    fn add(&mut self, core: &Core) -> usize {
        if self.0.len() >= WRITERS_MAX {
            self.0.remove(0);
        }
        self.0.push((core.id, core.journal.writer()));
        self.0.len() - 1
    }
}

/// What runs on a thread, as far as its calls are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No call.
    Outside,
    /// Our own code: the only call that can come now is that of a signal's handler. It finds locks held and memory
    /// being allocated, and must need neither.
    Ours,
    /// A `Display` or `Debug` of the program, which may log.
    Theirs,
}

/// Puts the phase back, also when the code unwinds.
struct Back(Phase);

impl Back {
    #[inline]
    fn from(phase: Phase) -> Back {
        Back(crate::global::PHASE.replace(phase))
    }
}

impl Drop for Back {
    #[inline]
    fn drop(&mut self) {
        crate::global::PHASE.set(self.0);
    }
}

/// Runs code of the program inside a call.
#[inline]
pub(crate) fn theirs<T>(work: impl FnOnce() -> T) -> T {
    let _back = Back::from(Phase::Theirs);
    work()
}

/// Runs `work` with the thread's state; does nothing where a call interrupts our own code.
///
/// The state is taken out and put back: a call inside a call (a `Display` that logs) finds none and makes its own, and
/// so does a call while the thread is being torn down. `work` stands in the code once, so that it becomes a part of it.
/// At a depth at which it is plain that there is no end to it nothing is done.
#[inline]
pub(crate) fn with<T>(work: impl FnOnce(&mut Local) -> T) -> Option<T> {
    let back = Back::from(Phase::Ours);
    let _depth = match back.0 {
        Phase::Outside => None,
        Phase::Theirs => Some(deeper()?),
        Phase::Ours => return None,
    };
    let kept = crate::global::LOCAL.try_with(Cell::take);
    let mut local = kept.ok().flatten().unwrap_or_else(Local::boxed);
    let result = work(&mut local);
    let _gone_with_the_thread = crate::global::LOCAL.try_with(|slot| slot.set(Some(local)));
    Some(result)
}

#[cold]
#[inline(never)]
fn deeper() -> Option<Depth> {
    let depth = crate::global::NESTED.get();
    let deeper = depth.checked_add(1).filter(|deeper| *deeper <= NESTED_MAX)?;
    crate::global::NESTED.set(deeper);
    Some(Depth(depth))
}

/// Puts the depth back, also when the code unwinds.
struct Depth(u8);

impl Drop for Depth {
    fn drop(&mut self) {
        crate::global::NESTED.set(self.0);
    }
}

/// The type of the thread-local in [`crate::global`].
pub(crate) type Slot = Cell<Option<Box<Local>>>;
