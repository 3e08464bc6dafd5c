//! A sink that fails now and then, without doubt about the device.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hydra_sink::{Batch, Begun, Error, FileOptions, FileSink, Mark, Memory, MemorySink, Sink};

/// Memory of which one `begin` fails, or some syncs.
pub struct Flaky {
    pub inner: MemorySink,
    pub begins: u64,
    /// Which `begin` fails; 0 for none.
    pub fails_at: u64,
    /// How many syncs fail from now on.
    pub failing_syncs: Arc<AtomicU64>,
    pub syncs: Arc<AtomicU64>,
    /// Whether it cannot tell what it holds, either.
    pub is_mute: bool,
}

impl Flaky {
    pub fn new(memory: &Memory) -> Flaky {
        Flaky {
            inner: memory.sink(),
            begins: 0,
            fails_at: 0,
            failing_syncs: Arc::default(),
            syncs: Arc::default(),
            is_mute: false,
        }
    }

    pub fn failing_at(memory: &Memory, begin: u64) -> Flaky {
        Flaky {
            fails_at: begin,
            ..Flaky::new(memory)
        }
    }

    pub fn failing_syncs(memory: &Memory, count: u64) -> Flaky {
        Flaky {
            failing_syncs: Arc::new(count.into()),
            ..Flaky::new(memory)
        }
    }
}

/// An error such as a file gives that cannot be reached for the moment.
fn failure() -> Error {
    match FileSink::open(FileOptions::new("/proc/nowhere/f")) {
        Err(error) => error,
        Ok(_) => unreachable!("nothing can be made there"),
    }
}

impl Sink for Flaky {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.begins += 1;
        match self.begins == self.fails_at {
            true => Err(failure()),
            false => self.inner.begin(batch),
        }
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        self.inner.write(batch)
    }

    fn abandon(&mut self) {
        self.inner.abandon();
    }

    fn sync(&mut self) -> Result<(), Error> {
        self.syncs.fetch_add(1, Ordering::SeqCst);
        let less = |left: u64| left.checked_sub(1);
        match self
            .failing_syncs
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
        {
            Ok(_) => Err(failure()),
            Err(_) => self.inner.sync(),
        }
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        match self.is_mute {
            true => Err(failure()),
            false => self.inner.resume(mark),
        }
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        self.inner.already(batch)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.inner.close()
    }
}
