//! SIGKILL at random moments, while victims start, recover, log and idle.

use std::io;
use std::time::Duration;

use super::Turn;
use crate::round::Round;
use crate::spec::Front;

/// The longest a victim lives.
const LIVES_FOR: Duration = Duration::from_millis(40);
/// The longest a recovery lives that is killed.
const RECOVERS_FOR: Duration = Duration::from_millis(15);
/// The most records of a victim, so that a round is checked in a moment.
const RECORDS_MAX: u64 = 20_000;

const KIB: u64 = 1 << 10;

/// Sizes as they come.
pub(super) fn plain(round: &mut Round) {
    round.spec.segment = round.random.pick(&[0, 64 * KIB, 256 * KIB]);
}

/// The async handle.
pub(super) fn asynchronous(round: &mut Round) {
    plain(round);
    round.spec.front = Front::Async;
    round.spec.errors = round.random.pick(&[0, 50]);
}

/// Some records are errors, and synced.
pub(super) fn synced(round: &mut Round) {
    plain(round);
    round.spec.errors = round.random.pick(&[1, 7, 100]);
}

/// The quota is small: segments are recycled all the time, and callers wait for room.
pub(super) fn small(round: &mut Round) {
    round.spec.segment = 64 * KIB;
    round.spec.quota = round.random.pick(&[512 * KIB, 1024 * KIB, 2048 * KIB]);
}

/// The files are rotated every moment.
pub(super) fn rotating(round: &mut Round) {
    plain(round);
    round.spec.rotate = round.random.pick(&[40 * KIB, 200 * KIB, 1024 * KIB]);
}

/// A round: some victims log and are killed, some recoveries are killed, the last one is not.
pub(super) fn run(turn: &mut Turn<'_>, threads: &[u64], shape: fn(&mut Round)) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    shape(&mut round);
    let lives = 1 + round.random.below(3);
    for _ in 0..lives {
        round.spec.threads = round.random.pick(threads);
        let records = round.random.pick(&[10, 1_000, RECORDS_MAX]);
        round.spec.records = (records / round.spec.threads).max(1);
        round.live_and_kill(LIVES_FOR)?;
        if round.random.below(3) == 0 {
            round.spec.records = 0;
            round.live_and_kill(RECOVERS_FOR)?;
        }
    }
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
