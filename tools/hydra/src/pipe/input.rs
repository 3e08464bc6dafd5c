//! Standard input in big blocks, cut at the last line's end.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsFd as _;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::stop::Stop;

/// The longest line in bytes: a record's limit, less room for what a record holds besides.
pub(crate) const LINE_BYTES_MAX: usize = hydra_journal::RECORD_BYTES_MAX - (64 << 10);
/// Bytes of a block.
const BLOCK_BYTES: usize = 256 << 10;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// [`Input::lines`] has whole lines.
    Lines,
    /// There is no whole line yet.
    Nothing,
    /// The input has ended; [`Input::rest`] may have a last line.
    End,
    /// A signal has come.
    Stopped,
}

/// The input, as far as it has been read and not taken.
#[derive(Debug)]
pub(crate) struct Input<'s> {
    file: File,
    stop: &'s Stop,
    buffer: Vec<u8>,
    /// Bytes of `buffer` that are whole lines.
    lines: usize,
    /// Bytes of `buffer` that hold input.
    filled: usize,
    /// The line that has begun is over the limit, and its bytes are thrown away.
    is_over: bool,
}

impl<'s> Input<'s> {
    /// Takes standard input.
    pub(crate) fn new(stop: &'s Stop) -> io::Result<Input<'s>> {
        // A descriptor of our own: the standard library's buffer would only be one more copy.
        let file = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        Ok(Input {
            file,
            stop,
            buffer: vec![0; BLOCK_BYTES],
            lines: 0,
            filled: 0,
            is_over: false,
        })
    }

    /// Reads once, waiting for input at most `wait` (`None`: for ever).
    pub(crate) fn step(&mut self, wait: Option<Duration>) -> io::Result<Step> {
        self.make_room();
        if !self.wait(wait)? {
            return Ok(if self.stop.is_asked() {
                Step::Stopped
            } else {
                Step::Nothing
            });
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        let count = match self.file.read(room) {
            Ok(0) => return Ok(Step::End),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => 0,
            Err(error) => return Err(error),
        };
        let fresh = self.buffer.get(self.filled..self.filled + count).unwrap_or_default();
        let last = memchr::memrchr(b'\n', fresh);
        if let Some(at) = last {
            self.lines = self.filled + at + 1;
        }
        self.filled += count;
        Ok(if last.is_some() { Step::Lines } else { Step::Nothing })
    }

    /// Returns the whole lines, and whether the first of them is the end of one over the limit.
    pub(crate) fn lines(&mut self) -> (&[u8], bool) {
        let is_over = std::mem::take(&mut self.is_over);
        (self.buffer.get(..self.lines).unwrap_or_default(), is_over)
    }

    /// Returns what comes after the last line's end, and whether it is the end of a line over the limit.
    pub(crate) fn rest(&self) -> (&[u8], bool) {
        (
            self.buffer.get(self.lines..self.filled).unwrap_or_default(),
            self.is_over,
        )
    }

    /// Drops the lines taken, and sees to it that there is room to read.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.lines..self.filled, 0);
        self.filled -= self.lines;
        self.lines = 0;
        if self.filled > LINE_BYTES_MAX || self.is_over {
            self.is_over = true;
            self.filled = 0;
        }
        if self.filled == self.buffer.len() {
            self.buffer
                .resize((self.filled * 2).min(LINE_BYTES_MAX + BLOCK_BYTES), 0);
        } else if self.filled < BLOCK_BYTES / 2 && self.buffer.len() > BLOCK_BYTES {
            // One long line must not stay in memory for ever.
            self.buffer.truncate(BLOCK_BYTES);
            self.buffer.shrink_to_fit();
        }
    }

    /// Says whether there is something to read; no when a signal has come.
    fn wait(&self, wait: Option<Duration>) -> io::Result<bool> {
        let mut watched = [
            PollFd::new(&self.file, PollFlags::IN),
            PollFd::new(self.stop, PollFlags::IN),
        ];
        let timeout = wait.map(|wait| Timespec::try_from(wait).unwrap_or_default());
        match poll(&mut watched, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let [input, stop] = watched;
        // Whatever is told of the input besides (its end, an error), reading tells it better.
        Ok(stop.revents().is_empty() && !input.revents().is_empty())
    }
}
