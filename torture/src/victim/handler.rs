//! A victim whose signal handler logs.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use hydra_logger::{HydraLogger, info};
use nix::sys::signal::Signal;

use super::{LAYER, Log, Text, complain, gate, shut_down};
use crate::payload::Id;
use crate::spec::Spec;
use crate::tape::Tape;

/// The lane of the handler's records.
pub const LANE: u64 = 1;

static HANDLER: OnceLock<Handler> = OnceLock::new();

struct Handler {
    log: HydraLogger,
    tape: Arc<Tape>,
    /// Made before the handler runs: making them is the host's affair.
    texts: Vec<Text>,
    calls: AtomicU64,
}

/// Logs up to the gate and one more, with the handler in place, and shuts down.
pub(super) fn run(spec: &Spec, log: HydraLogger, tape: &Arc<Tape>) -> ExitCode {
    let text = |number| {
        let (life, thread) = (spec.life, LANE);
        Text::new(spec, Id { life, thread, number })
    };
    let handler = Handler {
        log: log.clone(),
        tape: Arc::clone(tape),
        texts: (1..=8).map(text).collect(),
        calls: AtomicU64::new(0),
    };
    if HANDLER.set(handler).is_err() {
        return complain("there is a handler already");
    }
    if let Err(error) = hydra_os::hazard::on_signal(Signal::SIGUSR1 as i32, handle) {
        return complain(&error.to_string());
    }
    match gate::log_past_the_gate(spec, &log, tape) {
        Ok(()) => shut_down(spec, &Log::Sync(log)),
        Err(error) => complain(&error.to_string()),
    }
}

fn handle() {
    let Some(handler) = HANDLER.get() else { return };
    let index = handler.calls.fetch_add(1, Ordering::Relaxed) as usize;
    let Some(text) = handler.texts.get(index) else { return };
    let Id { life, thread, number } = text.id;
    handler.tape.intend(life, thread, number);
    // A refusal is an answer, too, and is counted; its error is not asked for, because that would have to be made here.
    let receipt = info!(handler.log, layer: LAYER, "{life} {thread} {number} {}", text.body);
    if receipt.sequence().is_some() {
        handler.tape.accept(life, thread, number);
    }
}
