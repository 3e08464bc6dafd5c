//! Every way a process ends, with its destinations behind.

use std::io;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::round::Round;
use crate::spec::{End, Front};

/// How an end shows in the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    Code(i32),
    Signal,
}

const ENDS: &[(End, Shows)] = &[
    (End::Abort, Shows::Signal),
    (End::Segfault, Shows::Signal),
    (End::Exit, Shows::Code(0)),
    (End::ExitBusy, Shows::Code(0)),
    (End::ReturnBusy, Shows::Code(0)),
    (End::Leave, Shows::Code(0)),
    (End::Panic, Shows::Code(101)),
    (End::PanicThread, Shows::Code(0)),
    (End::PanicAbort, Shows::Signal),
    (End::Overflow, Shows::Signal),
];

/// Threads log and the process ends, each way in turn: it ends at once, as that way does, and nothing accepted is lost.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    for (end, shows) in ENDS {
        for front in Front::ALL {
            let mut round = Round::begin(turn.exe, turn.seed)?;
            (round.spec.end, round.spec.front) = (*end, *front);
            (round.spec.threads, round.spec.records) = (4, 1_000);
            round.spec.segment = round.random.pick(&[0, 64 << 10]);
            let ended = round.live()?.end(HANGS_AFTER)?;
            let is_right = match (ended, shows) {
                (Some(status), Shows::Code(code)) => status.code() == Some(*code),
                (Some(status), Shows::Signal) => status.code().is_none(),
                (None, _) => false,
            };
            if !is_right {
                round.trouble(format!("{end}, {front}: the process ended with {ended:?}"));
            }
            turn.outcome.kills += u64::from(*shows == Shows::Signal);
            round.recover()?;
            turn.outcome.found.add(round.finish()?);
        }
    }
    Ok(())
}
