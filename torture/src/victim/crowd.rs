//! Many threads, one after another or all at once, and what they cost.

use std::cell::RefCell;
use std::fs;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::Builder;

use hydra_logger::HydraLogger;

use super::{Log, Text, complain, shut_down, sync_call};
use crate::payload::Id;
use crate::spec::{Play, Spec};
use crate::tape::Tape;

/// The stack of a short thread.
const STACK_BYTES: usize = 64 << 10;
/// Records of a short thread, the last one logged as its thread-locals are torn down.
const RECORDS: u64 = 4;
/// After so many threads of a lane memory is looked at for the first time.
const WARM: u64 = 50;
/// What the process may grow by after that, however many threads have come and gone, in KiB.
const GROWTH_KIB_MAX: u64 = 16 << 10;
/// What a thread may cost while it is there, its stack included, in KiB.
const THREAD_KIB_MAX: u64 = 48;

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Logs a record when it is dropped.
struct Last {
    spec: Spec,
    log: HydraLogger,
    tape: Arc<Tape>,
    text: Text,
}

impl Drop for Last {
    fn drop(&mut self) {
        one(&self.spec, &self.log, &self.tape, &self.text);
    }
}

/// Has `spec.records` threads log in each of `spec.threads` lanes: in a lane one begins where the last one ended.
pub(super) fn run(spec: &Spec, log: HydraLogger, tape: &Arc<Tape>) -> ExitCode {
    let before = anonymous_kib();
    let lanes: Vec<_> = (0..spec.threads)
        .map(|lane| {
            let (spec, log, tape) = (spec.clone(), log.clone(), Arc::clone(tape));
            std::thread::spawn(move || match spec.play {
                Play::Crowd => crowd(&spec, &log, &tape, lane),
                _ => churn(&spec, &log, &tape, lane),
            })
        })
        .collect();
    let (mut warm, mut held) = (0, Vec::new());
    for lane in lanes {
        match lane.join() {
            Ok(Ok(lane)) => {
                warm = warm.max(lane.warm_kib);
                held.extend(lane.held);
            }
            Ok(Err(error)) => return complain(&error.to_string()),
            Err(_) => return complain("a lane panicked"),
        }
    }
    let (now, threads) = (anonymous_kib(), held.len() as u64);
    let (grown, bound) = match spec.play {
        Play::Crowd => (now - before.min(now), GROWTH_KIB_MAX + threads * THREAD_KIB_MAX),
        _ => (now - warm.min(now), GROWTH_KIB_MAX),
    };
    if grown > bound {
        return complain(&format!("{threads} threads cost {grown} KiB; {bound} are allowed"));
    }
    for (leave, thread) in held {
        drop(leave);
        if thread.join().is_err() {
            return complain("a thread panicked");
        }
    }
    shut_down(spec, &Log::Sync(log))
}

type Held = (mpsc::Sender<()>, std::thread::JoinHandle<()>);

/// What a lane has come to.
struct Lane {
    warm_kib: u64,
    held: Vec<Held>,
}

/// One thread after another.
fn churn(spec: &Spec, log: &HydraLogger, tape: &Arc<Tape>, lane: u64) -> std::io::Result<Lane> {
    let mut warm_kib = 0;
    for index in 0..spec.records {
        let last = Last {
            spec: spec.clone(),
            log: log.clone(),
            tape: Arc::clone(tape),
            text: text(spec, lane, (index + 1) * RECORDS),
        };
        let thread = Builder::new().stack_size(STACK_BYTES).spawn(move || {
            let (spec, log, tape) = (last.spec.clone(), last.log.clone(), Arc::clone(&last.tape));
            // Before the logger's own thread-local, or after it: torn down after it, or before it.
            let mut last = Some(last);
            if index % 2 == 0 {
                LAST.set(last.take());
            }
            for number in 1..RECORDS {
                one(&spec, &log, &tape, &text(&spec, lane, index * RECORDS + number));
            }
            if last.is_some() {
                LAST.set(last);
            }
        })?;
        thread.join().map_err(|_| std::io::Error::other("a thread panicked"))?;
        if index == WARM {
            warm_kib = anonymous_kib();
        }
    }
    Ok(Lane {
        warm_kib,
        held: Vec::new(),
    })
}

/// Each thread stays until all have logged.
fn crowd(spec: &Spec, log: &HydraLogger, tape: &Arc<Tape>, lane: u64) -> std::io::Result<Lane> {
    let mut held = Vec::new();
    for index in 0..spec.records {
        let (spec, log, tape) = (spec.clone(), log.clone(), Arc::clone(tape));
        let (leave, wait) = mpsc::channel::<()>();
        let (tell, logged) = mpsc::channel::<()>();
        let thread = Builder::new().stack_size(STACK_BYTES).spawn(move || {
            one(&spec, &log, &tape, &text(&spec, lane, index + 1));
            drop(tell);
            // Ends when its other end is dropped.
            let _ = wait.recv();
        })?;
        let _ = logged.recv();
        held.push((leave, thread));
    }
    Ok(Lane { warm_kib: 0, held })
}

fn text(spec: &Spec, thread: u64, number: u64) -> Text {
    let life = spec.life;
    Text::new(spec, Id { life, thread, number })
}

/// Logs one record; one that is refused is missed by the oracle, because the next one is accepted.
fn one(spec: &Spec, log: &HydraLogger, tape: &Tape, text: &Text) {
    let Id { life, thread, number } = text.id;
    tape.intend(life, thread, number);
    if sync_call(spec, log, text).wait().is_ok() {
        tape.accept(life, thread, number);
    }
}

/// What the process has of memory of its own, the journal's files left out, in KiB.
fn anonymous_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or_default()
}
