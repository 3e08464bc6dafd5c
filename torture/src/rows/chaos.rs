//! Everything at once: a seed draws what happens to whom, and when.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use super::Turn;
use crate::life::{self, HANGS_AFTER};
use crate::load::Load;
use crate::round::Round;
use crate::spec::{ENOUGH, End, Front, REFUSED, TAPE};
use crate::tape::LIVES_MAX;
use crate::tools::{self, run, signal, word};
use crate::victim::ENDED_REFUSED;

/// What happens in a round, at most.
const FAULTS_MAX: u64 = 14;
/// How long things go their way between two faults, and how long one lasts, at most.
const BETWEEN: Duration = Duration::from_millis(60);
/// Lives that are kept for the end of a round.
const LIVES_KEPT: u64 = 4;

/// How a program ends for which the system has no more memory: where our own code asks for some it can be what dies,
/// and it can be the host's.
const SIGABRT: i32 = 6;

const KIB: u64 = 1 << 10;

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is killed, and another one starts.
    Kill,
    /// It is stopped for a while.
    Stop,
    /// No descriptor is to be had for a while.
    Descriptors,
    /// Nor memory.
    Memory,
    /// Files may not grow past where they are, for a while.
    FileSize,
    /// The files are renamed.
    Rename,
    /// A file takes nothing but appending for a while.
    AppendOnly,
    /// Another process logs to the same files, and ends.
    Another,
    /// It is killed while it recovers, again and again.
    KillRecovery,
    /// It ends in good order, and another one starts.
    Restart,
}

const FAULTS: [Fault; 10] = [
    Fault::Kill,
    Fault::Stop,
    Fault::Descriptors,
    Fault::Memory,
    Fault::FileSize,
    Fault::Rename,
    Fault::AppendOnly,
    Fault::Another,
    Fault::KillRecovery,
    Fault::Restart,
];

/// Faults of all kinds, over victims of all kinds: whatever was accepted is in the files, once, whole and in order.
pub(super) fn run_row(turn: &mut Turn<'_>) -> io::Result<()> {
    // A record that is refused must not be the end of the round: the others are to be checked, too.
    run_with(turn, true)
}

/// The same; a victim one of whose records is refused returns from `main` while its other threads log, and another one
/// starts.
pub(super) fn run_unbearing(turn: &mut Turn<'_>) -> io::Result<()> {
    run_with(turn, false)
}

fn run_with(turn: &mut Turn<'_>, bears: bool) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    shape(&mut round);
    round.spec.bears = bears;
    // Its exit code is looked at all the same.
    round.may_complain = !bears;
    // There is a list of what is refused, whether a victim goes on after that or not.
    fs::write(round.dir().join(REFUSED), "")?;
    let mut generation = 1_000_000;
    let mut happened = Vec::new();
    let mut load = Load::start(round)?;
    for _ in 0..1 + load.round.random.below(FAULTS_MAX) {
        load.wait(BETWEEN);
        let fault = load.round.random.pick(&FAULTS);
        happened.push(fault);
        load = happen(turn, load, fault, &mut generation)?;
        if load.round.has_trouble() || load.round.spec.life + LIVES_KEPT + 4 > LIVES_MAX {
            break;
        }
        load = go_on(load)?;
    }
    end(&mut load)?;
    let Load { mut round, .. } = load;
    round.spec.heeds = false;
    round.recover()?;
    let refused = fs::read_to_string(round.dir().join(REFUSED)).unwrap_or_default();
    if !refused.is_empty() {
        turn.outcome
            .notes
            .push(format!("refused: {} records", refused.lines().count()));
    }
    let mut found = round.finish()?;
    if !found.is_right() {
        found.troubles.push(format!("what happened: {happened:?}"));
    }
    turn.outcome.found.add(found);
    Ok(())
}

/// Sees that records are accepted after a fault: by another victim, if this one has ended as it may.
fn go_on(mut load: Load) -> io::Result<Load> {
    if !load.goes_on(20, HANGS_AFTER)? {
        if has_left(&mut load, Duration::ZERO)? {
            return Load::start(load.round);
        }
        load.must_go_on(20, "after a fault")?;
    }
    Ok(load)
}

/// Says whether a victim has ended as it may: because a record was refused, or as any program that finds no memory.
fn has_left(load: &mut Load, patience: Duration) -> io::Result<bool> {
    let Some(status) = load.life.end(patience)? else {
        return Ok(false);
    };
    let is_starved = status.signal() == Some(SIGABRT) && life::starved(&life::said(load.round.dir())) > 0;
    Ok(is_starved || !load.round.spec.bears && status.code() == Some(i32::from(ENDED_REFUSED)))
}

/// Ends a victim, unless it has ended as it may.
fn end(load: &mut Load) -> io::Result<()> {
    fs::write(load.round.dir().join(ENOUGH), "")?;
    if has_left(load, HANGS_AFTER)? {
        return fs::remove_file(load.round.dir().join(ENOUGH));
    }
    load.end()
}

fn shape(round: &mut Round) {
    round.spec.threads = round.random.pick(&[1, 2, 8]);
    round.spec.front = round.random.pick(Front::ALL);
    round.spec.errors = round.random.pick(&[0, 7, 100]);
    round.spec.quota = round.spec.segment * round.random.pick(&[8, 64]);
    round.spec.rotate = round.random.pick(&[0, 100 * KIB, 1024 * KIB]);
}

/// Has it happen.
fn happen(turn: &mut Turn<'_>, mut load: Load, fault: Fault, generation: &mut u64) -> io::Result<Load> {
    let process = load.life.id();
    match fault {
        Fault::Kill => return Load::start(load.kill(turn)?),
        Fault::Restart => {
            end(&mut load)?;
            return Load::start(load.round);
        }
        Fault::KillRecovery => {
            let mut round = load.kill(turn)?;
            for _ in 0..1 + round.random.below(3) {
                round.live_and_kill(BETWEEN)?;
            }
            round.spec.end = End::Shutdown;
            return Load::start(round);
        }
        Fault::Stop => {
            signal(process, "-STOP")?;
            load.wait(BETWEEN);
            signal(process, "-CONT")?;
        }
        Fault::Descriptors => limit(&mut load, "nofile", "3:1024", "1024:1024")?,
        Fault::Memory => limit(&mut load, "as", "1048576:unlimited", "unlimited:unlimited")?,
        Fault::FileSize => limit(&mut load, "fsize", "65536:unlimited", "unlimited:unlimited")?,
        Fault::Rename => rename(&load.round, generation)?,
        Fault::AppendOnly => append_only(&mut load)?,
        Fault::Another => another(&mut load)?,
    }
    Ok(load)
}

fn limit(load: &mut Load, what: &str, low: &str, high: &str) -> io::Result<()> {
    for bounds in [low, high] {
        let process = load.life.id().to_string();
        if let Err(error) = run("prlimit", ["--pid", &process, &format!("--{what}={bounds}")]) {
            // There are no limits to change of one that has just ended: how, is looked at next.
            return load.life.end(HANGS_AFTER)?.map(drop).ok_or(error);
        }
        if bounds == low {
            load.wait(BETWEEN);
        }
    }
    Ok(())
}

fn rename(round: &Round, generation: &mut u64) -> io::Result<()> {
    // The files that the logger rotates itself have names that count the other way.
    if round.spec.rotate > 0 {
        return Ok(());
    }
    for name in round.spec.file_names() {
        match fs::rename(round.dir().join(name), round.dir().join(format!("{name}.{generation}"))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    *generation -= 1;
    Ok(())
}

fn append_only(load: &mut Load) -> io::Result<()> {
    let name = load.round.random.pick(load.round.spec.file_names());
    let path = load.round.dir().join(name);
    if !tools::is_root() || tools::find("chattr").is_none() || run("chattr", ["+a", word(&path)]).is_err() {
        return Ok(());
    }
    // By its descriptor's number it could not be found again, had it been rotated; but then it could not be rotated.
    load.wait(BETWEEN);
    run("chattr", ["-a", word(&path)]).map(drop)
}

fn another(load: &mut Load) -> io::Result<()> {
    let spec = load.round.spec.clone();
    (load.round.spec.records, load.round.spec.heeds, load.round.spec.end) = (200, false, End::Shutdown);
    let ended = load.round.live()?.end(HANGS_AFTER)?;
    if !ended.is_some_and(|status| status.success()) {
        load.round.trouble(format!("another process ended with {ended:?}"));
    }
    let life = load.round.spec.life;
    load.round.spec = spec;
    load.round.spec.life = life;
    debug_assert!(!load.round.dir().join(ENOUGH).exists() && load.round.dir().join(TAPE).exists());
    Ok(())
}
