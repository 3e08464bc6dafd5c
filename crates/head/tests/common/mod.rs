//! A journal with records, and heads on memory.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used)]

mod flaky;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hydra_format::{Plain, PlainOptions};
use hydra_head::{Fallback, Head, Overflow, Retry, Spec, SyncPolicy};
use hydra_journal::{Adopted, Journal, Note, NoteSlot, Options, Position};
use hydra_record::{Encoder, LayerNote, Level, Scratch};
use hydra_sink::Memory;

#[allow(unused_imports, reason = "not every test needs it")]
pub use flaky::Flaky;

/// A bound for what must happen; only a failing test waits that long.
pub const LONG: Duration = Duration::from_secs(60);

pub struct Program {
    pub journal: Journal,
    api: NoteSlot,
    other: NoteSlot,
    error: std::sync::atomic::AtomicU64,
}

impl Program {
    pub fn start() -> Program {
        Program::with(Options::default())
    }

    /// Starts one whose journal is soon full.
    pub fn small() -> Program {
        Program::with(Options {
            segment_bytes: 64 << 10,
            quota_bytes: 512 << 10,
            ..Options::default()
        })
    }

    /// Starts one whose journal is in `dir`.
    pub fn on_disk(dir: &Path) -> Program {
        Program::with(Options {
            dir: Some(dir.to_owned()),
            ..Options::default()
        })
    }

    pub fn with(options: Options) -> Program {
        let journal = Journal::create(options).unwrap();
        Program {
            journal,
            api: NoteSlot::new(),
            other: NoteSlot::new(),
            error: Default::default(),
        }
    }

    /// Logs `message` to the layer API (1) or to another one (2).
    pub fn log(&self, layer: u16, level: Level, message: &str) {
        self.try_log(layer, level, message).unwrap();
    }

    /// Logs as `log` does; an error when the journal is full.
    pub fn try_log(&self, layer: u16, level: Level, message: &str) -> Result<(), hydra_journal::Error> {
        let (slot, name) = if layer == 1 {
            (&self.api, "API")
        } else {
            (&self.other, "OTHER")
        };
        let write = |out: &mut Vec<u8>| LayerNote::put(layer, name, name, out);
        let mut bytes = Scratch::new();
        let head = hydra_record::Head {
            time_ns: 0,
            site: 0,
            thread: 1,
            layer,
            level,
        };
        Encoder::message(&mut bytes, head, message, None).finish();
        let end = self.journal.writer().append(&bytes, &[Note { slot, write: &write }])?;
        if level >= Level::Error {
            self.error.store(end.to_u64(), std::sync::atomic::Ordering::Relaxed);
        }
        Ok(())
    }

    /// Where the segment of the last error begins; the end of all positions if there was none.
    pub fn error_at(&self) -> Position {
        match self.error.load(std::sync::atomic::Ordering::Relaxed) {
            0 => Position::END,
            end => Position::new(Position::from_u64(end).segment(), 0),
        }
    }

    /// Waits until `head` has acknowledged everything.
    pub fn settle(&self, head: &Head) {
        while head.delivered() < self.journal.tail() {
            std::thread::yield_now();
        }
    }

    /// Starts a head for the layer API.
    pub fn head(&self, number: u32, level: Level, memory: &Memory) -> Head {
        self.head_with_fallback(number, level, memory, None)
    }

    /// Starts a head for the layer API that has a second place to go to.
    pub fn head_with_fallback(&self, number: u32, level: Level, memory: &Memory, second: Option<&Memory>) -> Head {
        Head::start(self.spec(number, level, memory, second), &self.journal, &[]).unwrap()
    }

    pub fn spec(&self, number: u32, level: Level, memory: &Memory, second: Option<&Memory>) -> Spec {
        Spec {
            name: format!("head {number}"),
            number,
            route: "API".to_owned(),
            level,
            formatter: plain(),
            sink: Box::new(memory.sink()),
            fallback: second.map(|second| Fallback::new(plain(), Box::new(second.sink()), 2)),
            batch_bytes: 4096,
            one_by_one: false,
            sync: SyncPolicy::Never,
            overflow: Overflow::Block,
            guaranteed: Some(Level::Error),
            dead_letter: None,
            replay: true,
            retry: Retry::new(Duration::from_millis(1), Duration::from_millis(2)),
        }
    }
}

pub fn plain() -> Arc<Plain> {
    let options = PlainOptions {
        message_format: "{message}".to_owned(),
        ..PlainOptions::default()
    };
    Arc::new(Plain::new(options).unwrap())
}

/// Takes over what dead processes left in `dir`.
pub fn adopt(dir: &Path) -> Vec<Adopted> {
    Adopted::all(dir).unwrap().into_iter().map(Result::unwrap).collect()
}

/// The messages of what was written.
pub fn messages(memory: &Memory) -> Vec<String> {
    let text = |line: Vec<u8>| {
        String::from_utf8(line)
            .unwrap()
            .trim_end()
            .rsplit(" - ")
            .next()
            .unwrap()
            .to_owned()
    };
    memory.records().into_iter().map(text).collect()
}
