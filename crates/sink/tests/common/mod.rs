//! What the tests of this folder share: batches of lines, a head in miniature, and a look at what came out.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    unreachable_pub
)]

use std::path::{Path, PathBuf};

use hydra_sink::{Batch, Mark, Sink};

/// Records, owned.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    pub bytes: Vec<u8>,
    pub ends: Vec<usize>,
}

impl Lines {
    pub fn new<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Self {
        let mut all = Self::default();
        for line in lines {
            all.bytes.extend_from_slice(line.as_ref().as_bytes());
            all.bytes.push(b'\n');
            all.ends.push(all.bytes.len());
        }
        all
    }

    /// Lines that tell where they come from, of different lengths.
    pub fn numbered(who: &str, range: std::ops::Range<usize>) -> Self {
        Self::new(range.map(|number| format!("{who} {number} {}", "x".repeat(number * 7 % 40))))
    }

    pub fn batch(&self) -> Batch<'_> {
        Batch {
            bytes: &self.bytes,
            ends: &self.ends,
        }
    }
}

/// A small generator; its seed is in the message of every failure.
#[derive(Clone, Copy, Debug)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Writes all of the batch, in as many writes as the sink asks for.
pub fn deliver(sink: &mut dyn Sink, mut batch: Batch<'_>) -> Result<Mark, hydra_sink::Error> {
    let mut mark = Mark::NOWHERE;
    while !batch.is_empty() {
        let begun = sink.begin(batch)?;
        assert!(begun.records >= 1 && begun.records <= batch.len());
        mark = sink.write(batch.take(begun.records))?;
        batch = batch.skip(begun.records);
    }
    Ok(mark)
}

pub fn put(sink: &mut dyn Sink, line: &str) -> Mark {
    deliver(sink, Lines::new([line]).batch()).unwrap()
}

pub fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// The files rotated by size and the present one, oldest first.
pub fn rotated(path: &Path) -> Vec<PathBuf> {
    let slot = |number: u32| PathBuf::from(format!("{}.{number}", path.display()));
    let mut files: Vec<_> = (1..).map(slot).take_while(|path| path.exists()).collect();
    files.reverse();
    files.push(path.to_owned());
    files
}

pub fn all_text(path: &Path) -> String {
    rotated(path).iter().filter(|path| path.exists()).map(text).collect()
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Runs the test `name` of this very program again, as a process of its own with `variable` set to `value`.
pub fn child(name: &str, variable: &str, value: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(variable, value);
    command
}
