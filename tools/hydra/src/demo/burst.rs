//! The burst: a child that logs from several threads, and its end.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, info};
use hydra_os::clock::Deadline;
use hydra_os::disk::{File, Mode};
use hydra_os::map::Map;
use hydra_os::random;

use super::{PATIENCE, cannot, verdict};
use crate::outcome::{Failure, Outcome, put};
use crate::paint::Paint;

/// Threads of the child.
pub(crate) const THREADS: usize = 4;
/// Records each of them means to log.
pub(crate) const RECORDS: u64 = 1_000_000;
/// The child is killed when this many records are accepted, or up to ten times as many: somewhere in the burst.
const ACCEPTED_MIN: u64 = 50_000;
/// Bytes of the tape for each thread: a cache line, so that they do not disturb each other.
const TAPE_BYTES: usize = 64;

fn config(dir: &Path) -> Result<LoggingConfig, Failure> {
    let file = LogDestination::file(dir.join("burst.log")).max_size(0_u64);
    let layer = LogLayer::new(Level::Info).destination(file);
    Ok(LoggingConfig::builder()
        .journal_dir(dir.join("journal"))
        .layer("BURST", layer)
        .build()?)
}

/// The child's part: logs, and notes on the tape what it is about to log and what is accepted.
pub(crate) fn log(dir: &Path) -> Result<Outcome, Failure> {
    let tape = open_tape(dir)?;
    let log = HydraLogger::new(config(dir)?)?;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (log, tape) = (&log, &tape);
            scope.spawn(move || {
                for number in 0..RECORDS {
                    // Release, and in this order: whatever the kill leaves of it, the tape never says too much.
                    tape.store(thread * TAPE_BYTES, number + 1, Ordering::Release);
                    info!(log, layer: "BURST", "thread {thread} number {number}");
                    tape.store(thread * TAPE_BYTES + 8, number + 1, Ordering::Release);
                }
            });
        }
    });
    log.shutdown(PATIENCE)?;
    Ok(Outcome::Done)
}

fn open_tape(dir: &Path) -> Result<Map, Failure> {
    let path = dir.join("tape");
    let file = File::open(&path, Mode::ReadWrite);
    let map = file.and_then(|file| Map::file(&file, THREADS * TAPE_BYTES));
    map.map_err(|error| cannot("map", &path, &error))
}

/// What the tape says of each thread: records begun, records accepted.
pub(crate) type Tape = [(u64, u64); THREADS];

fn read(tape: &Map) -> Tape {
    std::array::from_fn(|thread| {
        let at = thread * TAPE_BYTES;
        // The accepted ones first: what is begun is more at any later moment.
        let accepted = tape.load(at + 8, Ordering::Acquire);
        (tape.load(at, Ordering::Acquire), accepted)
    })
}

/// Starts the child, kills it, recovers and counts.
pub(crate) fn show(dir: &Path, paint: Paint) -> Result<Outcome, Failure> {
    let path = dir.join("tape");
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&path, [0; THREADS * TAPE_BYTES]))
        .map_err(|error| cannot("write", &path, &error))?;
    let tape = open_tape(dir)?;
    put(&format!(
        "\n{}\n",
        paint.bold("A burst, a kill in the middle of it, a recovery")
    ))?;
    let target = ACCEPTED_MIN + random::u64() % (9 * ACCEPTED_MIN);
    kill_at(target, dir, &tape)?;
    let tape = read(&tape);
    let config = config(dir)?;
    let file = dir.join("burst.log");
    let before = fs::read(&file).map_err(|error| cannot("read", &file, &error))?;
    let before = memchr::memchr_iter(b'\n', &before).count() as u64;

    let log = HydraLogger::new(config)?;
    let is_recovered = log.wait_recovered(PATIENCE);
    let report = log.shutdown(PATIENCE)?;
    let recovered: u64 = report.destinations.iter().map(|(_, counts)| counts.recovered).sum();
    let verdict = verdict::of(&file, &tape)?;
    put(&verdict.text(before, recovered, paint))?;
    Ok(if verdict.is_good() && is_recovered {
        Outcome::Done
    } else {
        Outcome::Undone
    })
}

/// Runs the child until `target` records are accepted, and kills it as the kernel kills a process that is out of
/// memory.
fn kill_at(target: u64, dir: &Path, tape: &Map) -> Result<(), Failure> {
    let refuse = |error: std::io::Error| Failure::undone(format_args!("cannot run the burst: {error}"));
    let program = std::env::current_exe().map_err(refuse)?;
    let mut command = Command::new(program);
    command
        .arg("demo")
        .arg("--burst")
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    let mut child = command.spawn().map_err(refuse)?;
    let end = Deadline::after(PATIENCE);
    let accepted = || read(tape).iter().map(|(_, accepted)| accepted).sum::<u64>();
    while accepted() < target && !end.is_over() && child.try_wait().map_err(refuse)?.is_none() {
        std::thread::sleep(Duration::from_micros(100));
    }
    let ended = child.try_wait().map_err(refuse)?;
    child.kill().and_then(|()| child.wait()).map_err(refuse)?;
    match ended {
        Some(status) => Err(Failure::undone(format_args!(
            "the burst ended before it was killed: {status}"
        ))),
        None if end.is_over() => Err(Failure::undone("the burst did not get on")),
        None => Ok(()),
    }
}
