//! Destinations' files that somebody else moves away.

use std::fs;
use std::io;
use std::time::Duration;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::load::Load;
use crate::oracle::Found;
use crate::round::Round;
use crate::spec::End;
use crate::tools;

/// The first name that a file is moved to ends in this number, the next one in a smaller one: as after a rotation, the
/// oldest has the greatest.
const OLDEST: u64 = 1_000_000;
/// How often `logrotate` runs, and how many files it keeps.
const ROTATED_MAX: u64 = 20;
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

/// The files are rotated by `logrotate` itself, which renames them again and again. It makes no new ones: with `create`
/// it moves a file that we made first out of its own way, and in the same hour over the one it moved before.
pub(super) fn by_logrotate(turn: &mut Turn<'_>) -> io::Result<()> {
    logrotate(turn, "nocreate\nnocompress", true)
}

/// The files are copied and then emptied: what is written between the two is lost, as `logrotate` says of itself;
/// nothing else is, and no hole is left at the new beginning.
pub(super) fn copied_and_emptied(turn: &mut Turn<'_>) -> io::Result<()> {
    logrotate(turn, "copytruncate\nnocompress", false)
}

fn logrotate(turn: &mut Turn<'_>, how: &str, loses_nothing: bool) -> io::Result<()> {
    let mut load = Load::start(Load::round(turn)?)?;
    let (config, state) = (
        load.round.dir().join("rotate.conf"),
        load.round.dir().join("rotate.state"),
    );
    let names = load.round.spec.file_names();
    let files = names
        .iter()
        .map(|name| load.round.dir().join(name).display().to_string());
    let files = files.collect::<Vec<_>>().join(" ");
    let su = if tools::is_root() { "su root root\n" } else { "" };
    fs::write(
        &config,
        format!("{files} {{\n{su}rotate {ROTATED_MAX}\nsize 1\nmissingok\n{how}\n}}\n"),
    )?;
    for _ in 0..ROTATED_MAX {
        tools::run("logrotate", ["-f", "-s", tools::word(&state), tools::word(&config)])?;
        load.wait(10 * BETWEEN);
    }
    if loses_nothing {
        return load.finish(turn);
    }
    load.end()?;
    let found = load.round.look()?;
    turn.outcome
        .notes
        .push(format!("lost between copy and cut: {}", found.lost));
    // A copy may end, and what is left begin, in the middle of a line.
    let is_cuts = found.torn <= 2 * ROTATED_MAX * names.len() as u64;
    if is_cuts && found.invented == 0 && !has_hole(&load.round)? && !load.round.has_trouble() {
        let (lost, accepted) = (0, found.accepted - found.lost);
        turn.outcome.found.add(Found {
            lost,
            accepted,
            torn: 0,
            doubled: 0,
            disordered: 0,
            troubles: Vec::new(),
            ..found
        });
        return Ok(());
    }
    turn.outcome.found.add(load.round.finish()?);
    Ok(())
}

/// Says whether a file, or a copy of one, has NULs in it: somebody went on where the file had ended before.
fn has_hole(round: &Round) -> io::Result<bool> {
    for entry in fs::read_dir(round.dir())? {
        let path = entry?.path();
        let is_log = path
            .to_str()
            .is_some_and(|path| path.contains(".log") || path.contains(".jsonl"));
        if is_log && fs::read(&path)?.contains(&0) {
            return Ok(true);
        }
    }
    Ok(false)
}
