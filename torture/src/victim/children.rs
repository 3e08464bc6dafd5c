//! Children of a victim, forked while its threads log.

use std::process::exit;
use std::time::{Duration, Instant};

use fork::Fork;
use hydra_logger::{AsyncHydraLogger, Error, HydraLogger, Receipt};

use super::{Log, Text, async_call, complain, config, sync_call};
use crate::payload::Id;
use crate::spec::{Front, Spec};
use crate::tape::Tape;

/// Records of a child by each handle.
const RECORDS: u64 = 10;
/// A child that takes longer hangs.
const HANGS_AFTER: Duration = Duration::from_secs(30);
/// How often a parent looks.
const LOOK: Duration = Duration::from_millis(1);

/// Forks the children that the spec asks for; returns their numbers.
pub(super) fn fork(spec: &Spec, log: &Log, tape: &Tape) -> Result<Vec<i32>, String> {
    let mut children = Vec::new();
    for number in 1..=spec.forks {
        match fork::fork() {
            Ok(Fork::Parent(child)) => children.push(child),
            Ok(Fork::Child) => live(
                &Spec {
                    life: spec.life + number,
                    ..spec.clone()
                },
                log,
                tape,
            ),
            Err(error) => return Err(format!("cannot fork: {error}")),
        }
        std::thread::sleep(LOOK);
    }
    Ok(children)
}

/// Waits for the children to end.
pub(super) fn wait(children: Vec<i32>) -> Result<(), String> {
    let until = Instant::now() + HANGS_AFTER;
    for child in children {
        loop {
            match fork::waitpid_nohang(child) {
                Ok(Some(0)) => break,
                Ok(Some(status)) => return Err(format!("a forked child ended with {status:#x}")),
                Ok(None) if Instant::now() > until => return Err(format!("the forked child {child} hangs")),
                Ok(None) => std::thread::sleep(LOOK),
                Err(error) => return Err(format!("cannot wait for a forked child: {error}")),
            }
        }
    }
    Ok(())
}

/// A child's life: it logs through its parent's handle, then through a logger of its own, and exits.
fn live(spec: &Spec, inherited: &Log, tape: &Tape) -> ! {
    note(spec, inherited, tape, 0);
    // The parent's handle may refuse its record; one of the child's own must not.
    let own = config(spec).and_then(|config| match spec.front {
        Front::Sync => HydraLogger::new(config).map(Log::Sync),
        Front::Async => AsyncHydraLogger::new(config).map(Log::Async),
    });
    match own {
        Ok(own) if note(spec, &own, tape, 1) == RECORDS => exit(0),
        Ok(_) => complain("a forked child's own logger refuses its records"),
        Err(error) => complain(&error.to_string()),
    };
    exit(1)
}

/// Logs the child's records through a handle and notes which were accepted; those that are refused come to an end at
/// once.
fn note(spec: &Spec, log: &Log, tape: &Tape, thread: u64) -> u64 {
    for number in 1..=RECORDS {
        let id = Id {
            life: spec.life,
            thread,
            number,
        };
        let text = Text::new(spec, id);
        tape.intend(spec.life, thread, number);
        let is_accepted = match log {
            Log::Sync(log) => is_accepted(sync_call(spec, log, &text), |receipt| receipt.wait()),
            Log::Async(log) => is_accepted(async_call(spec, log, &text), futures::executor::block_on),
        };
        if !is_accepted {
            return number - 1;
        }
        tape.accept(spec.life, thread, number);
    }
    RECORDS
}

fn is_accepted(receipt: Receipt, wait: impl Fn(Receipt) -> Result<(), Error>) -> bool {
    let is_numbered = receipt.sequence().is_some();
    wait(receipt).is_ok() && is_numbered
}
