//! A logger with nothing to do, and with one thing to do.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use hydra_logger::{LogDestination, info};

use super::{Figures, figures, finish, start};
use crate::machine;
use crate::peer::Error;

const IDLE: Duration = Duration::from_secs(5);
const LONE: u32 = 50;
/// Between two lone records: everything is asleep again.
const REST: Duration = Duration::from_millis(30);
const LOOK: Duration = Duration::from_micros(100);

pub(super) fn run(dir: &Path) -> Result<Figures, Error> {
    let path = dir.join("first.log");
    let log = start(dir, LogDestination::file(&path))?;
    let size = || std::fs::metadata(&path).map_or(0, |data| data.len());
    let mut worst = Duration::ZERO;
    for number in 0..LONE {
        thread::sleep(REST);
        let (before, begun) = (size(), Instant::now());
        info!(log, layer: "BENCH", "lone record {number}");
        while size() == before && begun.elapsed() < IDLE {
            thread::sleep(LOOK);
        }
        worst = worst.max(begun.elapsed());
    }
    let before = machine::cpu_time()?;
    thread::sleep(IDLE);
    let used = machine::cpu_time()?.saturating_sub(before);
    finish(&log, u64::from(LONE))?;
    Ok(figures([
        ("cpu_percent", 100.0 * used.as_secs_f64() / IDLE.as_secs_f64()),
        ("arrives_ms", worst.as_secs_f64() * 1e3),
    ]))
}
