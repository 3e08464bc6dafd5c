//! Journals that dead processes left, and who takes them over.

use std::io;
use std::time::Duration;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::pipe::Pipe;
use crate::round::Round;
use crate::rows::kill::plain;
use crate::spec::{End, Files, Front, PLAIN};

/// The records of the process that dies.
const RECORDS: u64 = 20_000;

/// A victim fills its journal while its only destination takes nothing; recoveries are killed before one is let
/// through.
pub(super) fn recovery_is_killed(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = orphaned(turn, RECORDS)?;
    let longest = Duration::from_millis(round.random.pick(&[5, 15, 40]));
    for _ in 0..1 + round.random.below(12) {
        round.spec.records = 0;
        round.live_and_kill(longest)?;
    }
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Eight processes start at once over one dead process's journal: one of them delivers it, once.
pub(super) fn adoption_race(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = orphaned(turn, RECORDS)?;
    (round.spec.records, round.spec.threads, round.spec.end) = (100, 1, End::Shutdown);
    let mut lives = (0..8).map(|_| round.live()).collect::<io::Result<Vec<_>>>()?;
    for life in &mut lives {
        match life.end(HANGS_AFTER)? {
            Some(status) if status.success() => {}
            Some(status) => round.trouble(format!("one of eight ended with {status}")),
            None => round.trouble("one of eight hangs"),
        }
    }
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// A process forks under load. Its children log through its handle and through loggers of their own, and exit; what
/// any of them was told is accepted is in the files, once, and the parent's journal is the parent's.
pub(super) fn forked(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    plain(&mut round);
    (round.spec.threads, round.spec.records) = (4, 5_000);
    (round.spec.forks, round.spec.end) = (8, End::Shutdown);
    round.spec.front = round.random.pick(Front::ALL);
    match round.live()?.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        Some(status) => round.trouble(format!("the parent ended with {status}")),
        None => round.trouble("the parent hangs"),
    }
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Returns a round with a dead process whose journal holds all its records; none is delivered.
pub(super) fn orphaned(turn: &Turn<'_>, records: u64) -> io::Result<Round> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    round.spec.segment = round.random.pick(&[64 << 10, 1 << 20, 0]);
    left(round, records)
}

/// As [`orphaned`], with the smallest segments.
pub(super) fn orphaned_small(turn: &Turn<'_>, records: u64) -> io::Result<Round> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    round.spec.segment = 64 << 10;
    left(round, records)
}

fn left(mut round: Round, records: u64) -> io::Result<Round> {
    round.spec.files = Files::Plain;
    (round.spec.records, round.spec.end) = (records, End::Kill);
    let pipe = Pipe::make_full(&round.dir().join(PLAIN))?;
    if round.live()?.end(HANGS_AFTER)?.is_none() {
        round.trouble("the victim whose destination takes nothing hangs");
    }
    round.kills += 1;
    pipe.remove()?;
    Ok(round)
}
