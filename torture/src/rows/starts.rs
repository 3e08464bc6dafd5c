//! Several processes over one directory.

use std::io;
use std::time::Duration;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::load::Load;
use crate::round::Round;
use crate::spec::{End, Front};

/// Processes of a round, and how long after one another they start, at most.
const PROCESSES: u64 = 4;
const BETWEEN: Duration = Duration::from_millis(10);

const KIB: u64 = 1 << 10;

/// Several processes log to one directory at the same time, and some are killed: each has a journal of its own, whole
/// lines of all of them stand in the files, and what the dead left the living or their successors deliver.
pub(super) fn together(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    round.spec.segment = 64 * KIB;
    round.spec.rotate = round.random.pick(&[0, 200 * KIB]);
    let mut lives = Vec::new();
    for _ in 0..PROCESSES {
        (round.spec.threads, round.spec.records) = (2, 2_000);
        round.spec.front = round.random.pick(Front::ALL);
        let dies = round.random.below(3) == 0;
        round.spec.end = if dies { End::Kill } else { End::Shutdown };
        lives.push((round.live()?, dies));
        let wait = round.random.below(BETWEEN.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(wait));
    }
    for (mut life, dies) in lives {
        turn.outcome.kills += u64::from(dies);
        match life.end(HANGS_AFTER)? {
            Some(status) if status.success() != dies => {}
            Some(status) => round.trouble(format!("one of several ended with {status}")),
            None => round.trouble("one of several hangs"),
        }
    }
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// A process starts where another one has logged for long, is refused nothing, and takes nothing of it.
pub(super) fn beside(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut load = Load::start(Load::round(turn)?)?;
    for _ in 0..3 {
        load.wait(BETWEEN);
        let spec = load.round.spec.clone();
        (load.round.spec.records, load.round.spec.heeds, load.round.spec.pace_us) = (100, false, 0);
        if !load
            .round
            .live()?
            .end(HANGS_AFTER)?
            .is_some_and(|status| status.success())
        {
            load.round.trouble("a second process beside the first did not end well");
        }
        let life = load.round.spec.life;
        load.round.spec = spec;
        load.round.spec.life = life;
    }
    load.must_go_on(500, "beside other processes")?;
    load.finish(turn)
}
