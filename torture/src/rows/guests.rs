//! What programs do that log: many threads, clocks that jump, texts that misbehave.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Turn;
use crate::life::{HANGS_AFTER, Life};
use crate::round::Round;
use crate::spec::{End, PLAIN, Play, Rotation};
use crate::tape::THREADS_MAX;

/// How many threads there are in all.
const THREADS: u64 = 10_000;
/// From so many kills on a run is long enough for all threads.
const LONG: u64 = 30;
/// The library that answers for the clock.
const FAKETIME: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];
/// Where the clock jumps to, each time from the true one.
const JUMPS: [&str; 7] = ["+0", "+90m", "-40d", "+3y", "-8y", "+59m", "+0"];

/// Short threads come and go; each logs, the last time as its thread-locals are torn down.
pub(super) fn churn(turn: &mut Turn<'_>) -> io::Result<()> {
    play(turn, Play::Churn, 4)
}

/// All threads are there at once.
pub(super) fn crowd(turn: &mut Turn<'_>) -> io::Result<()> {
    play(turn, Play::Crowd, THREADS_MAX)
}

/// Texts that panic, log, are slow, lie, or wait for a lock.
pub(super) fn display(turn: &mut Turn<'_>) -> io::Result<()> {
    play(turn, Play::Display, 1)
}

fn play(turn: &mut Turn<'_>, play: Play, lanes: u64) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    (round.spec.play, round.spec.threads, round.spec.end) = (play, lanes, End::Shutdown);
    round.spec.records = if turn.exhaustive || turn.kills >= LONG {
        THREADS / lanes
    } else {
        THREADS / 20 / lanes
    };
    let mut life = round.live()?;
    finish(turn, round, &mut life)
}

/// The wall clock jumps forth and back while files are rotated at each full hour.
pub(super) fn clock(turn: &mut Turn<'_>) -> io::Result<()> {
    let Some(library) = FAKETIME.iter().find(|path| Path::new(path).exists()) else {
        turn.outcome.skipped = Some("libfaketime is not there: the package `faketime` has it".to_owned());
        return Ok(());
    };
    let mut round = Round::begin(turn.exe, turn.seed)?;
    (round.spec.threads, round.spec.records, round.spec.end) = (2, 1_000_000, End::Shutdown);
    (round.spec.heeds, round.spec.pace_us) = (true, 100);
    (round.spec.rotation, round.spec.segment) = (Rotation::Hourly, 64 << 10);
    let clock = round.dir().join("clock");
    fs::write(&clock, "+0")?;
    let mut command = Command::new(turn.exe);
    command
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", &clock)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut life = Life::start_by(&mut command, &round.spec)?;
    round.spec.life += 1;
    for jump in JUMPS {
        // In one step: half of a word would be another time.
        let next = round.dir().join("clock.next");
        fs::write(&next, jump)?;
        fs::rename(&next, &clock)?;
        std::thread::sleep(Duration::from_millis(300 + round.random.below(200)));
    }
    fs::write(round.dir().join(crate::spec::ENOUGH), "")?;
    let years = finish_clock(&mut round, &mut life)?;
    turn.outcome.notes.push(format!("years in the files: {years:?}"));
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Looks at what the clock did to the files; returns the years that stand in them.
fn finish_clock(round: &mut Round, life: &mut Life) -> io::Result<Vec<String>> {
    match life.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        ended => round.trouble(format!("the victim ended with {ended:?}")),
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(round.dir())? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.starts_with(PLAIN) {
            files.push(path);
        }
    }
    // A jump may end a file, and no more than that.
    if files.len() > JUMPS.len() + 2 {
        round.trouble(format!("{} jumps made {} files", JUMPS.len(), files.len()));
    }
    let mut years = Vec::new();
    for path in files {
        let text = fs::read_to_string(path)?;
        years.extend(text.lines().filter_map(|line| line.get(..4)).map(str::to_owned));
    }
    years.sort();
    years.dedup();
    if years.len() < 2 {
        round.trouble(format!("the clock did not jump: {years:?}"));
    }
    Ok(years)
}

fn finish(turn: &mut Turn<'_>, mut round: Round, life: &mut Life) -> io::Result<()> {
    match life.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        ended => round.trouble(format!("the victim ended with {ended:?}")),
    }
    round.spec.play = Play::Log;
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
