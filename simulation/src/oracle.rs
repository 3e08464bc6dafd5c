//! What is in the simulated files against what the tape says.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use hydra_logger::config::Fsync;
use hydra_logger::{Format, Guarantee, Level};
use hydra_os::disk::{self, File, Mode};
use serde_json::Value;

use crate::payload::Id;
use crate::scene::{DIR, Family, JOURNAL, LAYER, LEVELS, Scene, Target};
use crate::tape::{Call, Tape, Whose};

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Records accepted.
    pub accepted: u64,
    /// Records in the files: one that is in two counts twice.
    pub recovered: u64,
    /// Copies after the first.
    pub doubled: u64,
    /// Lines that are no whole record.
    pub torn: u64,
    /// What must not be.
    pub troubles: Vec<String>,
}

/// How often each record of a thread stands in a file; the first is number 1.
type Copies = HashMap<Whose, Vec<u32>>;

/// Checks everything; the last life is the one that had to bring everything home.
pub fn check(scene: &Scene, tape: &Tape, last: u64) -> Found {
    let calls = tape.calls();
    let promises: Vec<_> = LEVELS.iter().map(|level| (*level, scene.guarantee(*level))).collect();
    let accepted = |calls: &Vec<Call>| calls.iter().filter(|call| call.accepted).count() as u64;
    let mut found = Found {
        accepted: calls.values().map(accepted).sum(),
        ..Found::default()
    };
    for target in &scene.targets {
        match read(scene, target, &mut found) {
            Ok(copies) => weigh(scene, target, &promises, &calls, &copies, &mut found),
            Err(error) => found.troubles.push(format!("{}: cannot be read: {error}", target.name)),
        }
    }
    match tape.reports().iter().find(|(life, _)| *life == last) {
        Some((_, report)) if report.left_in_journal == 0 => {}
        Some((_, report)) => found.troubles.push(format!("the last life left something: {report:?}")),
        None => found
            .troubles
            .push(format!("the last life has no report; told: {:?}", tape.told().last())),
    }
    let told = tape.told();
    for name in disk::list(JOURNAL).unwrap_or_default() {
        let name = name.to_string_lossy();
        // Segments that nobody had synced may be unreadable after a power cut; they are kept, and health says so.
        let is_excused = scene.family.loses_power() && told.iter().any(|told| told.contains(&*name));
        if name != "lock" && !is_excused {
            found.troubles.push(format!("the last life left {name}"));
        }
    }
    found
}

fn weigh(
    scene: &Scene,
    target: &Target,
    promises: &[(Level, Guarantee)],
    calls: &BTreeMap<Whose, Vec<Call>>,
    copies: &Copies,
    found: &mut Found,
) {
    let name = &target.name;
    for (whose, times) in copies {
        let meant = calls.get(whose).map_or(0, Vec::len);
        let beyond = times.iter().skip(meant).filter(|times| **times > 0).count();
        if beyond > 0 {
            found
                .troubles
                .push(format!("{name}: {whose:?} has {beyond} records that nobody logged"));
        }
    }
    for (whose, calls) in calls {
        let none = Vec::new();
        let times = copies.get(whose).unwrap_or(&none);
        let (mut lost, mut doubled) = (Vec::new(), Vec::new());
        for (index, call) in calls.iter().enumerate() {
            let (number, times) = (index + 1, times.get(index).copied().unwrap_or(0));
            found.recovered += u64::from(times);
            if times == 0 && call.level >= target.level && must_be_there(scene, promises, call) {
                lost.push(number);
            }
            if times > 0 && call.level < target.level {
                found
                    .troubles
                    .push(format!("{name}: {whose:?} {number} is of level {:?}", call.level));
            }
            if times > 1 {
                found.doubled += u64::from(times) - 1;
                doubled.push(number);
            }
        }
        if !lost.is_empty() {
            found
                .troubles
                .push(format!("{name}: {whose:?} lacks {lost:?} of {}", calls.len()));
        }
        if !doubled.is_empty() && scene.family == Family::Kill {
            found
                .troubles
                .push(format!("{name}: {whose:?} has more than once {doubled:?}"));
        }
    }
}

/// Whether a call's record has to be in every file that takes its level.
fn must_be_there(scene: &Scene, promises: &[(Level, Guarantee)], call: &Call) -> bool {
    let promised = promises
        .iter()
        .find(|(level, _)| *level == call.level)
        .map(|(_, guarantee)| *guarantee);
    let on_device = |target: &Target| target.fsync == Fsync::Every || target.level > call.level;
    let survives = match promised {
        _ if !scene.family.loses_power() => true,
        Some(Guarantee::Synced) => true,
        Some(Guarantee::Delivered) => scene.targets.iter().all(on_device),
        _ => false,
    };
    call.accepted && survives
}

/// Counts the records in a file and in what it was rotated to.
fn read(scene: &Scene, target: &Target, found: &mut Found) -> io::Result<Copies> {
    let mut copies = Copies::new();
    let mut newest: HashMap<Whose, u64> = HashMap::new();
    for path in generations(&target.name)? {
        let file = File::open(&path, Mode::Read)?;
        let mut bytes = vec![0; file.len()? as usize];
        file.read_at(&mut bytes, 0)?;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|rest| rest.is_empty()) {
            lines.pop();
        }
        for (index, line) in lines.into_iter().enumerate() {
            let text = std::str::from_utf8(line).ok();
            let proved = text
                .and_then(|line| message(target.format, line))
                .and_then(|text| Id::prove(&text, scene.seed));
            let Some(Id { life, thread, number }) = proved else {
                found.torn += 1;
                let start = String::from_utf8_lossy(line.get(..line.len().min(60)).unwrap_or_default()).into_owned();
                // A file that was put aside holds whatever the disk made of a write that failed.
                let is_aside = path.to_string_lossy().contains(".poisoned");
                if !scene.family.loses_power() && !is_aside {
                    found
                        .troubles
                        .push(format!("{}:{}: no record: {start:?}", path.display(), index + 1));
                }
                continue;
            };
            let times = copies.entry((life, thread)).or_default();
            let place = number.max(1) as usize - 1;
            if times.len() <= place {
                times.resize(place + 1, 0);
            }
            let newest = newest.entry((life, thread)).or_default();
            // After a power cut what is written again may stand behind what came later.
            let is_ordered = !scene.family.loses_power();
            if is_ordered && times.get(place) == Some(&0) && number < *newest {
                let what = format!("{}: {life} {thread} {number} comes after {newest}", path.display());
                found.troubles.push(what);
            }
            *newest = number.max(*newest);
            if let Some(times) = times.get_mut(place) {
                *times += 1;
            }
        }
    }
    Ok(copies)
}

/// Takes the message out of a line; none if the line is not what the format writes.
fn message(format: Format, line: &str) -> Option<String> {
    if format == Format::Json {
        let object: Value = serde_json::from_str(line).ok()?;
        return Some(object.get("message")?.as_str()?.to_owned());
    }
    let mut parts = line.splitn(4, " - ");
    let (time, layer, _level, message) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    (time.len() == 19 && layer == LAYER).then(|| message.to_owned())
}

/// Returns a file and what it was rotated to or put aside as, the oldest first.
fn generations(name: &str) -> io::Result<Vec<PathBuf>> {
    let mut all: Vec<(i64, u64, PathBuf)> = Vec::new();
    for file in disk::list(DIR)? {
        let file = file.to_string_lossy().into_owned();
        let Some(tail) = file.strip_prefix(name) else { continue };
        let path = Path::new(DIR).join(&file);
        let info = disk::info_of(&path)?.ok_or(io::ErrorKind::NotFound)?;
        let number = tail.strip_prefix('.').and_then(|tail| tail.parse().ok()).unwrap_or(0);
        // A file that was put aside is as old as it is; the numbered ones are in the order of their numbers.
        all.push((info.id.ino as i64, number, path));
    }
    all.sort();
    Ok(all.into_iter().map(|(_, _, path)| path).collect())
}
