//! What is in the simulated files against what the tape says.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use hydra_logger::config::{Fsync, Overflow};
use hydra_logger::{Format, Guarantee, Level};
use hydra_os::disk::{self, File, Mode};
use serde_json::Value;

use crate::account;
use crate::payload::Id;
use crate::scene::{DIR, Family, INSTEAD, JOURNAL, LAYER, LEVELS, Scene, Target};
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
        let told = match read(scene, target, &mut found) {
            Ok(Contents { copies, told }) => {
                weigh(scene, target, &promises, &calls, &copies, &mut found);
                told
            }
            Err(error) => {
                found.troubles.push(format!("{}: cannot be read: {error}", target.name));
                continue;
            }
        };
        found.troubles.extend(account::check(scene, target, tape, told));
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
        // What was refused is in the one; in the other is what may be damaged, or what a dead producer had not filled.
        let is_kept = matches!(&*name, "emergency.jsonl" | "damaged");
        if name != "lock" && !is_kept && !is_excused {
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
            if times == 0 && call.level >= target.level && must_be_there(scene, target, promises, call) {
                lost.push(number);
            }
            if times > 0 && call.level < target.level && !is_moving(scene, target) {
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

/// Whether what a target takes may change while records are logged: nobody knows which of two configurations a record
/// met.
fn is_moving(scene: &Scene, target: &Target) -> bool {
    scene.reloads > 0 && target.comes_and_goes
}

/// Whether a call's record has to be in a file that takes its level.
fn must_be_there(scene: &Scene, target: &Target, promises: &[(Level, Guarantee)], call: &Call) -> bool {
    let promised = promises
        .iter()
        .find(|(level, _)| *level == call.level)
        .map(|(_, guarantee)| *guarantee);
    let on_device = |target: &Target| {
        let is_synced = target.fsync == Fsync::Every || target.level > call.level;
        // One that is away does not take it, and another level may.
        is_synced && !is_moving(scene, target)
    };
    let survives = match promised {
        _ if is_moving(scene, target) => false,
        // What it gives up is counted; see `account`.
        Some(Guarantee::Queued | Guarantee::Journaled) if target.overflow != Overflow::Block => false,
        _ if !scene.family.loses_power() => true,
        Some(Guarantee::Synced) => true,
        Some(Guarantee::Delivered) => scene.targets.iter().all(on_device),
        _ => false,
    };
    call.accepted && survives
}

/// What a target's files hold.
#[derive(Debug, Default)]
struct Contents {
    copies: Copies,
    /// How many drops they tell of.
    told: u64,
}

/// Reads a file, what it was rotated to, and the one that served instead.
fn read(scene: &Scene, target: &Target, found: &mut Found) -> io::Result<Contents> {
    let mut contents = Contents::default();
    read_all(scene, &target.name, target.format, &mut contents, found)?;
    if let Some(format) = target.fallback {
        read_all(scene, &target.fallback_name(), format, &mut contents, found)?;
    }
    Ok(contents)
}

fn read_all(scene: &Scene, name: &str, format: Format, contents: &mut Contents, found: &mut Found) -> io::Result<()> {
    // After a power cut what is written again may stand behind what came later.
    let is_ordered = !scene.family.loses_power();
    let (mut newest, mut seen) = (HashMap::<Whose, u64>::new(), HashSet::new());
    for path in generations(name)? {
        let file = File::open(&path, Mode::Read)?;
        let mut bytes = vec![0; file.len()? as usize];
        file.read_at(&mut bytes, 0)?;
        let mut lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|rest| rest.is_empty()) {
            lines.pop();
        }
        for (index, line) in lines.into_iter().enumerate() {
            let text = std::str::from_utf8(line).ok().and_then(|line| message(format, line));
            if let Some(drops) = text.as_deref().and_then(account::drops_told) {
                contents.told += drops;
                continue;
            }
            let Some(id) = text.and_then(|text| Id::prove(&text, scene.seed)) else {
                found.torn += 1;
                let start = String::from_utf8_lossy(line.get(..line.len().min(60)).unwrap_or_default()).into_owned();
                // A file that was put aside holds whatever the disk made of a write that failed; and nobody's cursor
                // knows how far the one that serves instead had got.
                let is_instead = name.ends_with(INSTEAD) && scene.family.has_faults();
                let is_aside = path.to_string_lossy().contains(".poisoned") || is_instead;
                if !scene.family.loses_power() && !is_aside {
                    found
                        .troubles
                        .push(format!("{}:{}: no record: {start:?}", path.display(), index + 1));
                }
                continue;
            };
            let Id { life, thread, number } = id;
            let times = contents.copies.entry((life, thread)).or_default();
            let place = number.max(1) as usize - 1;
            times.resize(times.len().max(place + 1), 0);
            let newest = newest.entry((life, thread)).or_default();
            if seen.insert((life, thread, number)) && is_ordered && number < *newest {
                let what = format!("{}: {life} {thread} {number} comes after {newest}", path.display());
                found.troubles.push(what);
            }
            *newest = number.max(*newest);
            if let Some(times) = times.get_mut(place) {
                *times += 1;
            }
        }
    }
    Ok(())
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
        let tail = file
            .strip_prefix(name)
            .filter(|tail| tail.is_empty() || tail.starts_with('.'));
        let Some(tail) = tail else { continue };
        let path = Path::new(DIR).join(&file);
        let info = disk::info_of(&path)?.ok_or(io::ErrorKind::NotFound)?;
        let number = tail.strip_prefix('.').and_then(|tail| tail.parse().ok()).unwrap_or(0);
        // A file that was put aside is as old as it is; the numbered ones are in the order of their numbers.
        all.push((info.id.ino as i64, number, path));
    }
    all.sort();
    Ok(all.into_iter().map(|(_, _, path)| path).collect())
}
