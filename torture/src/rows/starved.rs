//! An allocation that fails, whichever it is.
//!
//! The language ends a program that gets no memory from its heap, unless the code that asked goes on without: ours, the
//! standard library's and the host's alike. So a process is either killed by that or goes on, and in both cases keeps
//! what it has accepted.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;

use super::Turn;
use super::syscall::{ALL, orphan};
use crate::life::{self, HANGS_AFTER};
use crate::round::Round;
use crate::spec::STARVED;

/// How a program ends for which there is no memory, and how one that has told an error.
const SIGABRT: i32 = 6;
const TOLD: [i32; 2] = [1, 3];
/// More than any process asks for.
const NEVER: u64 = 1 << 60;

/// A process starts over what a dead one left, logs, rotates, and shuts down; one of its allocations fails, each in
/// turn, or an even choice of them. It ends by that or goes on, neither hangs nor crashes otherwise, and what was
/// accepted is in the files after the next start.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut whole = orphan(turn, ALL)?;
    whole.spec.starve = NEVER;
    if !whole.live()?.end(HANGS_AFTER)?.is_some_and(|status| status.success()) {
        whole.trouble("a process all of whose allocations succeed did not end well");
    }
    let left = fs::read_to_string(whole.dir().join(STARVED))?;
    let all = NEVER - left.parse::<u64>().map_err(io::Error::other)?;
    finish(turn, whole)?;
    let stride = match turn.exhaustive {
        true => 1,
        false => all.div_ceil(turn.kills.max(1)).max(1),
    };
    let (mut ended, mut lived) = (0, 0);
    for at in (1 + turn.seed % stride..all).step_by(stride as usize) {
        let mut round = orphan(turn, ALL)?;
        (round.spec.starve, round.may_complain, round.may_double) = (at, true, true);
        match round.live()?.end(HANGS_AFTER)? {
            Some(status) if status.success() => lived += 1,
            Some(status) if status.signal() == Some(SIGABRT) && life::starved(&life::said(round.dir())) > 0 => {
                ended += 1;
            }
            Some(status) if status.code().is_some_and(|code| TOLD.contains(&code)) => lived += 1,
            Some(status) => round.trouble(format!("allocation {at} failed: it ended with {status}")),
            None => round.trouble(format!("allocation {at} failed: it hangs")),
        }
        round.spec.starve = 0;
        finish(turn, round)?;
        if !turn.outcome.found.is_right() {
            turn.outcome.notes.push(format!("allocation {at} of {all} failed"));
            break;
        }
    }
    turn.outcome.kills += ended;
    turn.outcome.notes.push(format!(
        "{all} allocations, every {stride}th failed: {ended} ended the process, {lived} did not"
    ));
    Ok(())
}

fn finish(turn: &mut Turn<'_>, mut round: Round) -> io::Result<()> {
    round.spec.starve = 0;
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
