//! Records go to standard output or standard error.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use hydra_os::disk::{wait_writable, write_once};

pub use hydra_os::disk::Stream;

use crate::error::{Error, ErrorKind};
use crate::mark::Mark;
use crate::metrics::Metrics;
use crate::sink::{Batch, Begun, Sink};

/// `PIPE_BUF` of Linux: a pipe that is ready takes so much without waiting, and in one piece.
const PIECE_BYTES: usize = 4_096;
/// How long a stream may take nothing before a write is given up.
const STALL_MS_MAX: u32 = 1_000;

/// Writes records to a standard stream of the process.
///
/// Bytes go straight to the descriptor, past the standard library's buffer and lock. Nothing is read back: marks are
/// nowhere.
///
/// - A record of up to 4096 bytes goes to a pipe in one piece, so that lines of several processes do not mix.
/// - When nobody reads, a write gives up after a second: [`ErrorKind::Busy`]. What the stream had taken by then is
///   remembered, and when the same bytes come again they go on from there. A terminal that was stopped (Ctrl-S) can
///   hold a write for as long as it is stopped.
/// - When the reader has gone it is [`ErrorKind::Closed`], and no signal tells the host so.
#[derive(Debug)]
pub struct ConsoleSink {
    stream: Stream,
    begun: bool,
    taken: Taken,
    metrics: Arc<Metrics>,
}

impl ConsoleSink {
    /// Makes a sink for the stream.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            begun: false,
            taken: Taken::default(),
            metrics: Arc::default(),
        }
    }

    /// Tells whether a person may be reading.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        self.stream.is_terminal()
    }

    fn place(&self) -> &'static Path {
        Path::new(match self.stream {
            Stream::Output => "standard output",
            Stream::Error => "standard error",
        })
    }
}

/// What failed writes to a stream, or to a pipe in the place of a file, got rid of: from the first byte of the batch on
/// that is to come again.
#[derive(Debug, Default)]
pub(crate) struct Taken(Vec<u8>);

impl Taken {
    /// Writes a batch, but for what the stream has of it.
    pub(crate) fn pour(&mut self, to: &impl AsFd, batch: Batch<'_>) -> io::Result<()> {
        if self.0.len() > batch.bytes.len() && self.0.starts_with(batch.bytes) {
            self.0.drain(..batch.bytes.len());
            return Ok(());
        }
        let mut done = if batch.bytes.starts_with(&self.0) {
            self.0.len()
        } else {
            0
        };
        self.0.clear();
        let result = pour(to, batch, &mut done);
        if result.is_err() {
            self.0.extend_from_slice(batch.bytes.get(..done).unwrap_or_default());
        }
        result
    }
}

impl Sink for ConsoleSink {
    fn begin(&mut self, batch: Batch<'_>) -> Result<Begun, Error> {
        self.begun = true;
        Ok(Begun {
            records: batch.len(),
            mark: Mark::NOWHERE,
        })
    }

    fn write(&mut self, batch: Batch<'_>) -> Result<Mark, Error> {
        if !std::mem::take(&mut self.begun) {
            return Err(Error::without_source(
                ErrorKind::Misuse,
                "write to",
                self.place(),
                "nothing was begun",
            ));
        }
        if let Err(error) = self.taken.pour(&self.stream, batch) {
            self.metrics.writes_failed.count();
            return Err(Error::of_stream("write to", self.place(), error));
        }
        self.metrics.batches_written.count();
        self.metrics.bytes_written.add(batch.bytes.len() as u64);
        Ok(Mark::NOWHERE)
    }

    fn abandon(&mut self) {
        self.begun = false;
    }

    fn sync(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn resume(&mut self, _: Mark) -> Result<(), Error> {
        Ok(())
    }

    fn already(&mut self, _: Batch<'_>) -> Result<usize, Error> {
        Ok(0)
    }

    fn close(&mut self) -> Result<(), Error> {
        self.begun = false;
        Ok(())
    }

    fn metrics(&self) -> Option<Arc<Metrics>> {
        Some(Arc::clone(&self.metrics))
    }
}

/// Writes the batch from byte `done` on, and keeps `done` up to date: as many whole records at a time as a pipe takes
/// in one piece, and none before the stream is ready.
pub(crate) fn pour(to: &impl AsFd, batch: Batch<'_>, done: &mut usize) -> io::Result<()> {
    let fd = to.as_fd();
    while let Some(rest) = batch.bytes.get(*done..).filter(|rest| !rest.is_empty()) {
        let whole = batch.take(batch.fitting((*done + PIECE_BYTES) as u64)).bytes.len();
        let piece = rest
            .get(..whole.saturating_sub(*done))
            .filter(|piece| !piece.is_empty());
        let piece = piece.unwrap_or_else(|| rest.get(..PIECE_BYTES).unwrap_or(rest));
        if !wait_writable(fd, STALL_MS_MAX)? {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "nobody reads"));
        }
        match write_once(fd, piece) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => *done += count,
            // Another writer to the same pipe was faster.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::fd::OwnedFd;

    use super::*;

    /// Whole records go out together, a long one goes out at all, and what was taken is known when the reader is gone.
    #[test]
    fn pieces() {
        let (mut reader, writer) = io::pipe().unwrap();
        let writer = OwnedFd::from(writer);
        let bytes = vec![b'x'; 10_000];
        let batch = Batch {
            bytes: &bytes,
            ends: &[1_000, 4_000, 9_999, 10_000],
        };
        let mut done = 0;
        pour(&writer, batch, &mut done).unwrap();
        assert_eq!(done, 10_000);
        let mut read = vec![0; 10_000];
        reader.read_exact(&mut read).unwrap();
        assert_eq!(read, bytes);
        drop(reader);
        let mut done = 1_000;
        assert_eq!(
            pour(&writer, batch, &mut done).unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
        assert_eq!(done, 1_000);
    }
}
