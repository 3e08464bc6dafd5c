//! Many threads share one sync.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hydra_logger::{Guarantee, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, error, info};
use quanta::Clock;

use super::{Figures, SHUTDOWN, figures, quantile};
use crate::peer::Error;

const THREADS: usize = 64;
/// How many records a thread hands over before it waits for them.
const GROUP: usize = 16;
/// What the other thread lets pass between two calls.
const PACE: Duration = Duration::from_micros(100);

pub(super) fn run(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let time = Duration::from_secs(if quick { 1 } else { 4 });
    let fsyncs = one_by_one(dir, time)?;
    let layer = LogLayer::new(Level::Info).destination(LogDestination::file(dir.join("first.log")));
    let config = LoggingConfig::builder()
        .journal_dir(dir.join("journal"))
        .guarantee(Level::Error, Guarantee::Synced)
        .layer("BENCH", layer)
        .build()?;
    let log = HydraLogger::new(config)?;
    let (synced, mut times) = together(&log, time);
    let grouped = in_groups(&log, time);
    log.shutdown(SHUTDOWN)?;
    Ok(figures([
        ("synced_per_second", synced),
        ("fsyncs_per_second", fsyncs),
        ("gain", synced / fsyncs),
        ("grouped_per_second", grouped),
        ("grouped_gain", grouped / fsyncs),
        ("p999_ns", quantile(&mut times, 0.999)),
    ]))
}

/// What a program does that writes each record and syncs it.
fn one_by_one(dir: &Path, time: Duration) -> Result<f64, Error> {
    let mut file = File::create(dir.join("alone.log"))?;
    let (begun, mut done) = (Instant::now(), 0_u64);
    while begun.elapsed() < time {
        writeln!(
            file,
            "2026-01-01T00:00:00.000000Z ERROR BENCH charge {done} failed after 3 tries"
        )?;
        file.sync_all()?;
        done += 1;
    }
    Ok(done as f64 / begun.elapsed().as_secs_f64())
}

/// Synced records a second of all threads, and the times of one more thread's calls, which ask for no sync.
fn together(log: &HydraLogger, time: Duration) -> (f64, Vec<u64>) {
    let (over, done, clock) = (AtomicBool::new(false), AtomicU64::new(0), Clock::new());
    let begun = Instant::now();
    let times = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let number = done.load(Ordering::Relaxed);
                    if error!(log, layer: "BENCH", "charge {number} failed after {tries} tries", tries = 3).is_reached()
                    {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let mut times = Vec::new();
        while begun.elapsed() < time {
            thread::sleep(PACE);
            let (number, before) = (done.load(Ordering::Relaxed), clock.raw());
            info!(log, layer: "BENCH", "user {number} logged in");
            let took = clock.delta_as_nanos(before, clock.raw());
            // The first sync of all changes how the journal's files are made: those from before are used up by then.
            if begun.elapsed() > time / 4 {
                times.push(took);
            }
        }
        over.store(true, Ordering::Relaxed);
        times
    });
    (
        done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64(),
        times,
    )
}

/// Synced records a second where each thread has several under way: the async handle's calls do not wait.
fn in_groups(log: &HydraLogger, time: Duration) -> f64 {
    let (log, done) = (log.handle(), AtomicU64::new(0));
    let begun = Instant::now();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while begun.elapsed() < time {
                    let receipts: [_; GROUP] = std::array::from_fn(
                        |number| error!(log, layer: "BENCH", "charge {number} failed after {tries} tries", tries = 3),
                    );
                    let synced = receipts.iter().filter(|receipt| receipt.wait().is_ok()).count();
                    done.fetch_add(synced as u64, Ordering::Relaxed);
                }
            });
        }
    });
    done.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}
