//! A victim one of whose threads stands still in the middle of a call while another one goes on.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hydra_logger::{Balance, HydraLogger};

use super::{LAYER, Text, complain, gate, sync_call};
use crate::payload::Id;
use crate::spec::{ENOUGH, HEALTH, Spec};
use crate::tape::Tape;

/// The lane of the thread that goes on, and what it logs while the other stands still.
const LANE: u64 = 1;
const MEANWHILE: u64 = 300;
/// How long the shutdown may take, and how much more it is given before it counts as unbounded.
const SHUTDOWN: Duration = Duration::from_millis(500);
const SLACK: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_micros(200);

/// Has a thread log up to the gate and one more. Once the harness says that this one stands still, logs and shuts down.
pub(super) fn run(spec: &Spec, log: &HydraLogger, tape: &Arc<Tape>) -> ExitCode {
    let (its_spec, its_log, its_tape) = (spec.clone(), log.clone(), Arc::clone(tape));
    let stepped = std::thread::Builder::new().name(gate::LOGS.to_owned());
    if let Err(error) = stepped.spawn(move || gate::up_to_the_gate(&its_spec, &its_log, &its_tape)) {
        return complain(&error.to_string());
    }
    while !spec.dir.join(ENOUGH).exists() {
        std::thread::sleep(LOOK);
    }
    for number in 1..=MEANWHILE {
        let (life, thread) = (spec.life, LANE);
        let text = Text::new(spec, Id { life, thread, number });
        tape.intend(life, thread, number);
        if let Err(error) = sync_call(spec, log, &text).wait() {
            return complain(&error.to_string());
        }
        tape.accept(life, thread, number);
    }
    let begun = Instant::now();
    let report = log.shutdown(SHUTDOWN);
    let took = begun.elapsed();
    // Whether it tells of what it could not deliver.
    let _ = std::fs::write(spec.dir.join(HEALTH), format!("{report:?}"));
    if took > SHUTDOWN + SLACK {
        return complain(&format!("the shutdown took {took:?}"));
    }
    let is_told = |balance: &Balance| {
        let found = balance.delivered + balance.in_journal + balance.fell_back + balance.dropped;
        !balance.destination.starts_with(LAYER) || found >= spec.records + MEANWHILE
    };
    match report {
        Ok(report) if report.balances.iter().all(is_told) => {}
        told => return complain(&format!("the report does not tell of all that was accepted: {told:?}")),
    }
    // Nobody can wait for a thread that stands still.
    hydra_os::hazard::leave(0)
}
