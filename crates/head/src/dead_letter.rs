//! Records that a destination will never take, each with the reason, in a file beside the journal.
//!
//! One JSON object on a line:
//!
//! ```text
//! {"destination":"API|file|/var/log/api.log","position":4294967360,"reason":"…","record":{"timestamp":…}}
//! ```
//!
//! `record` is what the format `json` makes of it; where that cannot be done there is `payload` instead, the journal's
//! bytes in hexadecimal. A letter is on the device before the cursor passes its record; a process that dies in between
//! makes the next one write it once more, so that `destination` and `position` tell doubles apart.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use hydra_format::{ClockFace, Formatter, Json, JsonOptions, put_json_text};
use hydra_record::Dictionary;
use hydra_sink::{Batch, Error, FileOptions, FileSink, SharedFileSink, Sink};

/// The dead letters of one head.
pub(crate) struct DeadLetters {
    destination: String,
    path: Option<PathBuf>,
    sink: Option<SharedFileSink>,
    json: Json,
}

impl DeadLetters {
    pub(crate) fn new(destination: String, path: Option<PathBuf>) -> DeadLetters {
        DeadLetters {
            destination,
            path,
            sink: None,
            json: Json::new(JsonOptions::default()),
        }
    }

    /// Says whether there is a place for them.
    pub(crate) fn are_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Writes one and syncs it; there must be a place for it. After an error it may be tried again.
    pub(crate) fn write(&mut self, letter: &Letter<'_>) -> Result<(), Error> {
        let line = self.line(letter);
        let batch = Batch {
            bytes: &line,
            ends: &[line.len()],
        };
        let mut sink = match self.sink.take() {
            Some(sink) => sink,
            None => FileSink::shared(FileOptions::new(self.path.clone().unwrap_or_default()))?,
        };
        let written = sink
            .begin(batch)
            .and_then(|_| sink.write(batch))
            .and_then(|_| sink.sync());
        self.sink = Some(sink);
        written
    }

    fn line(&self, letter: &Letter<'_>) -> Vec<u8> {
        let mut line = b"{\"destination\":".to_vec();
        put_json_text(&self.destination, &mut line);
        line.extend_from_slice(format!(",\"position\":{},\"reason\":", letter.position).as_bytes());
        put_json_text(letter.reason, &mut line);
        let start = line.len();
        line.extend_from_slice(b",\"record\":");
        // It may be the record itself that no format can be made of.
        let written = catch_unwind(AssertUnwindSafe(|| {
            let record = letter.notes.decode(letter.payload, letter.position).ok()?;
            self.json.write(&record, &mut ClockFace::utc(), &mut line);
            line.pop_if(|last| *last == b'\n')
        }));
        if !matches!(written, Ok(Some(_))) {
            line.truncate(start);
            line.extend_from_slice(b",\"payload\":\"");
            for byte in letter.payload {
                line.extend_from_slice(format!("{byte:02x}").as_bytes());
            }
            line.push(b'"');
        }
        line.extend_from_slice(b"}\n");
        line
    }
}

/// What a dead letter tells.
pub(crate) struct Letter<'a> {
    pub(crate) position: u64,
    pub(crate) payload: &'a [u8],
    pub(crate) notes: &'a Dictionary,
    pub(crate) reason: &'a str,
}
