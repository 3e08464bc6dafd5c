//! How far the input is accepted, kept in a file; and what the run before had logged without having counted it.
//!
//! FILE holds how many lines of this run's input are settled: see [`Number`] for what readers see. A run that is killed
//! may have logged lines that FILE does not count yet: one where a line is settled as soon as it is logged, up to
//! [`UNCOUNTED_MAX`] where lines wait for a sync or a delivery. The caller starts again on the rest of the input, so
//! those lines come first now; they stand in the dead run's journal, and to log them again would double them. Therefore
//! a new run works out from the dead one's [`State`] which they are and compares them with its first lines, in order;
//! what is equal is counted and not logged, and the comparison ends at the first difference.
//!
//! This holds as long as the same FILE is named again and the dead run's journal is taken over by nobody but `hydra`,
//! which looks for such runs first ([`settle_dead`]). A run begins in two steps, each of them atomic: the new state
//! takes the old one's place, then the new number. Killed between the two, the state is the one that counts, for it
//! knows that the number's file is not its own.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hydra_journal::{Position, records_from};
use hydra_os::disk;
use xxhash_rust::xxh3::xxh3_128;

use super::number::{self, Number};
use super::state::{Hash, State, UNCOUNTED_MAX};
use crate::outcome::Failure;

/// A file in a run's journal that names its state.
const LINK: &str = "progress";

/// The count of a run, and what it has to compare.
#[derive(Debug)]
pub(crate) struct Progress {
    number: Number,
    state: State,
    /// The lines that the run before had logged and not counted.
    repeats: Vec<Hash>,
    is_comparing: bool,
    /// Lines dealt with.
    done: u64,
    counted: u64,
    /// Behind the last record logged.
    position: u64,
}

impl Progress {
    /// Finishes what the run before has left, and sets the number to 0.
    pub(crate) fn begin(path: &Path) -> Result<Progress, Failure> {
        let refuse = |error: io::Error| {
            let cause = match error.kind() {
                io::ErrorKind::ResourceBusy => "another `hydra pipe` that is running keeps its count there".to_owned(),
                _ => error.to_string(),
            };
            Failure::undone(format_args!(
                "cannot keep the progress in `{}`: {cause}",
                path.display()
            ))
        };
        Progress::start(path).map_err(refuse)
    }

    fn start(path: &Path) -> io::Result<Progress> {
        let path = std::path::absolute(path)?;
        if let Some(dir) = path.parent() {
            disk::create_dir_all(dir)?;
        }
        let place = beside(&path)?;
        let before = State::open(&place)?;
        let repeats = before.as_ref().map(|state| uncounted(state, &path)).unwrap_or_default();
        let mut number = Number::create(path.with_added_extension("next"))?;
        let mut state = State::create(place.with_added_extension("next"), number.id(), &repeats)?;
        state.rename(&place)?;
        number.rename(&path)?;
        let is_comparing = !repeats.is_empty();
        if !is_comparing {
            state.end_comparing();
        }
        Ok(Progress {
            number,
            state,
            repeats,
            is_comparing,
            done: 0,
            counted: 0,
            position: 0,
        })
    }

    /// Keeps where this run's journal is, and in the journal where this state is: for [`settle_dead`].
    pub(crate) fn set_journal(&self, dir: &Path) {
        let Ok(dir) = std::path::absolute(dir) else { return };
        self.state.set_journal(&dir);
        // Without it everything is as it should be, as long as nobody else takes the journal over.
        let _ = std::fs::write(dir.join(LINK), self.state.path().as_os_str().as_bytes());
    }

    /// Says whether the first lines may have been logged by the run before.
    pub(crate) fn has_repeats(&self) -> bool {
        self.is_comparing
    }

    /// Says whether there is room for one more line that is logged and not counted.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.done - self.counted >= UNCOUNTED_MAX
    }

    /// Takes in the next line before it is logged. True if the run before has logged it: then it is dealt with.
    #[inline]
    pub(crate) fn begin_line(&mut self, line: &[u8]) -> bool {
        let hash = xxh3_128(line);
        let is_repeat = self.is_comparing && self.compare(hash);
        self.state.begin_line(self.done + 1, hash);
        if is_repeat {
            self.end_line(None);
        }
        is_repeat
    }

    #[cold]
    fn compare(&mut self, hash: Hash) -> bool {
        if self.repeats.get(self.done as usize) == Some(&hash) {
            return true;
        }
        self.is_comparing = false;
        self.state.end_comparing();
        false
    }

    /// Takes in that the line has been dealt with; `position` is the one behind its record, if there is one.
    #[inline]
    pub(crate) fn end_line(&mut self, position: Option<u64>) {
        self.position = position.unwrap_or(self.position);
        self.done += 1;
        self.state.end_line(self.done, self.position);
    }

    /// Counts the lines up to number `count`.
    #[inline]
    pub(crate) fn count(&mut self, count: u64) -> io::Result<()> {
        let before = self.number.id();
        self.number.set(count)?;
        self.counted = count;
        self.state.set_counted(count);
        if self.number.id() != before {
            self.state.set_file(self.number.id());
        }
        Ok(())
    }

    /// Removes what the next run would need, if nothing is left to finish. The number stays.
    pub(crate) fn finish(self) -> io::Result<()> {
        let is_finished = self.done == self.counted && (!self.is_comparing || self.done as usize >= self.repeats.len());
        if is_finished { self.state.remove() } else { Ok(()) }
    }
}

/// Looks through the journals in `root` before they are taken over, and keeps for each dead run what only its journal
/// knows.
pub(crate) fn settle_dead(root: &Path) {
    let Ok(root) = std::path::absolute(root) else { return };
    let names = disk::list(&root).unwrap_or_default();
    for journal in names.into_iter().map(|name| root.join(name)) {
        let Ok(link) = std::fs::read(journal.join(LINK)) else {
            continue;
        };
        // A run that lives holds its state locked; one whose state is about another journal has been followed by the
        // next.
        if let Ok(Some(state)) = State::open(Path::new(OsStr::from_bytes(&link)))
            && state.journal().is_some_and(|own| own == journal)
            && has_one_more(&state, &journal)
        {
            state.end_line(state.done() + 1, Position::END.to_u64());
        }
    }
}

/// Says whether the run has logged a line that its state does not tell of yet.
fn has_one_more(state: &State, journal: &Path) -> bool {
    let done = state.done();
    let last = if done == 0 { 0 } else { state.line(done).1 };
    // A journal that is gone has been delivered by somebody else: whether it had the record nobody can say any more.
    !state.is_comparing() && records_from(journal, Position::from_u64(last), 1).is_ok_and(|count| count > 0)
}

fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".hydra");
    Ok(path.with_file_name(hidden))
}

/// Works out which lines a dead run had logged and not counted.
fn uncounted(state: &State, path: &Path) -> Vec<Hash> {
    // The file is exact; the copy may be one behind, and is used when the file has been removed or written to since.
    let own = number::read(path).filter(|(id, _)| *id == state.file());
    let counted = own.map_or_else(|| state.counted(), |(_, count)| count);
    let done = state.done();
    let is_whole = done >= counted && done - counted <= UNCOUNTED_MAX;
    let journal = state.journal();
    if !is_whole || (journal.is_none() && !state.is_comparing()) {
        return Vec::new();
    }
    let mut lines: Vec<Hash> = (counted + 1..=done).map(|number| state.line(number).0).collect();
    if state.is_comparing() {
        lines.extend(state.kept().into_iter().skip(done as usize));
    } else if journal.is_some_and(|journal| has_one_more(state, &journal)) {
        lines.push(state.line(done + 1).0);
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use hydra_journal::{Journal, Options, SEGMENT_BYTES_MIN};

    const LINES: [&[u8]; 4] = [b"a", b"b", b"b", b"c"];
    const STEPS_MAX: usize = 3 * LINES.len() + 1;

    /// Runs over `LINES` from `first` on: logs each and counts it, and is killed after `steps` of the three steps of a
    /// line.
    fn run(path: &Path, root: &Path, first: usize, steps: usize, logged: &mut Vec<usize>) {
        let mut progress = Progress::begin(path).unwrap();
        let options = Options {
            dir: Some(root.to_owned()),
            segment_bytes: SEGMENT_BYTES_MIN,
            ..Options::default()
        };
        let journal = Journal::create(options).unwrap();
        let (_head, mut writer) = (journal.cursor("head").unwrap(), journal.writer());
        progress.set_journal(journal.dir().unwrap());
        let mut left = steps;
        let mut step = || {
            let is_alive = left > 0;
            left = left.saturating_sub(1);
            is_alive
        };
        for (number, at) in (1..).zip(first..LINES.len()) {
            if !progress.begin_line(LINES[at]) {
                if !step() {
                    break;
                }
                let position = writer.append(LINES[at], &[]).unwrap();
                logged.push(at);
                if !step() {
                    break;
                }
                progress.end_line(Some(position.to_u64()));
            }
            if !step() {
                break;
            }
            progress.count(number).unwrap();
        }
        // As after a death: no head has read the journal, so it stays, and the lock of the state goes.
    }

    /// Killed at every step of two runs in a row, each line is logged exactly once.
    #[test]
    fn every_line_exactly_once() {
        for (one, two) in (0..STEPS_MAX).flat_map(|one| (0..7).map(move |two| (one, two))) {
            for (lose_file, take_over) in [(false, false), (true, false), (false, true)] {
                let dir = tempfile::tempdir().unwrap();
                let (path, root) = (dir.path().join("deep/count"), dir.path().join("journal"));
                let (mut first, mut logged) = (0, Vec::new());
                for steps in [one, two, 1000] {
                    run(&path, &root, first, steps, &mut logged);
                    first += number::read(&path).unwrap().1 as usize;
                    if take_over {
                        settle_dead(&root);
                        fs::remove_dir_all(&root).unwrap();
                    }
                    if lose_file {
                        fs::remove_file(&path).unwrap();
                    }
                }
                assert_eq!(first, LINES.len(), "killed after {one} and {two} steps");
                assert_eq!(logged, [0, 1, 2, 3], "killed after {one} and {two} steps");
            }
        }
    }

    /// Two runs at a time on one file are refused, with a message that says why.
    #[test]
    fn one_run_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("count");
        let first = Progress::begin(&path).unwrap();
        let Err(Failure::Told { message, .. }) = Progress::begin(&path) else {
            panic!("not refused")
        };
        assert!(
            message.ends_with("another `hydra pipe` that is running keeps its count there"),
            "{message}"
        );
        first.finish().unwrap();
        assert!(Progress::begin(&path).is_ok());
    }
}
