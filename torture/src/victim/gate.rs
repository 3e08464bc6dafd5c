//! A victim that logs up to a gate, where its killer takes one of its threads in hand.

use std::io;
use std::process::ExitCode;

use hydra_logger::HydraLogger;

use super::{SHUTDOWN, Text, complain, sync_call};
use crate::payload::Id;
use crate::spec::{Play, Spec};
use crate::tape::Tape;

/// The thread that logs, by its name.
pub const LOGS: &str = "stepped";

/// Logs as it is told, and waits to be killed.
pub(super) fn run(spec: &Spec, log: &HydraLogger, tape: &Tape) -> ExitCode {
    let logged = std::thread::scope(|scope| {
        let stepped = std::thread::Builder::new().name(LOGS.to_owned());
        let stepped = stepped.spawn_scoped(scope, || match spec.play {
            Play::Roll => roll(spec, log, tape),
            _ => up_to_the_gate(spec, log, tape),
        })?;
        stepped
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that logs panicked")))
    });
    match logged {
        Ok(()) => loop {
            std::thread::park();
        },
        Err(error) => complain(&error.to_string()),
    }
}

/// As a victim that goes on to its end: the thread that logs ends, too.
pub(super) fn log_past_the_gate(spec: &Spec, log: &HydraLogger, tape: &Tape) -> io::Result<()> {
    std::thread::scope(|scope| {
        let stepped = std::thread::Builder::new().name(LOGS.to_owned());
        let stepped = stepped.spawn_scoped(scope, || past_the_gate(spec, log, tape))?;
        stepped
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the thread that logs panicked")))
    })
}

/// Logs the records, waits at the gate, and logs one more.
fn past_the_gate(spec: &Spec, log: &HydraLogger, tape: &Tape) -> io::Result<()> {
    for number in 1..=spec.records {
        one(spec, log, tape, &text(spec, number), false)?;
    }
    let text = text(spec, spec.records + 1);
    tape.wait_at_gate();
    one(spec, log, tape, &text, spec.play == Play::GateDelivered).map(drop)
}

pub(super) fn up_to_the_gate(spec: &Spec, log: &HydraLogger, tape: &Tape) -> io::Result<()> {
    past_the_gate(spec, log, tape)?;
    // The thread stays: what its end does is no part of the call.
    loop {
        std::thread::park();
    }
}

/// Logs until the journal has begun as many segments more as records are asked for.
fn roll(spec: &Spec, log: &HydraLogger, tape: &Tape) -> io::Result<()> {
    let mut first = None;
    for number in 1.. {
        let segment = one(spec, log, tape, &text(spec, number), false)?;
        if segment >= *first.get_or_insert(segment) + spec.records {
            break;
        }
    }
    tape.wait_at_gate();
    Ok(())
}

fn text(spec: &Spec, number: u64) -> Text {
    let (life, thread) = (spec.life, 0);
    Text::new(spec, Id { life, thread, number })
}

/// Logs one record; returns the segment that it stands in.
fn one(spec: &Spec, log: &HydraLogger, tape: &Tape, text: &Text, delivered: bool) -> io::Result<u64> {
    let Id { life, thread, number } = text.id;
    tape.intend(life, thread, number);
    let receipt = sync_call(spec, log, text);
    receipt.wait().map_err(io::Error::other)?;
    if delivered {
        log.flush(SHUTDOWN).map_err(io::Error::other)?;
    }
    tape.accept(life, thread, number);
    Ok(receipt.sequence().unwrap_or_default() >> 32)
}
