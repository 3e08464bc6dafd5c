//! Several processes over one directory.

use std::io;
use std::time::Duration;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::load::Load;
use crate::round::Round;
use crate::spec::{End, Front};
use crate::tools;

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

/// Processes in containers of their own, each of which is number 1 in its own, share a directory; some are killed from
/// outside. A number tells nobody who lives: what the dead left is delivered by one successor, and nothing of the
/// living is touched.
pub(super) fn containers(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    round.under = ["unshare", "-Urpf", "--kill-child"].map(str::to_owned).to_vec();
    (round.spec.records, round.spec.end) = (1, End::Shutdown);
    if !round.live()?.end(HANGS_AFTER)?.is_some_and(|status| status.success()) {
        turn.outcome.skipped = Some("`unshare -Urpf` is not permitted here".to_owned());
        return Ok(());
    }
    round.spec.segment = 64 * KIB;
    let mut lives = Vec::new();
    for _ in 0..PROCESSES {
        (round.spec.threads, round.spec.records) = (2, 2_000);
        lives.push(round.live()?);
    }
    for life in &mut lives {
        let wait = round.random.below(BETWEEN.as_micros() as u64);
        std::thread::sleep(4 * Duration::from_micros(wait));
        let is_to_die = round.random.below(2) == 0;
        if is_to_die {
            tools::children(life.id())
                .into_iter()
                .try_for_each(|victim| tools::signal(victim, "-KILL"))?;
            turn.outcome.kills += 1;
        }
        match life.end(HANGS_AFTER)? {
            Some(status) if is_to_die || status.success() => {}
            Some(status) => round.trouble(format!("one of several ended with {status}")),
            None => round.trouble("one of several hangs"),
        }
    }
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Everything is read-only but its own directory, there is no environment, and the working directory is the root.
const BARE: &str = r#"
    mount --bind "$1" "$1" && mount -o remount,bind,ro / && cd / && shift && exec env -i "$@"
"#;

/// A process has nothing but a directory to write to: no home, no environment, a root that is read-only. It logs as any
/// other does, is killed, and its successor delivers everything.
pub(super) fn bare(turn: &mut Turn<'_>) -> io::Result<()> {
    turn.outcome.skipped = tools::cannot_mount();
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let mut round = Load::round(turn)?;
    let words = ["unshare", "-Urm", "sh", "-c", BARE, "sh", tools::word(round.dir())];
    round.under = words.map(str::to_owned).to_vec();
    let mut load = Load::start(round)?;
    load.wait(BETWEEN * 10);
    let mut load = Load::start(load.kill(turn)?)?;
    load.must_go_on(500, "with nothing but its own directory")?;
    load.finish(turn)
}
