//! What a victim meant to log and what was accepted, in a mapped file that survives SIGKILL.
//!
//! Sixteen bytes a thread and life: the number of the last record begun, the number of the last record accepted. Behind
//! them a gate, at which a victim stands until its killer has taken it in hand.

use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use hydra_os::disk::{File, Mode};
use hydra_os::map::Map;

/// The most lives of a round.
pub const LIVES_MAX: u64 = 64;
/// The most threads of a victim.
pub const THREADS_MAX: u64 = 64;

const SLOT: u64 = 16;
const GATE: u64 = LIVES_MAX * THREADS_MAX * SLOT;
const BYTES: u64 = GATE + 8;

/// What stands in the gate's word.
const SHUT: u64 = 0;
const WAITING: u64 = 1;
const OPEN: u64 = 2;

/// The tape of a round.
#[derive(Debug)]
pub struct Tape(Map);

/// What the tape says about one thread of one life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noted {
    /// Which life.
    pub life: u64,
    /// Which of its threads.
    pub thread: u64,
    /// Records begun.
    pub intended: u64,
    /// Records whose call returned, or whose receipt resolved.
    pub accepted: u64,
}

impl Tape {
    /// Makes an empty tape.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn create(path: &Path) -> io::Result<()> {
        File::open(path, Mode::CreateReadWrite)?.truncate(BYTES)
    }

    /// Opens a tape.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn open(path: &Path) -> io::Result<Tape> {
        Ok(Tape(Map::file(&File::open(path, Mode::ReadWrite)?, BYTES as usize)?))
    }

    /// Notes that the thread is about to log its record `number`.
    pub fn intend(&self, life: u64, thread: u64, number: u64) {
        // Release keeps the compiler from moving it; a killed process leaves its stores in program order.
        self.0.store(offset(life, thread), number, Ordering::Release);
    }

    /// Notes that the record was accepted.
    pub fn accept(&self, life: u64, thread: u64, number: u64) {
        self.0.store(offset(life, thread) + 8, number, Ordering::Release);
    }

    /// Stands at the gate until it is opened: without a system call, so that the caller can be stepped through it.
    pub fn wait_at_gate(&self) {
        self.0.store(GATE as usize, WAITING, Ordering::Release);
        while self.0.load(GATE as usize, Ordering::Acquire) != OPEN {
            std::hint::spin_loop();
        }
    }

    /// Says whether somebody stands at the gate.
    pub fn is_awaited(&self) -> bool {
        self.0.load(GATE as usize, Ordering::Acquire) == WAITING
    }

    /// Lets who stands at the gate go on.
    pub fn open_gate(&self) {
        self.0.store(GATE as usize, OPEN, Ordering::Release);
    }

    /// Shuts the gate again.
    pub fn shut_gate(&self) {
        self.0.store(GATE as usize, SHUT, Ordering::Release);
    }

    /// Returns what one thread has begun, and what of it was accepted.
    pub fn of(&self, life: u64, thread: u64) -> (u64, u64) {
        let at = offset(life, thread);
        let [intended, accepted] = [at, at + 8].map(|at| self.0.load(at, Ordering::Acquire));
        (intended, accepted)
    }

    /// Returns every thread that noted anything.
    pub fn read(&self) -> Vec<Noted> {
        let all = (0..LIVES_MAX).flat_map(|life| (0..THREADS_MAX).map(move |thread| (life, thread)));
        let noted = all.map(|(life, thread)| {
            let (intended, accepted) = self.of(life, thread);
            Noted {
                life,
                thread,
                intended,
                accepted,
            }
        });
        noted.filter(|noted| noted.intended > 0).collect()
    }
}

fn offset(life: u64, thread: u64) -> usize {
    assert!(
        life < LIVES_MAX && thread < THREADS_MAX,
        "the tape has no place for thread {thread} of life {life}"
    );
    ((life * THREADS_MAX + thread) * SLOT) as usize
}
