//! One run: one peer, one scenario, in a process of its own.
//!
//! The child measures and prints one line of JSON; what ended up in the files is for the parent to judge.

use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use quanta::Clock;
use serde_json::{Value, json};

use crate::machine;
use crate::peer::{Error, Peer, Setup};
use crate::peers::{self, Runner};
use crate::scenario::{self, End, Kind, PACE_PER_SECOND, Scenario};
use crate::workload::Event;

/// What a run is asked to do.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) scenario: Scenario,
    pub(crate) setup: Setup,
    pub(crate) records: u64,
    /// Start, which brings back what an earlier run left, and shut down again.
    pub(crate) recover: bool,
}

/// What a run has measured, as it is printed.
pub(crate) type Measured = Value;

/// Calls before the first measured one: each peer sets something up in its first call.
pub(crate) const WARM_UP: u64 = 1_000;
/// Quantiles that go into the report, in parts of one.
const QUANTILES: [f64; 22] = [
    0.0, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995,
    0.9999, 0.99999, 1.0,
];

/// Runs the child named on the command line: peer, scenario, folder, records, and `recover` or `run`.
pub(crate) fn main(args: &[String]) -> Result<(), Error> {
    let [peer, scenario, dir, records, mode] = args else {
        return Err("a child needs five arguments".into());
    };
    let entry = peers::ALL
        .iter()
        .find(|entry| entry.name == peer)
        .ok_or("no such peer")?;
    let scenario = scenario::named(scenario).ok_or("no such scenario")?;
    let setup = Setup {
        dir: PathBuf::from(dir),
        format: scenario.format,
        destinations: scenario.destinations,
    };
    let job = Job {
        scenario,
        setup,
        records: records.parse()?,
        recover: mode == "recover",
    };
    let Runner::Own(run) = entry.runner else {
        return Err("this peer is no child of ours".into());
    };
    let measured = match job.scenario.kind {
        Kind::Alone => alone(&job)?,
        _ => run(&job)?,
    };
    #[allow(clippy::print_stdout, reason = "the parent reads it there")]
    {
        println!("{measured}");
    }
    Ok(())
}

#[cfg(feature = "hydra")]
fn alone(job: &Job) -> Result<Measured, Error> {
    crate::alone::run(
        job.scenario.name,
        &job.setup.dir,
        job.records == crate::args::ALONE_QUICK,
    )
}

#[cfg(not(feature = "hydra"))]
fn alone(_: &Job) -> Result<Measured, Error> {
    Err("the benchmark was built without Hydra-Logger".into())
}

/// Runs a job with one peer. Monomorphic, so that no call goes through a pointer.
pub(crate) fn drive<P: Peer>(job: &Job) -> Result<Measured, Error> {
    let peer = P::start(&job.setup)?;
    if job.recover {
        peer.finish()?;
        return Ok(json!({}));
    }
    match job.scenario.kind {
        Kind::Throughput => throughput(peer, job),
        Kind::LatencyFull => latency(peer, job.records, None),
        Kind::LatencyPaced => latency(peer, job.records, Some(1_000_000_000 / PACE_PER_SECOND)),
        Kind::Disabled => disabled(peer, job.records),
        Kind::End(end) => burst(&peer, job.records, end),
        Kind::Alone => Err("this is measured without a peer".into()),
    }
}

/// Each thread logs its own range of numbers; the clock runs from the first call to the end of the shutdown.
fn throughput<P: Peer>(peer: P, job: &Job) -> Result<Measured, Error> {
    let threads = job.scenario.threads;
    let share = job.records / threads;
    let is_json = job.scenario.format == crate::peer::Format::Json;
    let gate = Barrier::new(usize::try_from(threads)? + 1);
    let cpu_before = machine::cpu_time()?;
    let begun = std::thread::scope(|scope| {
        for thread in 0..threads {
            let (peer, gate) = (&peer, &gate);
            scope.spawn(move || {
                gate.wait();
                let numbers = thread * share..(thread + 1) * share;
                if is_json {
                    numbers.for_each(|id| peer.fields(&Event::new(id)));
                } else {
                    numbers.for_each(|id| peer.message(&Event::new(id)));
                }
            });
        }
        let begun = Instant::now();
        gate.wait();
        begun
    });
    let called = begun.elapsed();
    peer.finish()?;
    let took = begun.elapsed();
    let cpu = machine::cpu_time()?.saturating_sub(cpu_before);
    let records = share * threads;
    Ok(json!({
        "records": records,
        "records_per_second": per_second(records, took),
        "calls_per_second": per_second(records, called),
        "cpu_ns_per_record": cpu.as_nanos() as f64 / records as f64,
        "peak_rss_bytes": machine::peak_rss_bytes()?,
    }))
}

fn per_second(records: u64, took: Duration) -> f64 {
    records as f64 / took.as_secs_f64()
}

/// Times each call with the time stamp counter; reading it is part of what is measured.
pub(crate) fn latency<P: Peer>(peer: P, records: u64, gap_ns: Option<u64>) -> Result<Measured, Error> {
    let clock = Clock::new();
    // Filled now, so that no page of it is touched for the first time between two calls.
    let mut times = vec![u64::MAX; usize::try_from(records)?];
    (0..WARM_UP).for_each(|id| peer.message(&Event::new(id)));
    let mut due = clock.raw();
    let ticks_per_gap = gap_ns.map_or(0, |gap| gap * ticks_per_ms(&clock) / 1_000_000);
    for (id, time) in (WARM_UP..).zip(&mut times) {
        due += ticks_per_gap;
        let event = Event::new(id);
        let mut before = clock.raw();
        while before < due && ticks_per_gap > 0 {
            std::hint::spin_loop();
            before = clock.raw();
        }
        peer.message(&event);
        *time = clock.raw().saturating_sub(before);
    }
    peer.finish()?;
    for time in &mut times {
        *time = clock.delta_as_nanos(0, *time);
    }
    times.sort_unstable();
    let points: Vec<Value> = QUANTILES.iter().map(|q| json!([q, quantile(&times, *q)])).collect();
    Ok(json!({ "records": records + WARM_UP, "quantiles_ns": points }))
}

/// Ticks of the counter in a millisecond, as the clock has calibrated it.
fn ticks_per_ms(clock: &Clock) -> u64 {
    const PROBE: u64 = 1 << 32;
    let ns = clock.delta_as_nanos(0, PROBE).max(1);
    u64::try_from(u128::from(PROBE) * 1_000_000 / u128::from(ns)).unwrap_or(1_000_000)
}

/// The smallest time that at least this part of all times does not pass.
pub(crate) fn quantile(sorted: &[u64], part: f64) -> u64 {
    let rank = (part * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

fn disabled<P: Peer>(peer: P, records: u64) -> Result<Measured, Error> {
    let begun = Instant::now();
    (0..records).for_each(|id| peer.disabled(std::hint::black_box(&Event::new(id))));
    let took = begun.elapsed();
    // What the loop itself and making the event cost is taken off.
    let begun = Instant::now();
    (0..records).for_each(|id| {
        std::hint::black_box(&Event::new(id));
    });
    let empty = begun.elapsed();
    peer.finish()?;
    let ns = took.saturating_sub(empty).as_nanos() as f64 / records as f64;
    Ok(json!({ "records": 0, "disabled_ns": ns }))
}

/// Logs a burst and ends the process right after the last call has returned, with everything still under way.
///
/// That way the parent knows exactly which calls had returned: all of them.
fn burst<P: Peer>(peer: &P, records: u64, end: End) -> Result<Measured, Error> {
    (0..records).for_each(|id| peer.message(&Event::new(id)));
    match end {
        End::Kill => {
            nix::sys::signal::raise(nix::sys::signal::Signal::SIGKILL)?;
            Err("SIGKILL did not come".into())
        }
        End::Exit => std::process::exit(0),
        End::Abort => std::process::abort(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A quantile is a time that was measured, and the last one is the longest.
    #[test]
    fn quantiles_are_measured_times() {
        let times: Vec<u64> = (1..=1000).collect();
        assert_eq!(quantile(&times, 0.0), 1);
        assert_eq!(quantile(&times, 0.5), 500);
        assert_eq!(quantile(&times, 0.999), 999);
        assert_eq!(quantile(&times, 1.0), 1000);
        assert_eq!(quantile(&[], 0.5), 0);
    }
}
