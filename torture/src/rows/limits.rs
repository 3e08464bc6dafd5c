//! Limits that a process meets while it runs, and a process that is stopped.

use std::io;
use std::process::Command;
use std::time::Duration;

use super::Turn;
use super::full::{wait_until_it_logs, wait_until_it_stands};
use crate::life::{HANGS_AFTER, Life};
use crate::round::Round;
use crate::spec::End;

const KIB: u64 = 1 << 10;

/// The destinations reach the limit on a file's length: the journal takes records until it is full, callers wait, no
/// signal ends the process; once the limit is raised everything arrives.
pub(super) fn file_size(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = begin(turn, 20_000)?;
    (round.spec.segment, round.spec.quota) = (64 * KIB, 1024 * KIB);
    let mut command = Command::new("prlimit");
    command.arg(format!("--fsize={}:unlimited", 200 * KIB)).arg(turn.exe);
    let mut life = Life::start_by(&mut command, &round.spec)?;
    round.spec.life += 1;
    wait_until_it_stands(&round, &mut life)?;
    limit(&life, "--fsize=unlimited:unlimited")?;
    finish(turn, round, life)
}

/// No file can be opened for a while, though files are to be rotated, segments made and records synced.
pub(super) fn descriptors(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = begin(turn, 10_000)?;
    round.spec.errors = 20;
    (round.spec.segment, round.spec.rotate) = (64 * KIB, 200 * KIB);
    let mut life = round.live()?;
    // One that cannot even begin is another fault's.
    wait_until_it_logs(&round, &mut life)?;
    for _ in 0..3 {
        std::thread::sleep(Duration::from_millis(round.random.below(30)));
        // A victim that has ended already is none to be limited.
        let _ = limit(&life, "--nofile=3:1024");
        std::thread::sleep(Duration::from_millis(round.random.below(50)));
        let _ = limit(&life, "--nofile=1024:1024");
    }
    finish(turn, round, life)
}

/// The process is stopped again and again, and goes on each time as if nothing had happened.
pub(super) fn stopped(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = begin(turn, 10_000)?;
    round.spec.errors = 20;
    let life = round.live()?;
    for _ in 0..10 {
        signal(&life, "-STOP")?;
        std::thread::sleep(Duration::from_millis(round.random.below(20)));
        signal(&life, "-CONT")?;
        std::thread::sleep(Duration::from_millis(round.random.below(10)));
    }
    finish(turn, round, life)
}

fn begin(turn: &Turn<'_>, records: u64) -> io::Result<Round> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    (round.spec.threads, round.spec.records, round.spec.end) = (2, records, End::Shutdown);
    Ok(round)
}

/// Lets the victim end by itself and checks its files.
fn finish(turn: &mut Turn<'_>, mut round: Round, mut life: Life) -> io::Result<()> {
    match life.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        Some(status) => round.trouble(format!("the victim ended with {status}")),
        None => round.trouble("the victim hangs"),
    }
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

fn limit(life: &Life, what: &str) -> io::Result<()> {
    let status = Command::new("prlimit")
        .arg(format!("--pid={}", life.id()))
        .arg(what)
        .output()?
        .status;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("prlimit {what} ended with {status}")))
    }
}

fn signal(life: &Life, signal: &str) -> io::Result<()> {
    // A victim that has ended already takes no signal.
    Command::new("kill")
        .arg(signal)
        .arg(life.id().to_string())
        .output()
        .map(drop)
}
