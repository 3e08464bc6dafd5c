//! One tail that all threads share, beside a lane for each core.
//!
//! The lanes are loggers with a journal of their own: what is measured of them is the best that lanes could be, for
//! nothing brings their records into one order or one file again.

use std::path::Path;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use hydra_logger::{HydraLogger, LogDestination, info};

use super::{Figures, finish, start};
use crate::peer::Error;
use crate::workload::Event;

/// So many threads log at once.
const THREADS: [u64; 5] = [1, 2, 4, 16, 64];
/// How often the two are measured in turn.
const TURNS: u64 = 3;

pub(super) fn run(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let records = if quick { 100_000 } else { 1_000_000 };
    let cores = thread::available_parallelism()?.get() as u64;
    let mut figures = Figures::new();
    for threads in THREADS {
        let (mut shared, mut lanes) = (0.0, 0.0);
        for _ in 0..TURNS {
            shared += rate(&dir.join("shared"), 1, threads, records)?;
            lanes += rate(&dir.join("lanes"), threads.min(cores), threads, records)?;
        }
        figures.insert(format!("shared_{threads}"), (shared / TURNS as f64).into());
        figures.insert(format!("lanes_{threads}"), (lanes / TURNS as f64).into());
    }
    Ok(figures)
}

/// Records a second, until all are in the files.
fn rate(dir: &Path, lanes: u64, threads: u64, records: u64) -> Result<f64, Error> {
    let mut logs = Vec::new();
    for lane in 0..lanes {
        let dir = dir.join(lane.to_string());
        std::fs::create_dir_all(&dir)?;
        logs.push(start(&dir, LogDestination::file(dir.join("first.log")))?);
    }
    let share = records / threads;
    let gate = Barrier::new(usize::try_from(threads)? + 1);
    let begun = thread::scope(|scope| {
        for (thread, log) in (0..threads).zip(logs.iter().cycle()) {
            let gate = &gate;
            scope.spawn(move || {
                gate.wait();
                talk(log, thread * share..(thread + 1) * share);
            });
        }
        // Before they are let go: this thread may be the last to wake.
        let begun = Instant::now();
        gate.wait();
        begun
    });
    for log in &logs {
        finish(log, share * threads / lanes)?;
    }
    let took = begun.elapsed();
    std::fs::remove_dir_all(dir)?;
    Ok((share * threads) as f64 / took.as_secs_f64())
}

fn talk(log: &HydraLogger, numbers: std::ops::Range<u64>) {
    for id in numbers {
        let Event { id, ip, ms } = Event::new(id);
        info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms);
    }
}
