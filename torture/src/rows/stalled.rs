//! A thread that stands still in the middle of a call, for as long as its process lives.

use std::fs;
use std::io;
use std::time::Duration;

use super::Turn;
use super::instruction::{Shape, Stand, count, records};
use crate::round::Round;
use crate::spec::{ENOUGH, HEALTH, Play};
use crate::victim::gate::LOGS;

/// A victim that has not ended this long after that waits for the thread.
const WAITS_AFTER: Duration = Duration::from_secs(30);

/// In which calls it stands still.
const CASES: &[(&str, Shape)] = &[
    ("a text", |round| records(round, 32)),
    ("typed values and a field", |round| records(round, 33)),
    ("through a layer's handle", |round| records(round, 34)),
];

/// Whichever instruction of a call it is: others are accepted meanwhile, heads wait for it at most, the shutdown takes
/// no longer than it may and says what is left, and the next start delivers all that was accepted.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    if let Some(why) = super::instruction::cannot_trace(turn) {
        turn.outcome.skipped = Some(why);
        return Ok(());
    }
    let share = turn.kills.div_ceil(CASES.len() as u64).max(2);
    for (name, shape) in CASES {
        let mut shaped = Round::begin(turn.exe, turn.seed)?;
        shape(&mut shaped)?;
        let steps = count(turn, &shaped.spec)?;
        let stride = if turn.exhaustive {
            1
        } else {
            steps.div_ceil(share).max(1)
        };
        let (mut stalls, mut left) = (0, 0);
        for at in (turn.seed % stride..steps).step_by(stride as usize) {
            stalls += 1;
            left += u64::from(stall(turn, &shaped, at)?);
            if !turn.outcome.found.is_right() {
                let what = format!("{name}: standing still at instruction {at} of {steps}");
                turn.outcome.notes.push(what);
                return Ok(());
            }
        }
        turn.outcome.notes.push(format!(
            "{name}: stood still at {stalls} of {steps} instructions, at {left} of them heads waited for it"
        ));
    }
    Ok(())
}

/// Has the thread stand still after so many instructions; says whether something could not be delivered for it.
fn stall(turn: &mut Turn<'_>, shaped: &Round, at: u64) -> io::Result<bool> {
    let mut stand = Stand::begin(turn, &shaped.spec, Play::Stall, LOGS)?;
    for _ in 0..at {
        if !stand.step()? {
            break;
        }
    }
    fs::write(stand.round.dir().join(ENOUGH), "")?;
    let (hangs, mut round) = stand.let_others_go(WAITS_AFTER)?;
    let ended = hangs.is_none();
    if let Some(threads) = hangs {
        round.trouble(format!("others wait for a thread that stands still: {threads}"));
    }
    let report = fs::read_to_string(round.dir().join(HEALTH)).unwrap_or_default();
    let is_left = !report.contains("left_in_journal: 0");
    if ended && report.is_empty() {
        round.trouble("there is no report of the shutdown");
    }
    round.spec.play = Play::Log;
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(is_left)
}
