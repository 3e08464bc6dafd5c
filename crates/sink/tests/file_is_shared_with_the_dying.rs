//! Several processes write to one path, and are killed again and again.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use common::{Dice, Lines, all_text, child};
use hydra_os::atomic::thread;
use hydra_os::clock::Deadline;
use hydra_sink::{ErrorKind, FileOptions, FileSink, Mark, Sink};

const PLACE: &str = "HYDRA_TEST_PLACE";
const READY: &str = "ready";
const PROCESSES: usize = 3;
/// What each writes in all, in several lives.
const RECORDS: usize = 100_000;
/// Large enough that most kills come in the middle of a write.
const TOGETHER: usize = 4_000;
/// How often all of them are killed, one after the other.
const ROUNDS: u32 = 6;

/// Whoever is killed in the middle of a write, while the others go on: in the end each record is there once, whole, and
/// nothing else is.
#[test]
fn processes_that_are_killed() {
    if let Ok(place) = std::env::var(PLACE) {
        let (dir, who) = place.rsplit_once(':').unwrap();
        return live(Path::new(dir), who);
    }
    let seed = hydra_os::random::u64();
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let dir = tempfile::tempdir().unwrap();
    let start = |who: usize| {
        let place = format!("{}:{who}", dir.path().display());
        child("processes_that_are_killed", PLACE, &place)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    for round in 0..=ROUNDS {
        let mut lives: Vec<Child> = (0..PROCESSES).map(start).collect();
        lives.iter_mut().for_each(wait_ready);
        for life in &mut lives {
            life.stdin.take().unwrap().write_all(b"go\n").unwrap();
        }
        for mut life in lives {
            if round < ROUNDS {
                let end = Deadline::after(Duration::from_micros(dice.roll(2_000)));
                while !end.is_over() {
                    thread::park_timeout(end.left());
                }
                life.kill().unwrap();
            }
            let status = life.wait().unwrap();
            assert!(status.success() || round < ROUNDS, "seed {seed}");
        }
    }
    check(&all_text(&dir.path().join("f")), seed);
}

fn wait_ready(life: &mut Child) {
    let mut told = BufReader::new(life.stdout.take().unwrap());
    assert!(told.by_ref().lines().map_while(Result::ok).any(|line| line == READY));
    life.stdout = Some(told.into_inner());
}

/// A record with a line break within now and then, and of many lengths.
fn record(who: &str, number: usize) -> String {
    let within = if number % 997 == 5 { "\n" } else { " " };
    format!("{who} {number}{within}{}", "x".repeat(number * 7 % 200))
}

fn check(text: &str, seed: u64) {
    let mut next = [0; PROCESSES];
    let mut rest = text;
    while !rest.is_empty() {
        let who = rest.split(' ').next().unwrap();
        let index: usize = who.parse().unwrap_or(usize::MAX);
        let expected = next.get(index).map(|number| record(who, *number) + "\n");
        let after = expected.as_ref().and_then(|expected| rest.strip_prefix(expected));
        let found = &rest[..rest.len().min(300)];
        assert!(
            after.is_some(),
            "seed {seed}: torn, lost or doubled: {expected:?} expected before {found:?}"
        );
        next[index] += 1;
        rest = after.unwrap();
    }
    assert_eq!(next, [RECORDS; PROCESSES], "seed {seed}");
}

/// A head in miniature: keeps its position and mark in a file, as the journal does.
fn live(dir: &Path, who: &str) {
    let mut options = File::options();
    options.create(true).truncate(false).read(true).write(true);
    let keep = options.open(dir.join(format!("kept {who}"))).unwrap();
    let mut kept = [0; 56];
    let known = keep.read_at(&mut kept, 0).unwrap() == kept.len();
    let put = |position: usize, mark: Mark| {
        let bytes = [&(position as u64).to_le_bytes()[..], &mark.to_bytes()].concat();
        keep.write_at(&bytes, 0).unwrap();
    };
    let options = FileOptions {
        max_size: Some(2_000_000),
        backup_count: 1_000,
        ..FileOptions::new(dir.join("f"))
    };
    let mut sink = FileSink::open(options).unwrap();
    let lines = Lines::new((0..RECORDS).map(|number| record(who, number)));
    let mut position = 0;
    if known {
        position = u64::from_le_bytes(*kept.first_chunk().unwrap()) as usize;
        until_free(|| sink.resume(Mark::from_bytes(kept.last_chunk().unwrap())));
        position += until_free(|| sink.already(lines.batch().skip(position).take(TOGETHER)));
        put(position, Mark::NOWHERE);
    }
    std::io::stdout().write_all(format!("\n{READY}\n").as_bytes()).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
    while position < RECORDS {
        let batch = lines.batch().skip(position).take(TOGETHER);
        let begun = until_free(|| sink.begin(batch));
        put(position, begun.mark);
        sink.write(batch.take(begun.records)).unwrap();
        position += begun.records;
        put(position, Mark::NOWHERE);
    }
}

fn until_free<T>(mut work: impl FnMut() -> Result<T, hydra_sink::Error>) -> T {
    loop {
        match work() {
            Ok(done) => return done,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
        }
    }
}
