//! Versions of the library that take turns on one directory.
//!
//! There is one version yet, so the other is made up: a journal of its own looks as one of a later version does, with
//! another number, or with a flag that this one does not know. What version 1 writes is kept in `golden/v1`, and every
//! later one has to deliver it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::oracle::Found;
use crate::pipe::Pipe;
use crate::random::Random;
use crate::round::{self, Round};
use crate::spec::{End, HEALTH, JOURNAL, JSON, PLAIN, TAPE};
use crate::tape::Tape;
use crate::tools;

/// Where processes see their round's directory: cursors know files by their paths.
const SEEN_AS: &str = "/mnt";
/// What the journal in `golden/v1` holds: this seed's records of so many threads, so many of each.
const GOLDEN_SEED: u64 = 1;
const GOLDEN_THREADS: u64 = 2;
const GOLDEN_RECORDS: u64 = 60;
/// One in so many is an error.
const GOLDEN_ERRORS: u64 = 20;
/// Turns of each version in a round, and the records of a process that dies. With the one that left `golden/v1`, fewer
/// die in the writing of one record than make it a dead letter.
const TURNS: u64 = 3;
const RECORDS: u64 = 400;
/// The first name that a file is moved to ends in this number, the next one in a smaller one.
const OLDEST: u64 = 1_000_000;

/// Offsets in a segment's header: the version with its flags, and the checksum of everything before it. The second copy
/// of the header stands so far from the end.
const AT_VERSION: usize = 8;
const AT_CHECK: usize = 56;
const SECOND: usize = 128;

/// What a later version has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// The number.
    Version,
    /// It sets a flag that every reader must know.
    Needed,
    /// It sets a flag that a reader may ignore.
    Ignorable,
}

const CHANGES: [Change; 3] = [Change::Version, Change::Needed, Change::Ignorable];

/// Processes of this version and of a later one take turns, and some die. What this version can read it delivers, be it
/// from the first release; what it cannot it leaves as it is, byte for byte, says so and goes on beside it. Once the
/// later version has handed it back, that arrives as well.
pub(super) fn run_row(turn: &mut Turn<'_>) -> io::Result<()> {
    turn.outcome.skipped = tools::cannot_mount();
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let mut round = golden(turn.exe, turn.seed)?;
    let (mut later, mut happened) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        leave(&mut round, turn)?;
        let known: Vec<PathBuf> = later.iter().map(|later: &Later| later.dir.clone()).collect();
        let own = journals(&round)?.into_iter().filter(|dir| !known.contains(dir));
        for dir in own.collect::<Vec<_>>() {
            let change = round.random.pick(&CHANGES);
            happened.push(change);
            let changed = Later::make(dir, change, &mut round.random)?;
            later.extend(Some(changed).filter(|_| change != Change::Ignorable));
        }
        round.recover_what_is_left()?;
        look(&mut round, &later)?;
        while round.random.below(2) == 0
            && let Some(one) = later.pop()
        {
            one.hand_back()?;
        }
    }
    later.iter().try_for_each(Later::hand_back)?;
    round.recover()?;
    let mut found = round.finish()?;
    if !found.is_right() {
        found
            .troubles
            .push(format!("the round's seed is {}; {happened:?}", turn.seed));
    }
    turn.outcome.found.add(found);
    Ok(())
}

/// Delivers what the first version left, and nothing else.
///
/// # Errors
/// Whatever the system says.
pub fn deliver_version_1(exe: &Path) -> io::Result<Found> {
    let mut round = golden(exe, GOLDEN_SEED)?;
    round.recover()?;
    round.finish()
}

/// Says why [`deliver_version_1`] cannot be tried here, if it cannot.
pub fn cannot_deliver() -> Option<String> {
    tools::cannot_mount()
}

/// Makes what is kept in `golden/v1`, once for each version, at `to`.
///
/// # Errors
/// Whatever the system says.
pub fn write_golden(exe: &Path, to: &Path) -> io::Result<()> {
    let mut round = begin(exe, GOLDEN_SEED)?;
    (round.spec.threads, round.spec.records) = (GOLDEN_THREADS, GOLDEN_RECORDS);
    round.spec.errors = GOLDEN_ERRORS;
    die(&mut round)?;
    for dir in journals(&round)? {
        fs::create_dir_all(to)?;
        for (path, bytes) in files(&dir)? {
            // What has no number yet holds nothing.
            let is_spare = is_segment(&path) && bytes.get(64..72) == Some(&[0; 8]);
            if let Some(name) = path.file_name().filter(|_| !is_spare) {
                fs::write(to.join(name), bytes)?;
            }
        }
    }
    Ok(())
}

/// A round that begins with what a process of the first version has left.
fn golden(exe: &Path, seed: u64) -> io::Result<Round> {
    let mut round = begin(exe, seed)?;
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1");
    let to = round.dir().join(JOURNAL).join("j-1-00000000");
    fs::create_dir_all(&to)?;
    for (path, bytes) in files(&from)? {
        if let Some(name) = path.file_name() {
            fs::write(to.join(name), bytes)?;
        }
    }
    let tape = Tape::open(&round.dir().join(TAPE))?;
    for thread in 0..GOLDEN_THREADS {
        tape.intend(0, thread, GOLDEN_RECORDS);
        tape.accept(0, thread, GOLDEN_RECORDS);
    }
    round.spec.life = 1;
    Ok(round)
}

fn begin(exe: &Path, seed: u64) -> io::Result<Round> {
    let mut round = Round::begin(exe, seed)?;
    round.spec.seed = GOLDEN_SEED;
    round.spec.segment = 64 << 10;
    round.under = tools::with_in_place_of(&[(round.dir(), Path::new(SEEN_AS))]);
    round.seen_as = Some(PathBuf::from(SEEN_AS));
    Ok(round)
}

/// Has a process of this version log and die, with everything undelivered.
fn leave(round: &mut Round, turn: u64) -> io::Result<()> {
    for name in round.spec.file_names() {
        let path = round.dir().join(name);
        match fs::rename(&path, round.dir().join(format!("{name}.{}", OLDEST - turn))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    (round.spec.threads, round.spec.records) = (2, RECORDS);
    die(round)
}

fn die(round: &mut Round) -> io::Result<()> {
    round.spec.end = End::Kill;
    let pipes = [PLAIN, JSON].map(|name| Pipe::make_full(&round.dir().join(name)));
    if round.live()?.end(HANGS_AFTER)?.is_none() {
        round.trouble("the process that is to leave something hangs");
    }
    pipes.into_iter().try_for_each(|pipe| pipe?.remove())
}

/// Looks at what the later version has left: it must be as it was, told of, and all that there is.
fn look(round: &mut Round, later: &[Later]) -> io::Result<()> {
    let mut left = journals(round)?;
    left.retain(|dir| !later.iter().any(|later| later.dir == *dir));
    if !left.is_empty() {
        round.trouble(format!("journals that can be read are left behind: {left:?}"));
    }
    let health = fs::read_to_string(round.dir().join(HEALTH)).unwrap_or_default();
    for one in later {
        let name = one.dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !health.contains(name) {
            round.trouble(format!(
                "health does not tell of {name}, which a later version left: {health}"
            ));
        }
        if files(&one.dir)? != one.files {
            round.trouble(format!("{name}, which a later version left, has been changed"));
        }
    }
    Ok(())
}

/// A journal that only a later version can read.
struct Later {
    dir: PathBuf,
    files: BTreeMap<PathBuf, Vec<u8>>,
    /// The segments as this version knows them.
    before: BTreeMap<PathBuf, Vec<u8>>,
}

impl Later {
    /// Makes one of a journal of this version: of all its segments, or of one.
    fn make(dir: PathBuf, change: Change, random: &mut Random) -> io::Result<Later> {
        let mut segments: Vec<_> = files(&dir)?.into_iter().filter(|(path, _)| is_segment(path)).collect();
        // One that was just being made when its maker died has no header, and nothing in it that could be later.
        segments.retain(|(_, bytes)| bytes.starts_with(b"HYDRASEG"));
        if random.below(2) == 0 && !segments.is_empty() {
            let one = random.below(segments.len() as u64) as usize;
            segments = vec![segments.swap_remove(one)];
        }
        // The first flag that a reader must know is known.
        let flag = 1 << (33 + random.below(31));
        for (path, bytes) in &segments {
            let mut changed = bytes.clone();
            for base in [0, bytes.len().saturating_sub(SECOND)] {
                rewrite(&mut changed, base, |word| match change {
                    Change::Version => word & !0xFFFF | 2,
                    Change::Needed => word | flag,
                    Change::Ignorable => word | 1 << 31,
                });
            }
            fs::write(path, changed)?;
        }
        let files = files(&dir)?;
        let before = segments.into_iter().collect();
        Ok(Later { dir, files, before })
    }

    /// Leaves it to this version.
    fn hand_back(&self) -> io::Result<()> {
        self.before.iter().try_for_each(|(path, bytes)| fs::write(path, bytes))
    }
}

/// Changes the word with the version in a header, and makes its checksum fit. A header of zeros is none.
fn rewrite(bytes: &mut [u8], base: usize, change: impl Fn(u64) -> u64) {
    let Some(header) = bytes.get_mut(base..base + AT_CHECK + 8) else {
        return;
    };
    let Some((body, check)) = header.split_last_chunk_mut::<8>() else {
        return;
    };
    if body.starts_with(b"HYDRASEG")
        && let Some(word) = body.get_mut(AT_VERSION..).and_then(|rest| rest.first_chunk_mut::<8>())
    {
        *word = change(u64::from_le_bytes(*word)).to_le_bytes();
        *check = xxh3_64(body).to_le_bytes();
    }
}

fn journals(round: &Round) -> io::Result<Vec<PathBuf>> {
    round::journals(&round.dir().join(JOURNAL))
}

/// The files of a journal, but for its lock: whoever looks whether the owner lives may make one.
fn files(dir: &Path) -> io::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "lock") {
            let bytes = fs::read(&path)?;
            files.insert(path, bytes);
        }
    }
    Ok(files)
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}
