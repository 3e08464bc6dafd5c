//! The journal's log without files, threads or clock, for the model checker: what `tests/loom_*.rs` explores.
//!
//! It is the same code as in the journal, on a few words of memory; only the keeper is replaced by
//! [`Log::recycle_before`], which a model calls when it wants to.

use std::time::Duration;

use hydra_os::atomic::Arc;

use crate::append::Writer;
use crate::position::Position;
use crate::read::{Reader, Source};
use crate::segment::{FRAMES_START, Mapping, TRAILER_BYTES};
use crate::store::{self, Spare};

/// A log of tiny segments.
#[derive(Clone, Debug)]
pub struct Log {
    log: Arc<store::Log>,
}

impl Log {
    /// Makes a log whose first segment is begun, with `spares` more, each with room for `bytes` bytes of frames.
    pub fn new(spares: usize, bytes: usize) -> Log {
        let len = FRAMES_START + bytes + TRAILER_BYTES;
        let log = Log {
            log: Arc::new(store::Log::new(1, len, 0, 1 << 20, Vec::new())),
        };
        for generation in 1..=spares as u64 + 1 {
            let mapping = Mapping::anonymous(len).expect("memory");
            mapping.begin_life([1; 16], generation, 0, 0);
            log.add(Arc::new(mapping), generation);
        }
        log.log.roll(0).expect("a spare");
        log
    }

    fn add(&self, mapping: Arc<Mapping>, generation: u64) {
        self.log.store().spares.push_back(Spare { mapping, generation });
    }

    /// Makes a way in for one thread.
    pub fn writer(&self) -> Writer {
        Writer::new(Arc::clone(&self.log))
    }

    /// Begins to read at `from`.
    pub fn reader(&self, from: Position) -> Reader {
        Reader::new(Source::Live(Arc::clone(&self.log)), from)
    }

    /// Returns the end of what has been reserved.
    pub fn tail(&self) -> Position {
        self.log.tail()
    }

    /// Sleeps as a head does. A model has no time: one that nobody wakes sleeps for ever.
    pub fn park(&self, number: u32, seen: Position) {
        self.log.bell.wait(&self.log.hot, number, seen, Duration::MAX);
    }

    /// Wakes every head.
    pub fn wake_readers(&self) {
        self.log.bell.ring_all();
    }

    /// Moves the tail to the next multiple of `page`, as a sync does.
    pub fn fence(&self, page: usize) -> Position {
        self.log.fence(page)
    }

    /// Ends the log.
    pub fn close(&self) -> Position {
        self.log.close()
    }

    /// Does the keeper's work: gives the segments before `number` a new life. Returns how many.
    pub fn recycle_before(&self, number: u32) -> usize {
        let retired = self.log.retire_before(number);
        for segment in &retired {
            let generation = segment.generation + 100;
            segment.mapping.renew([1; 16], generation, 0, 0);
            self.add(Arc::clone(&segment.mapping), generation);
        }
        retired.len()
    }
}
