//! Where a head's records go while its destination does not take them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hydra_format::{ClockFace, Formatter};
use hydra_journal::{Batch as Frames, Frame};
use hydra_os::clock::Deadline;
use hydra_record::{Dictionary, Record};
use hydra_sink::{Batch, Error, Sink};

/// How long the fallback serves before the destination is tried again.
const PROBE_AFTER: Duration = Duration::from_secs(5);

/// A second destination for when the first one fails.
pub struct Fallback {
    formatter: Arc<dyn Formatter>,
    sink: Box<dyn Sink>,
    /// Failures of the first destination in a row after which this one serves.
    tries: u32,
    failures: u32,
    serves_until: Option<Deadline>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// For each record, how many frames are done with once it is written.
    frames: Vec<usize>,
}

impl fmt::Debug for Fallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("failures", &self.failures)
            .finish_non_exhaustive()
    }
}

impl Fallback {
    /// Makes a fallback that serves once the destination has failed more than `tries` times in a row.
    pub fn new(formatter: Arc<dyn Formatter>, sink: Box<dyn Sink>, tries: u32) -> Fallback {
        Fallback {
            formatter,
            sink,
            tries,
            failures: 0,
            serves_until: None,
            bytes: Vec::new(),
            ends: Vec::new(),
            frames: Vec::new(),
        }
    }

    /// Waits until what is written is on the device.
    ///
    /// # Errors
    /// What the sink says.
    pub fn sync(&mut self) -> Result<(), Error> {
        self.sink.sync()
    }

    /// Says whether records go here now. When the time is over the destination gets one more try.
    pub(crate) fn serves(&self) -> bool {
        self.serves_until.is_some_and(|end| !end.is_over())
    }

    /// The destination failed. Returns whether records go here now.
    pub(crate) fn note_failure(&mut self) -> bool {
        self.failures += 1;
        if self.failures > self.tries {
            self.serves_until = Some(Deadline::after(PROBE_AFTER));
        }
        self.serves()
    }

    /// The destination took something.
    pub(crate) fn note_success(&mut self) {
        self.failures = 0;
        self.serves_until = None;
    }

    /// Writes the records of `frames` here, in as many pieces as the sink asks for. Keeps `done`, a count of frames, up
    /// to date: it is right also after an error, and after a panic.
    pub(crate) fn write(
        &mut self,
        frames: &[Frame],
        source: &Frames,
        notes: &Dictionary,
        face: &mut ClockFace,
        done: &mut usize,
    ) -> Result<(), Error> {
        self.clear();
        for (index, frame) in frames.iter().enumerate() {
            // What cannot be decoded was counted when it was rendered for the destination.
            if let Ok(record) = notes.decode(source.payload(frame), frame.position.to_u64()) {
                self.render(&record, face, index + 1);
            }
        }
        self.send(done)?;
        *done = frames.len();
        Ok(())
    }

    /// Writes one record here: for whoever has records of a head that writes no more.
    ///
    /// # Errors
    /// What the sink says.
    pub fn write_one(&mut self, record: &Record<'_>, face: &mut ClockFace) -> Result<(), Error> {
        self.clear();
        self.render(record, face, 1);
        self.send(&mut 0)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.frames.clear();
    }

    fn render(&mut self, record: &Record<'_>, face: &mut ClockFace, frames: usize) {
        self.formatter.write(record, face, &mut self.bytes);
        self.ends.push(self.bytes.len());
        self.frames.push(frames);
    }

    /// Hands over what is rendered.
    fn send(&mut self, done: &mut usize) -> Result<(), Error> {
        let mut records = 0;
        while records < self.ends.len() {
            let batch = Batch {
                bytes: &self.bytes,
                ends: &self.ends,
            }
            .skip(records);
            let begun = self.sink.begin(batch)?;
            self.sink.write(batch.take(begun.records))?;
            records += begun.records;
            *done = records
                .checked_sub(1)
                .and_then(|last| self.frames.get(last))
                .copied()
                .unwrap_or(*done);
        }
        Ok(())
    }
}
