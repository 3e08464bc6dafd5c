//! Whatever happens in whatever order, every record is in the files once.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use common::{Dice, Lines, names};
use hydra_sink::{FileOptions, FileSink, Mark, Sink};

/// What a head keeps over a crash.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    position: usize,
    mark: Mark,
}

/// How far a head gets before its process dies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Death {
    None,
    Begun,
    MarkKept,
    Torn,
    Written,
}

struct World {
    path: PathBuf,
    options: FileOptions,
    lines: Lines,
    kept: Kept,
    dice: Dice,
    foreign: usize,
    moved: usize,
}

impl World {
    fn new(dir: &Path, seed: u64) -> Self {
        let mut dice = Dice(seed);
        let max_size = (dice.roll(2) == 0).then(|| 20 + dice.roll(200));
        let preamble = (dice.roll(3) == 0).then(|| b"head\n".to_vec());
        let path = dir.join("f");
        let options = FileOptions {
            max_size,
            preamble,
            backup_count: 1_000,
            ..FileOptions::new(&path)
        };
        let lines = Lines::numbered("line", 0..120);
        Self {
            path,
            options,
            lines,
            kept: Kept::default(),
            dice,
            foreign: 0,
            moved: 0,
        }
    }

    /// A process's life: resumes, and writes batches until it dies.
    fn live(&mut self) {
        let mut sink = FileSink::open(self.options.clone()).unwrap();
        sink.resume(self.kept.mark).unwrap();
        let mut position = self.kept.position;
        let mut resuming = true;
        while position < self.lines.ends.len() {
            let count = 1 + self.dice.roll(5) as usize;
            let lines = self.lines.clone();
            let batch = lines.batch().skip(position).take(count);
            if resuming {
                let there = sink.already(batch).unwrap();
                position += there;
                resuming = there == batch.len();
                continue;
            }
            if self.dice.roll(6) == 0 {
                self.somebody_else();
            }
            let death = match self.dice.roll(30) {
                0 => Death::Begun,
                1 => Death::MarkKept,
                2 | 3 => Death::Torn,
                4 | 5 => Death::Written,
                _ => Death::None,
            };
            let begun = sink.begin(batch).unwrap();
            if death == Death::Begun {
                return;
            }
            self.kept = Kept {
                position,
                mark: begun.mark,
            };
            if death == Death::MarkKept {
                return;
            }
            let batch = batch.take(begun.records);
            if death == Death::Torn {
                let cut = self.dice.roll(batch.bytes.len() as u64 + 1) as usize;
                return self.append(&batch.bytes[..cut]);
            }
            let mark = sink.write(batch).unwrap();
            if death == Death::Written {
                return;
            }
            position += begun.records;
            self.kept = Kept { position, mark };
        }
    }

    fn somebody_else(&mut self) {
        match self.dice.roll(2) {
            0 => {
                self.foreign += 1;
                let line = format!("foreign {}\n", self.foreign);
                self.append(line.as_bytes());
            }
            _ => self.rename(),
        }
    }

    fn rename(&mut self) {
        self.moved += 1;
        let _ = fs::rename(&self.path, format!("{}.moved-{}", self.path.display(), self.moved));
    }

    fn append(&self, bytes: &[u8]) {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(&self.path)
            .unwrap();
        file.write_all(bytes).unwrap();
    }
}

/// Lives and deaths of a process, with renames, rotations and foreign lines in between: each line is there once, each
/// file holds whole lines only, and in each the lines are in order.
#[test]
fn exactly_once() {
    for seed in 0..100 {
        let dir = tempfile::tempdir().unwrap();
        let mut world = World::new(dir.path(), seed);
        for _ in 0..1_000 {
            world.live();
            if world.kept.position == world.lines.ends.len() {
                break;
            }
            if world.dice.roll(4) == 0 {
                world.rename();
            }
        }
        let mut seen = Vec::new();
        let mut foreign = 0;
        for name in names(dir.path()) {
            let text = fs::read_to_string(dir.path().join(&name)).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "seed {seed}: {name} ends torn");
            let mut last = None;
            for (at, line) in text.lines().enumerate() {
                let words: Vec<_> = line.split(' ').collect();
                match words[..] {
                    ["head"] => assert_eq!(at, 0, "seed {seed}: a preamble inside {name}"),
                    ["foreign", _] => foreign += 1,
                    ["line", number, rest] => {
                        let number: usize = number.parse().unwrap();
                        assert_eq!(rest.len(), number * 7 % 40, "seed {seed}: torn line in {name}");
                        assert!(last < Some(number), "seed {seed}: out of order in {name}");
                        last = Some(number);
                        seen.push(number);
                    }
                    _ => panic!("seed {seed}: {name} holds {line:?}"),
                }
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..120).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(foreign, world.foreign, "seed {seed}");
    }
}
