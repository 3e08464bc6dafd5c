//! The power goes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::{HANGS_AFTER, Life};
use crate::load::Load;
use crate::mount::{Mount, What};
use crate::oracle::{self, Promise};
use crate::power::{self, Files};
use crate::random::Random;
use crate::round::Round;
use crate::spec::{End, Front, JOURNAL, JSON, PLAIN, TAPE};
use crate::tape::Tape;
use crate::tools;
use crate::trace::{self, Synced};

/// Where the trace of a victim's system calls stands, in the round's directory.
const TRACE: &str = "trace";
/// Cuts that are made of one victim's death.
const CUTS: u64 = 25;
/// How long a victim goes on, at most, before the first copy is made, and after it.
const LIVES_FOR: Duration = Duration::from_millis(40);
/// More than any victim logs before it dies.
const RECORDS_MAX: u64 = 1_000_000;
const LOOK: Duration = Duration::from_micros(200);

/// The number of the boot after the cut.
const BOOT: &str = "6b1f7c52-9d0e-4c3a-8f41-2a5e7d90b316\n";

const KIB: u64 = 1 << 10;

/// Records are synced while others are not; the victim dies, and the device holds what was synced and any mixture of
/// the rest: every record called synced is in the files after the next start, nothing is made up, and nothing is torn
/// but what the cut itself tore.
pub(super) fn pages(turn: &mut Turn<'_>) -> io::Result<()> {
    cut_often(turn, None)
}

/// Some syncs fail, later ones succeed, and then the power goes: what a failed sync should have written is not on the
/// device, whatever later ones said, and no record that needed it was called synced.
pub(super) fn after_failed_syncs(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut random = Random::of(&[turn.seed, 1]);
    let calls = random.pick(&[
        "msync",
        "fdatasync",
        "fdatasync,msync",
        "fsync",
        "fsync,fdatasync,msync",
    ]);
    let (first, error) = (1 + random.below(60), random.pick(&["EIO", "ENOSPC", "EDQUOT"]));
    let last = random.pick(&[first, first + 2, first + 100]);
    cut_often(turn, Some(format!("inject={calls}:error={error}:when={first}..{last}")))
}

fn cut_often(turn: &mut Turn<'_>, inject: Option<String>) -> io::Result<()> {
    turn.outcome.skipped = tools::cannot_mount();
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let mut round = Round::begin(turn.exe, turn.seed)?;
    shape(&mut round);
    round.spec.bears = inject.is_some();
    let Some(Death { earlier, last, synced }) = die(&mut round, inject.as_deref())? else {
        round.trouble("the victim ended before it was killed");
        turn.outcome.found.add(round.finish()?);
        return Ok(());
    };
    let life = round.spec.life;
    reboot(&mut round)?;
    for _ in 0..CUTS {
        round.spec.life = life;
        let device = power::cut(&mut round.random, &earlier, &last, &synced);
        power::place(&device, &round.dir().join(JOURNAL))?;
        let before = oracle::check_for(&round.spec, Promise::Synced)?;
        round.recover_what_is_left()?;
        turn.outcome.kills += 1;
        let found = oracle::check_for(&round.spec, Promise::Synced)?.but_for(&before);
        let is_right = found.is_right() && !round.has_trouble();
        turn.outcome.found.add(found);
        if !is_right {
            keep(&round, &device)?;
            let told = round.told();
            let what = format!("{inject:?}; {told}; kept in {}", round.keep().display());
            turn.outcome.found.troubles.push(what);
            break;
        }
    }
    Ok(())
}

/// From now on victims see the number of another boot: the machine was without power.
fn reboot(round: &mut Round) -> io::Result<()> {
    let boot = round.dir().join("boot");
    fs::write(&boot, BOOT)?;
    round.under = tools::with_in_place_of(&[(&boot, Path::new("/proc/sys/kernel/random/boot_id"))]);
    Ok(())
}

/// A file system is shut down without its log being written, as by a cut, and mounted again.
pub(super) fn file_system(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    shape(&mut round);
    round.spec.bears = true;
    let kind = match tools::find("mkfs.xfs") {
        Some(_) if round.random.below(3) == 0 => ("xfs", 320),
        _ => ("ext4", 64),
    };
    let mount = Mount::disk(round.dir(), kind.0, kind.1, "")?;
    let what = round.random.pick(&[What::All, What::All, What::Journal]);
    mount.hold(round.dir(), what)?;
    let mut load = Load::start(round)?;
    load.wait(LIVES_FOR * 3);
    tools::run("xfs_io", ["-x", "-c", "shutdown", tools::word(mount.dir())])?;
    load.wait(LIVES_FOR);
    let round = load.kill(turn)?;
    mount.again()?;
    weigh_after_a_cut(turn, round, &format!("{kind:?}, {what:?}"))
}

/// Recovers, after a start of the machine, what a file system that was mounted again has: every record called synced
/// must be in the files, and nothing torn but what was before.
pub(super) fn weigh_after_a_cut(turn: &mut Turn<'_>, mut round: Round, what: &str) -> io::Result<()> {
    reboot(&mut round)?;
    let poisoned = [PLAIN, JSON].map(|name| format!("{name}.poisoned"));
    let names = [JOURNAL, PLAIN, JSON]
        .into_iter()
        .chain(poisoned.iter().map(String::as_str));
    let device = power::copy(&names.map(|name| round.dir().join(name)).collect::<Vec<_>>())?;
    let before = oracle::check_for(&round.spec, Promise::Synced)?;
    round.recover_what_is_left()?;
    let found = oracle::check_for(&round.spec, Promise::Synced)?.but_for(&before);
    let is_right = found.is_right() && !round.has_trouble();
    turn.outcome.found.add(found);
    if !is_right {
        keep(&round, &device)?;
        let (seed, told) = (turn.seed, round.told());
        let what = format!("seed {seed}, {what}: {told}; kept in {}", round.keep().display());
        turn.outcome.found.troubles.push(what);
    }
    Ok(())
}

/// A workload with records that are synced.
fn shape(round: &mut Round) {
    round.spec.segment = round.random.pick(&[64 * KIB, 256 * KIB]);
    round.spec.quota = round.spec.segment * round.random.pick(&[8, 16, 64]);
    round.spec.errors = round.random.pick(&[1, 5, 40]);
    round.spec.threads = round.random.pick(&[1, 3]);
    round.spec.front = round.random.pick(Front::ALL);
    (round.spec.records, round.spec.end) = (RECORDS_MAX, End::Park);
}

/// What is known of a victim's end.
struct Death {
    earlier: Files,
    last: Files,
    synced: Synced,
}

/// Lets a victim live for a while, copies its files, lets it live on and kills it. None if it ended by itself.
fn die(round: &mut Round, inject: Option<&str>) -> io::Result<Option<Death>> {
    let log = round.dir().join(TRACE);
    let mut life = Life::start_by(trace::command(&log, inject).arg(round.exe()), &round.spec)?;
    round.spec.life += 1;
    let tape = Tape::open(&round.dir().join(TAPE))?;
    let until = Instant::now() + HANGS_AFTER;
    while !tape.read().iter().any(|noted| noted.accepted > round.spec.errors) {
        if life.end(LOOK)?.is_some() || Instant::now() > until {
            return Ok(None);
        }
    }
    let mut paths = vec![round.dir().join(JOURNAL), round.dir().join(TAPE)];
    paths.extend(round.spec.file_names().iter().map(|name| round.dir().join(name)));
    let mut wait = || Duration::from_micros(round.random.below(LIVES_FOR.as_micros() as u64));
    // What a failed sync should have written is as it was before: the copy is made early.
    std::thread::sleep(wait() / if inject.is_some() { 20 } else { 1 });
    let copied_us = trace::now_us();
    let earlier = power::copy(&paths)?;
    std::thread::sleep(wait());
    for victim in tools::children(life.id()) {
        tools::signal(victim, "-KILL")?;
    }
    round.kills += 1;
    if life.end(HANGS_AFTER)?.is_none() {
        return Ok(None);
    }
    let synced = trace::synced_since(&log, copied_us)?;
    let last = power::copy(&paths)?;
    // The tape is the oracle's: no power is cut there.
    let mut earlier = earlier;
    if let Some(tape) = last.get(&round.dir().join(TAPE)) {
        earlier.insert(round.dir().join(TAPE), tape.clone());
    }
    Ok(Some(Death { earlier, last, synced }))
}

/// Keeps what the device held beside what became of it, for whoever looks for the reason.
fn keep(round: &Round, device: &Files) -> io::Result<()> {
    for (path, bytes) in device {
        let name = path.strip_prefix(round.dir()).unwrap_or(path);
        let to: PathBuf = round.dir().join("device").join(name);
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::write(to, bytes)?;
    }
    Ok(())
}
