//! Ten thousand tasks on tokio, all logging.

use std::path::Path;
use std::sync::Arc;

use hydra_logger::{AsyncHydraLogger, LogDestination, info};
use quanta::Clock;
use tokio::runtime::Builder;
use tokio::task::{JoinSet, yield_now};

use super::{Figures, figures, finish, quantile, start};
use crate::peer::Error;
use crate::workload::Event;

const TASKS: u64 = 10_000;

pub(super) fn run(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let calls = if quick { 20 } else { 200 };
    let path = dir.join("first.log");
    let log = start(dir, LogDestination::file(&path))?;
    let runtime = Builder::new_multi_thread().build()?;
    let clock = Arc::new(Clock::new());
    let mut times = runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for task in 0..TASKS {
            tasks.spawn(talk(log.handle(), Arc::clone(&clock), task * calls..(task + 1) * calls));
        }
        tasks.join_all().await.concat()
    });
    drop(runtime);
    finish(&log, TASKS * calls)?;
    let there = crate::verify::count(&path, TASKS * calls)?.distinct;
    Ok(figures([
        ("p50_ns", quantile(&mut times, 0.5)),
        ("p99_ns", quantile(&mut times, 0.99)),
        ("lost", (TASKS * calls - there) as f64),
    ]))
}

/// Logs, lets the others go on, and logs again; the times of the calls.
async fn talk(log: AsyncHydraLogger, clock: Arc<Clock>, numbers: std::ops::Range<u64>) -> Vec<u64> {
    let mut times = Vec::with_capacity((numbers.end - numbers.start) as usize);
    for id in numbers {
        let Event { id, ip, ms } = Event::new(id);
        let before = clock.raw();
        let receipt =
            info!(log, layer: "BENCH", "user {id} logged in from {ip} in {ms} ms", id = id, ip = ip, ms = ms).await;
        times.push(clock.delta_as_nanos(before, clock.raw()));
        // A record that was refused is missed in the file.
        drop(receipt);
        yield_now().await;
    }
    times
}
