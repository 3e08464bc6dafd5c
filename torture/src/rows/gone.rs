//! The journal is taken away, or parts of it, while its process lives and after.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Turn;
use crate::load::Load;
use crate::oracle::Found;
use crate::random::Random;
use crate::rows::orphans::orphaned;
use crate::spec::JOURNAL;

/// How long a victim logs before its journal is taken away, at most.
const LOGS_FOR: Duration = Duration::from_millis(100);
/// How long it may take a process to see that its journal is gone.
const SEEN_AFTER: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(5);
/// Records of the process that dies.
const RECORDS: u64 = 2_000;
/// What a segment's head takes, and what is overwritten of a file that is damaged.
const HEAD_BYTES: usize = 4096;

/// The directory of the journal is removed or moved under load: nothing is lost while the process lives.
pub(super) fn lives_on(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.bears = true;
    let mut load = Load::start(round)?;
    for _ in 0..2 {
        load.wait(LOGS_FOR);
        take_away(&mut load)?;
        load.must_go_on(2_000, "without its journal's directory")?;
    }
    load.must_sync_again("though a journal can be made")?;
    load.finish(turn)
}

/// As before; then there is a journal again within a bound, and whatever is accepted from then on, and whatever was not
/// delivered, survives a kill. Until its cursors are made again, too, a death costs what the cursors knew: some records
/// come twice.
pub(super) fn made_again(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.bears = true;
    let mut load = Load::start(round)?;
    load.wait(LOGS_FOR);
    take_away(&mut load)?;
    let (root, until) = (load.round.dir().join(JOURNAL), Instant::now() + SEEN_AFTER);
    while !has_segments(&root)? {
        if Instant::now() > until {
            load.round
                .trouble("no journal was made in the place of the one that is gone");
            break;
        }
        std::thread::sleep(LOOK);
    }
    load.must_go_on(2_000, "without its journal's directory")?;
    load.wait(LOGS_FOR);
    let mut round = load.kill(turn)?;
    round.recover()?;
    let found = round.look()?;
    if found.lost + found.torn + found.disordered + found.invented == 0 && !round.has_trouble() {
        let (doubled, repeated) = (0, found.doubled);
        turn.outcome.found.add(Found {
            doubled,
            repeated,
            ..found
        });
        return Ok(());
    }
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Takes the journal away in one of the ways there are.
fn take_away(load: &mut Load) -> io::Result<()> {
    let root = load.round.dir().join(JOURNAL);
    let away = format!("moved-{}", load.round.random.next());
    let to = load.round.dir().join(away);
    match load.round.random.below(4) {
        0 => remove(&root),
        1 => fs::rename(&root, to),
        2 => journals(&root)?.iter().try_for_each(|dir| remove(dir)),
        _ => files(&root)?.iter().try_for_each(|path| removed(fs::remove_file(path))),
    }
}

/// `rm -rf`: what is made meanwhile is removed as well.
fn remove(dir: &Path) -> io::Result<()> {
    for _ in 0..100 {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            other => return removed(other),
        }
    }
    Ok(())
}

fn removed(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn journals(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// The files of all journals, sorted.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for dir in journals(root)? {
        for entry in fs::read_dir(dir)? {
            files.push(entry?.path());
        }
    }
    files.sort();
    Ok(files)
}

fn has_segments(root: &Path) -> io::Result<bool> {
    Ok(files(root)?.iter().any(|path| is_segment(path)))
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "seg")
}

/// A segment that a living process writes to is cut to nothing: the process lives on, tells what it lost, and loses no
/// more than was in that segment.
pub(super) fn segment_cut(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.bears = true;
    let mut load = Load::start(round)?;
    load.wait(LOGS_FOR);
    let root = load.round.dir().join(JOURNAL);
    let segments: Vec<PathBuf> = files(&root)?.into_iter().filter(|path| is_segment(path)).collect();
    for segment in &segments {
        match OpenOptions::new().write(true).open(segment) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            file => file?.set_len(0)?,
        }
    }
    load.must_go_on(2_000, "after its segments were cut")?;
    load.end()?;
    let found = load.round.look()?;
    // What stood in the segments is gone; each record takes more bytes in the journal than in a file.
    let at_stake = segments.len() as u64 * load.round.spec.segment / 64;
    let is_right = found.doubled + found.torn + found.disordered + found.invented == 0 && found.lost <= at_stake;
    if is_right && !load.round.has_trouble() {
        turn.outcome.found.add(Found {
            lost: 0,
            troubles: Vec::new(),
            ..found
        });
        return Ok(());
    }
    turn.outcome.found.add(load.round.finish()?);
    Ok(())
}

/// The cursors, the lock or the head of a segment of a dead process's journal is removed, emptied, cut or overwritten:
/// the next start delivers everything; only what the cursors knew may come a second time.
pub(super) fn parts(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = orphaned(turn, RECORDS)?;
    let files = files(&round.dir().join(JOURNAL))?;
    let index = round.random.below(files.len() as u64) as usize;
    let Some(path) = files.get(index) else {
        return Err(io::Error::other("the dead process left no journal"));
    };
    let done = damage(&mut round.random, path)?;
    round.recover_what_is_left()?;
    let found = round.look()?;
    if found.lost + found.torn + found.disordered + found.invented == 0 && !round.has_trouble() {
        turn.outcome.found.add(Found { doubled: 0, ..found });
        return Ok(());
    }
    round.trouble(format!("{} was {done}", path.display()));
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Does to a file what it should bear. A segment keeps its frames.
fn damage(random: &mut Random, path: &Path) -> io::Result<&'static str> {
    let noise: Vec<u8> = (0..HEAD_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let overwrite = |bytes: &[u8]| OpenOptions::new().write(true).open(path)?.write_all(bytes);
    if is_segment(path) {
        let zeros = random.below(2) == 0;
        overwrite(if zeros { &[0; HEAD_BYTES] } else { &noise })?;
        return Ok("given another head");
    }
    let len = fs::metadata(path)?.len();
    match random.below(4) {
        0 => fs::remove_file(path).map(|()| "removed"),
        1 => OpenOptions::new()
            .write(true)
            .open(path)?
            .set_len(0)
            .map(|()| "emptied"),
        2 => {
            let cut = random.below(len.max(1));
            OpenOptions::new().write(true).open(path)?.set_len(cut).map(|()| "cut")
        }
        _ => overwrite(&noise).map(|()| "overwritten"),
    }
}
