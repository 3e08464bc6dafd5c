//! Destinations' files that somebody else moves away.

use std::fs;
use std::io;
use std::time::Duration;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::round::Round;
use crate::spec::End;

/// The first name that a file is moved to ends in this number, the next one in a smaller one: as after a rotation, the
/// oldest has the greatest.
const OLDEST: u64 = 1_000_000;
/// How long the victim writes between two moves.
const BETWEEN: Duration = Duration::from_millis(2);

/// The files are renamed again and again while victims write and are killed: every line is in one of the generations.
pub(super) fn renamed(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    let mut generation = OLDEST;
    for is_last in [false, false, true] {
        (round.spec.threads, round.spec.records) = (2, 5_000);
        round.spec.end = if is_last { End::Shutdown } else { End::Park };
        let mut life = round.live()?;
        for _ in 0..5 + round.random.below(20) {
            if life.end(BETWEEN)?.is_some() {
                break;
            }
            for name in round.spec.file_names() {
                let path = round.dir().join(name);
                match fs::rename(&path, round.dir().join(format!("{name}.{generation}"))) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            generation -= 1;
        }
        if !is_last {
            life.kill_after(Duration::ZERO)?;
            round.kills += 1;
        } else if !life.end(HANGS_AFTER)?.is_some_and(|status| status.success()) {
            round.trouble("the last victim did not end well");
        }
    }
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
