//! A second copy of a living process's journal, opened beside the first: volumes are cloned, machines restored.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Turn;
use super::slow::Frozen;
use crate::load::Load;
use crate::mount::{Mount, What};
use crate::oracle::{self, Found, Promise};
use crate::power;
use crate::round::{Round, journals};
use crate::spec::{Files, JOURNAL, TAPE};
use crate::tape::Tape;
use crate::tools;

/// How long a victim logs before its journal is copied, at most.
const LOGS_FOR: Duration = Duration::from_millis(100);
/// The number of another start of the machine, or of another machine.
const BOOT: &str = "7e0b8a5e-2b7c-4d5f-9d3a-5f0c6f7a1b2c\n";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// How often a volume is copied until nothing was written to it meanwhile.
const COPIES_MAX: u32 = 20;
/// Where the first frame of a segment stands, what it begins with, and the bytes of the number of a run at its end.
const FRAMES: usize = 4096;
const ENVELOPE: usize = 16;
const INSTANCE: usize = 16;

/// A journal, and the files, are copied while their process lives: both go on by themselves, and the copy has what was
/// accepted when it was begun.
pub(super) fn files(turn: &mut Turn<'_>) -> io::Result<()> {
    turn.outcome.skipped = tools::cannot_mount();
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let mut round = Load::round(turn)?;
    // One file: two are copied at two moments.
    round.spec.files = Files::Plain;
    let mut load = Load::start(round)?;
    load.wait(LOGS_FOR);
    let other = twin(turn, &load)?;
    // The cursors come first and the files last: a copy of a volume is of one moment, this one is not.
    let home = load.round.dir().to_owned();
    let root = home.join(JOURNAL);
    let cursors = journals(&root)?.into_iter().map(|dir| dir.join("cursors"));
    let mut copied = power::copy(&[home.join(TAPE)])?;
    copied.extend(power::copy(&cursors.collect::<Vec<_>>())?);
    for (path, bytes) in power::copy(&[root])? {
        copied.entry(path).or_insert(bytes);
    }
    let names = load.round.spec.file_names();
    let paths: Vec<PathBuf> = names.iter().map(|name| home.join(name)).collect();
    copied.extend(power::copy(&paths)?);
    let place = |path: &Path| path.strip_prefix(&home).map(|name| other.dir().join(name));
    let copied = copied
        .into_iter()
        .filter_map(|(path, bytes)| Some((place(&path).ok()?, bytes)));
    power::place(&copied.collect(), &other.dir().join(JOURNAL))?;
    go_on(turn, load, other, None)
}

/// A volume is cloned under a living process. Where its file system was told before, and stood still for the moment,
/// the clone has whatever had been accepted. Where it was not, it has what a loss of power leaves, and is opened under
/// another start of a machine: then it has what was synced.
pub(super) fn volume(turn: &mut Turn<'_>) -> io::Result<()> {
    turn.outcome.skipped = tools::cannot_mount();
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let mut round = Load::round(turn)?;
    let volume = Mount::disk(round.dir(), "ext4", 64, "")?;
    volume.hold(round.dir(), What::All)?;
    let (is_told, is_elsewhere) = (round.random.below(2) == 0, round.random.below(2) == 0);
    let mut load = Load::start(round)?;
    load.wait(LOGS_FOR);
    let mut other = twin(turn, &load)?;
    let image = other.dir().join("ext4.image");
    if is_told {
        fs::copy(load.round.dir().join(TAPE), other.dir().join(TAPE))?;
        let frozen = Frozen::begin(volume.dir())?;
        fs::copy(load.round.dir().join("ext4.image"), &image)?;
        drop(frozen);
    } else {
        tools::signal(load.life.id(), "-STOP")?;
        fs::copy(load.round.dir().join(TAPE), other.dir().join(TAPE))?;
        let copied = copy_at_rest(&volume, &load.round.dir().join("ext4.image"), &image);
        tools::signal(load.life.id(), "-CONT")?;
        copied?;
    }
    let clone = Mount::image(other.dir(), image)?;
    for name in [JOURNAL].iter().chain(other.spec.file_names()) {
        let within = clone.dir().file_name().unwrap_or_default();
        symlink(Path::new(within).join(name), other.dir().join(name))?;
    }
    if is_elsewhere || !is_told {
        let boot = other.dir().join("boot");
        fs::write(&boot, BOOT)?;
        let home = load.round.dir();
        other.under = tools::with_in_place_of(&[(&boot, Path::new(BOOT_ID)), (other.dir(), home)]);
    }
    let cut = (!is_told).then(|| oracle::check_for(&other.spec, Promise::Synced));
    go_on(turn, load, other, cut.transpose()?)
}

/// A round for the copy of another one's directory. Cursors know files by their paths, so that its processes see it in
/// the other's place.
fn twin(turn: &Turn<'_>, of: &Load) -> io::Result<Round> {
    let mut other = Round::begin(turn.exe, turn.seed)?;
    let home = of.round.dir();
    other.under = tools::with_in_place_of(&[(other.dir(), home)]);
    other.seen_as = Some(home.to_owned());
    let dir = std::mem::take(&mut other.spec.dir);
    other.spec = of.round.spec.clone();
    other.spec.dir = dir;
    // The copies of the files are other files than those the cursors know.
    other.may_repeat = true;
    Ok(other)
}

/// Copies an image while nothing is written to it.
fn copy_at_rest(volume: &Mount, from: &Path, to: &Path) -> io::Result<()> {
    let counters = format!("/sys/block/{}/stat", volume.device()?);
    let written = || -> io::Result<Option<String>> {
        let counted = fs::read_to_string(&counters)?;
        Ok(counted.split_whitespace().nth(4).map(str::to_owned))
    };
    for _ in 0..COPIES_MAX {
        let before = written()?;
        fs::copy(from, to)?;
        if written()? == before {
            return Ok(());
        }
    }
    Err(io::Error::other("the volume is written to all the time"))
}

/// Has the copy go on beside the original: nothing that was promised is missing in it, and no record of the one can be
/// taken for a record of the other. `cut` is what the files of the copy were like, if it is one as a loss of power
/// leaves it.
fn go_on(turn: &mut Turn<'_>, mut load: Load, mut other: Round, cut: Option<Found>) -> io::Result<()> {
    // What was meant when the copy was made is not known to the record: the tape was copied first.
    let (meant, copied) = (load.noted(), Tape::open(&other.dir().join(TAPE))?);
    for noted in meant {
        copied.intend(noted.life, noted.thread, noted.intended);
    }
    let own = runs(&load.round)?;
    other.spec.life = load.round.spec.life;
    let mut second = Load::start(other)?;
    second.must_go_on(500, "beside the original of its journal")?;
    load.must_go_on(500, "after its journal was copied")?;
    let fresh: BTreeSet<_> = runs(&second.round)?.difference(&own).copied().collect();
    if own.is_empty() || fresh.is_empty() || !fresh.is_disjoint(&runs(&load.round)?) {
        second
            .round
            .trouble(format!("records of both may have one number: {own:?}, {fresh:?}"));
    }
    second.end()?;
    let Load { mut round, .. } = second;
    match cut {
        None => {
            round.must_be_delivered()?;
            turn.outcome.found.add(round.finish()?);
        }
        Some(cut) => {
            let found = oracle::check_for(&round.spec, Promise::Synced)?.but_for(&cut);
            let is_right = found.is_right() && !round.has_trouble();
            turn.outcome.found.add(found);
            if !is_right {
                let told = round.told();
                let what = format!("seed {}: {told}; kept in {}", turn.seed, round.keep().display());
                turn.outcome.found.troubles.push(what);
            }
        }
    }
    load.finish(turn)
}

/// The numbers of all runs that a journal is of: with a record's position such a number tells it from any other.
fn runs(round: &Round) -> io::Result<BTreeSet<[u8; INSTANCE]>> {
    let mut runs = BTreeSet::new();
    for dir in journals(&round.dir().join(JOURNAL))? {
        for (path, bytes) in power::copy(&[dir])? {
            let is_segment = path.extension().is_some_and(|extension| extension == "seg");
            runs.extend(run_of(&bytes).filter(|_| is_segment));
        }
    }
    Ok(runs)
}

/// The last bytes of the first frame, which says whose journal it is; none where nothing was written yet.
fn run_of(segment: &[u8]) -> Option<[u8; INSTANCE]> {
    let len = u32::from_le_bytes(*segment.get(FRAMES..)?.first_chunk()?) as usize;
    let payload = segment.get(FRAMES + ENVELOPE..)?.get(..len)?;
    payload.last_chunk().copied()
}
