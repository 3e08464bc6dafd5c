//! A file that is opened when there is something to write to it.

use std::sync::Arc;

use hydra_sink::{Batch, Begun, Error, FileOptions, FileSink, Mark, Metrics, SharedFileSink, Sink};

/// A file that a destination on its way out still has open with other options: until that has let go of it, opening
/// fails and is tried again, as any failure of a destination is.
#[derive(Debug)]
pub(super) struct LateFile {
    options: FileOptions,
    sink: Option<SharedFileSink>,
}

impl LateFile {
    pub(super) fn new(options: FileOptions) -> LateFile {
        LateFile { options, sink: None }
    }

    fn open(&mut self) -> Result<&mut SharedFileSink, Error> {
        match &mut self.sink {
            Some(sink) => Ok(sink),
            none => Ok(none.insert(FileSink::shared(self.options.clone())?)),
        }
    }
}

impl Sink for LateFile {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.open()?.begin(batch)
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        self.open()?.write(batch)
    }

    fn abandon(&mut self) {
        if let Some(sink) = &mut self.sink {
            sink.abandon();
        }
    }

    /// What has not been opened has nothing that could be lost, but whoever wrote to it before may have.
    fn sync(&mut self) -> Result<(), Error> {
        self.open()?.sync()
    }

    fn resume(&mut self, mark: Mark) -> Result<(), Error> {
        self.open()?.resume(mark)
    }

    fn already(&mut self, batch: Batch<'_>) -> Result<usize, Error> {
        self.open()?.already(batch)
    }

    fn close(&mut self) -> Result<(), Error> {
        match &mut self.sink {
            Some(sink) => sink.close(),
            None => Ok(()),
        }
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        self.sink.as_ref().and_then(Sink::metrics)
    }
}
