//! What is in the files against what the tape says.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;
use std::{fs, io};

use serde_json::Value;

use crate::payload::Id;
use crate::spec::{DIRECT, EMERGENCY, JSON, REFUSED, Spec, TAPE};
use crate::tape::{Noted, Tape};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Records accepted, by the tape.
    pub accepted: u64,
    /// Records in the files: a record that is in two counts twice.
    pub recovered: u64,
    /// Accepted records that a file lacks, and records that only one of two files has.
    pub lost: u64,
    /// Copies of records after the first.
    pub doubled: u64,
    /// Such copies where they are allowed: after a power cut, and where cursors are lost.
    pub repeated: u64,
    /// Lines that are no whole record, and bytes after the last line.
    pub torn: u64,
    /// Records that come after a later one of the same thread.
    pub disordered: u64,
    /// Records that nobody meant to log.
    pub invented: u64,
    /// Other things that must not be, such as a panic.
    pub troubles: Vec<String>,
}

impl Found {
    /// Says whether everything is as promised.
    pub fn is_right(&self) -> bool {
        self.lost + self.doubled + self.torn + self.disordered + self.invented == 0 && self.troubles.is_empty()
    }

    /// Returns what became of files that a power cut had left as `before` says: torn lines that the cut made are its
    /// own, and so are records that come twice, or in another order, because the cursors were cut as well.
    pub fn but_for(self, before: &Found) -> Found {
        let torn = self.torn.saturating_sub(before.torn);
        let is_cuts_own =
            |trouble: &String| torn == 0 && (trouble.contains(": no record: ") || trouble.contains("does not end"));
        Found {
            repeated: self.repeated + self.doubled,
            doubled: 0,
            disordered: 0,
            torn,
            troubles: self
                .troubles
                .into_iter()
                .filter(|trouble| !is_cuts_own(trouble))
                .collect(),
            ..self
        }
    }

    /// Adds what another round found.
    pub fn add(&mut self, other: Found) {
        self.accepted += other.accepted;
        self.recovered += other.recovered;
        self.lost += other.lost;
        self.doubled += other.doubled;
        self.repeated += other.repeated;
        self.torn += other.torn;
        self.disordered += other.disordered;
        self.invented += other.invented;
        self.troubles.extend(other.troubles);
    }
}

/// The lives of a thread, and how often each of its records stands in a file.
type Copies = HashMap<(u64, u64), Vec<u32>>;

/// Which of the accepted records must be in the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// All of them, and as many in each file: only a process died.
    Journaled,
    /// The synced ones, which are the errors: the power went.
    Synced,
}

/// Checks the files of a round in which processes died, and nothing else.
///
/// # Errors
/// When a file cannot be read.
pub fn check(spec: &Spec) -> io::Result<Found> {
    check_for(spec, Promise::Journaled)
}

/// Checks the files of a round.
///
/// # Errors
/// When a file cannot be read.
pub fn check_for(spec: &Spec, promise: Promise) -> io::Result<Found> {
    let noted = Tape::open(&spec.dir.join(TAPE))?.read();
    let mut found = Found {
        accepted: noted.iter().map(|noted| noted.accepted).sum(),
        ..Found::default()
    };
    let listed = read_refused(&spec.dir)?;
    let refused = listed.clone().unwrap_or_default();
    let must = |id: Id| match promise {
        _ if refused.contains_key(&id) => false,
        Promise::Journaled => true,
        Promise::Synced => spec.errors > 0 && id.number.is_multiple_of(spec.errors),
    };
    let mut ends = Vec::new();
    for name in spec.file_names() {
        let copies = read_copies(spec, name, &mut found)?;
        weigh(name, &noted, &copies, &must, &mut found);
        let count = |noted: &Noted| count_journaled(noted, &copies, listed.as_ref());
        ends.push(noted.iter().map(count).collect::<Vec<_>>());
        if promise == Promise::Journaled {
            look_for_strays(name, &refused, DIRECT, &copies, &mut found);
        }
    }
    if promise == Promise::Synced {
        return Ok(found);
    }
    let mut emergency = Copies::new();
    if spec.dir.join(EMERGENCY).exists() {
        read_file(spec, JSON, &spec.dir.join(EMERGENCY), &mut emergency, &mut found)?;
    }
    look_for_strays(EMERGENCY, &refused, EMERGENCY, &emergency, &mut found);
    // A record of which one file could be written and the other not is in the emergency file as well.
    if emergency.is_empty()
        && let [first, second] = ends.as_slice()
    {
        let uneven = first.iter().zip(second).filter(|(one, other)| one != other).count() as u64;
        if uneven > 0 {
            found.lost += uneven;
            found
                .troubles
                .push(format!("the files end differently for {uneven} threads"));
        }
    }
    Ok(found)
}

/// Counts what a receipt said was in a file though it could not be accepted, and is not there.
fn look_for_strays(name: &str, refused: &Refused, step: &str, copies: &Copies, found: &mut Found) {
    let is_there = |id: &Id| {
        let times = copies.get(&(id.life, id.thread));
        times.is_some_and(|times| times.get(id.number as usize).is_some_and(|times| *times > 0))
    };
    let missing = refused.iter().filter(|(id, said)| *said == step && !is_there(id));
    let missing: Vec<Id> = missing.map(|(id, _)| *id).collect();
    if let Some(first) = missing.first() {
        found.lost += missing.len() as u64;
        let what = format!(
            "{name} lacks {} records that were said to be there: {first:?}",
            missing.len()
        );
        found.troubles.push(what);
    }
}

/// Counts the records of a thread that came into a file by way of the journal, and so into every file.
///
/// One that the journal refused goes to each file by itself, as far as it gets: to one and not to another, where that
/// cannot be written or the process ends in between. Where refusals are listed, so may the one be that was under way
/// when its process ended.
fn count_journaled(noted: &Noted, copies: &Copies, listed: Option<&Refused>) -> usize {
    let Noted { life, thread, .. } = *noted;
    let may_be_refused = |number| {
        let is_under_way = number == noted.intended && number > noted.accepted;
        listed.is_some_and(|listed| is_under_way || listed.contains_key(&Id { life, thread, number }))
    };
    let times = copies.get(&(life, thread)).map_or(&[][..], Vec::as_slice);
    let there = (0..).zip(times).filter(|(_, times)| **times > 0);
    there.filter(|(number, _)| !may_be_refused(*number)).count()
}

/// Counts what is missing and what is too much in one file.
fn weigh(name: &str, noted: &[Noted], copies: &Copies, must: &dyn Fn(Id) -> bool, found: &mut Found) {
    let known: u64 = noted
        .iter()
        .map(|noted| copies.contains_key(&(noted.life, noted.thread)) as u64)
        .sum();
    found.invented += copies.len() as u64 - known;
    for noted in noted {
        let none = Vec::new();
        let times = copies.get(&(noted.life, noted.thread)).unwrap_or(&none);
        // Number 0 is never logged.
        let of = |number: u64| times.get(number as usize).copied().unwrap_or(0);
        let id = |number| Id {
            life: noted.life,
            thread: noted.thread,
            number,
        };
        let numbers = 1..=noted.accepted;
        let missing: Vec<u64> = numbers.filter(|number| of(*number) == 0 && must(id(*number))).collect();
        if let (Some(first), Some(last)) = (missing.first(), missing.last()) {
            let Noted {
                life,
                thread,
                intended,
                accepted,
            } = noted;
            let what = format!(
                "{name}: life {life} thread {thread} lacks {} of {accepted} (meant {intended}), from {first} to {last}",
                missing.len()
            );
            found.troubles.push(what);
        }
        found.lost += missing.len() as u64;
        for (number, times) in times.iter().enumerate() {
            found.recovered += u64::from(*times);
            found.doubled += u64::from(times.saturating_sub(1));
            if *times > 0 && number as u64 > noted.intended {
                found.invented += 1;
            }
        }
    }
}

/// The records whose calls returned an error, and where that said they are; else they may be in the files, and need
/// not.
type Refused = HashMap<Id, String>;

/// Returns them, if they are listed.
fn read_refused(dir: &Path) -> io::Result<Option<Refused>> {
    let text = match fs::read_to_string(dir.join(REFUSED)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let read = |line: &str| {
        let mut numbers = line.split(' ').map_while(|word| word.parse().ok());
        let (life, thread, number) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let step = line.split(' ').nth(3).unwrap_or_default();
        Some((Id { life, thread, number }, step.to_owned()))
    };
    Ok(Some(text.lines().filter_map(read).collect()))
}

fn read_copies(spec: &Spec, name: &str, found: &mut Found) -> io::Result<Copies> {
    let mut copies = Copies::new();
    let (doubtful, whole): (Vec<_>, Vec<_>) = generations(&spec.dir, name)?
        .into_iter()
        .partition(|path| is_poisoned(path));
    for path in whole {
        read_file(spec, name, &path, &mut copies, found)?;
    }
    // A file that was put aside may end anyhow, and what it has may stand in its successor as well; what it has alone,
    // it has.
    for path in doubtful {
        let (mut there, mut ignored) = (Copies::new(), Found::default());
        read_file(spec, name, &path, &mut there, &mut ignored)?;
        for (id, numbers) in there {
            let times = copies.entry(id).or_default();
            times.resize(times.len().max(numbers.len()), 0);
            for (times, there) in times.iter_mut().zip(numbers) {
                *times = (*times).max(u32::from(there > 0));
            }
        }
    }
    Ok(copies)
}

/// Says whether one of the files was put aside after an error: in its own directory, to which there may be a link.
///
/// # Errors
/// When a directory cannot be read.
pub fn has_poisoned(spec: &Spec) -> io::Result<bool> {
    for name in spec.file_names() {
        let path = fs::canonicalize(spec.dir.join(name)).unwrap_or_else(|_| spec.dir.join(name));
        for entry in fs::read_dir(path.parent().unwrap_or(&spec.dir))? {
            if is_poisoned(&entry?.path()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn is_poisoned(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.contains(".poisoned"))
}

fn read_file(spec: &Spec, name: &str, path: &Path, copies: &mut Copies, found: &mut Found) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    if lines.pop().is_some_and(|rest| !rest.is_empty()) {
        found.torn += 1;
        found
            .troubles
            .push(format!("{}: does not end with a whole line", path.display()));
    }
    for (index, line) in lines.into_iter().enumerate() {
        let id = std::str::from_utf8(line)
            .ok()
            .and_then(|line| message(name, line))
            .and_then(|text| Id::prove(&text, spec.seed));
        let Some(Id { life, thread, number }) = id else {
            found.torn += 1;
            let start = String::from_utf8_lossy(line.get(..line.len().min(80)).unwrap_or_default()).into_owned();
            found
                .troubles
                .push(format!("{}:{}: no record: {start:?}", path.display(), index + 1));
            continue;
        };
        let times = copies.entry((life, thread)).or_default();
        let place = number as usize;
        if times.len() <= place {
            times.resize(place + 1, 0);
        } else if times.get(place) == Some(&0) {
            found.disordered += 1;
        }
        if let Some(times) = times.get_mut(place) {
            *times += 1;
        }
    }
    Ok(())
}

/// Takes the message out of a line; none if the line is not what the format writes.
fn message(name: &str, line: &str) -> Option<String> {
    if name == JSON {
        let object: Value = serde_json::from_str(line).ok()?;
        return Some(object.get("message")?.as_str()?.to_owned());
    }
    let mut parts = line.splitn(4, " - ");
    let (time, layer, level, message) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_head = time.len() == 19 && layer == crate::victim::LAYER && matches!(level, "INFO" | "ERROR");
    is_head.then(|| message.to_owned())
}

/// Returns a file and what it was rotated to or put aside as, the oldest first.
fn generations(dir: &Path, name: &str) -> io::Result<Vec<PathBuf>> {
    // A file that is a link is rotated where it leads.
    let path = fs::canonicalize(dir.join(name)).unwrap_or_else(|_| dir.join(name));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or(name);
    let mut rotated: Vec<(i64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(path.parent().unwrap_or(dir))? {
        let path = entry?.path();
        let file = path.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let Some(rest) = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else {
            continue;
        };
        let age = match rest.parse() {
            _ if is_poisoned(&path) => Some(i64::MAX),
            Ok(number) => Some(number),
            // Rotated by time: the clock that names them may have jumped, that of the file system has not.
            Err(_) if rest.starts_with(|first: char| first.is_ascii_digit()) => {
                let written = fs::metadata(&path)?.modified()?.duration_since(UNIX_EPOCH);
                written.ok().map(|since| i64::MAX / 2 - since.as_micros() as i64)
            }
            Err(_) => None,
        };
        rotated.extend(age.map(|age| (age, path)));
    }
    rotated.sort_by_key(|(age, _)| Reverse(*age));
    let mut all: Vec<PathBuf> = rotated.into_iter().map(|(_, path)| path).collect();
    all.extend(Some(path).filter(|path| path.exists()));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{Files, PLAIN};

    const SEED: u64 = 5;

    /// What the oracle finds in a file of these lines, when record 1 to 4 were accepted and 5 was meant.
    fn found(lines: &[String]) -> Found {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec {
            files: Files::Plain,
            ..Spec::new(dir.path(), SEED)
        };
        Tape::create(&dir.path().join(TAPE)).unwrap();
        let tape = Tape::open(&dir.path().join(TAPE)).unwrap();
        tape.intend(0, 0, 5);
        tape.accept(0, 0, 4);
        fs::write(dir.path().join(PLAIN), lines.concat()).unwrap();
        check(&spec).unwrap()
    }

    fn line(number: u64) -> String {
        format!("2026-01-31 12:00:00 - KILL - INFO - {}\n", text(number))
    }

    fn text(number: u64) -> String {
        Id {
            life: 0,
            thread: 0,
            number,
        }
        .text(SEED)
    }

    /// A record that only one of two files has is lost, unless the journal may have refused it: then it went to each
    /// file by itself.
    #[test]
    fn files_may_differ_for_what_was_refused() {
        let dir = tempfile::tempdir().unwrap();
        let spec = Spec::new(dir.path(), SEED);
        Tape::create(&dir.path().join(TAPE)).unwrap();
        let tape = Tape::open(&dir.path().join(TAPE)).unwrap();
        tape.intend(0, 0, 3);
        tape.accept(0, 0, 1);
        let json = |number| format!("{}\n", serde_json::json!({ "message": text(number) }));
        fs::write(dir.path().join(JSON), json(1)).unwrap();
        // The third was under way when the process ended, the second had been refused.
        for (lines, refused, lost) in [
            (vec![line(1), line(3)], None, 1),
            (vec![line(1), line(3)], Some(""), 0),
            (vec![line(1), line(2)], Some(""), 1),
            (vec![line(1), line(2), line(3)], Some("0 0 2 -\n"), 0),
            (vec![line(2)], Some("0 0 2 -\n"), 1),
        ] {
            fs::write(dir.path().join(PLAIN), lines.concat()).unwrap();
            let list = dir.path().join(REFUSED);
            match refused {
                Some(refused) => fs::write(list, refused).unwrap(),
                None => assert!(!list.exists()),
            }
            let found = check(&spec).unwrap();
            assert_eq!(
                (found.lost > 0, found.invented),
                (lost > 0, 0),
                "{lines:?}, {refused:?}: {found:?}"
            );
        }
    }

    /// What was accepted, and what was only meant, may be there: that is right, and nothing else is.
    #[test]
    fn faults_are_found() {
        let right: Vec<String> = (1..=4).map(line).collect();
        assert!(found(&right).is_right());
        assert!(found(&(1..=5).map(line).collect::<Vec<_>>()).is_right());

        assert_eq!(found(&right[..3]).lost, 1);
        assert_eq!(found(&[&right[..], &right[3..]].concat()).doubled, 1);
        assert_eq!(found(&[line(1), line(3), line(2), line(4)]).disordered, 1);
        assert_eq!(found(&(1..=6).map(line).collect::<Vec<_>>()).invented, 1);
        let torn = [&right[..], &[line(5)[..50].to_owned()]].concat();
        assert_eq!(found(&torn).torn, 1);
        let mixed = line(2).replace(" 0 0 2 ", " 0 0 3 ");
        assert_eq!(
            (found(&[line(1), mixed.clone(), line(4)]).torn, found(&[mixed]).lost),
            (1, 4)
        );
    }
}
