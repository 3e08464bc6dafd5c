//! Which parts of which files a traced process has had written to the device, and when: `strace`'s words, read.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{fs, io};

use crate::tools;

/// The calls that are traced: those that write to the device, and those that say what memory is which file.
const CALLS: &str = "trace=mmap,msync,fdatasync,fsync,syncfs,sync_file_range";
/// What the device takes at once.
const PAGE: u64 = 4096;

/// Returns the command that runs and traces a program, and makes some of its calls fail; the program and its arguments
/// follow.
pub fn command(to: &Path, inject: Option<&str>) -> std::process::Command {
    let mut command = tools::command("strace");
    command.args(inject.map(|what| ["-e", what]).into_iter().flatten());
    command
        .args(["-f", "-y", "-qq", "-ttt", "--seccomp-bpf", "-e", CALLS, "-o"])
        .arg(to);
    command
}

/// Returns the moment as traces count it, in microseconds.
pub fn now_us() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_micros() as u64)
}

/// What is on the device for certain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synced {
    parts: HashMap<PathBuf, Vec<Range<u64>>>,
    /// What failed to get there: the system takes those pages for clean from then on.
    failed: HashMap<PathBuf, Vec<Range<u64>>>,
}

impl Synced {
    /// Says whether all of a file's unit at `at` was written to the device.
    pub fn covers(&self, path: &Path, at: u64) -> bool {
        let parts = self.parts.get(path);
        parts.is_some_and(|parts| parts.iter().any(|part| part.contains(&at)))
    }

    /// Takes in that a part was written, but for what an earlier try has failed on: a later success does not mean it.
    fn note_success(&mut self, path: PathBuf, part: Range<u64>) {
        let mut left = vec![part];
        for failed in self.failed.get(&path).into_iter().flatten() {
            let pieces = |part: Range<u64>| {
                let (before, after) = (
                    part.start..part.end.min(failed.start),
                    part.start.max(failed.end)..part.end,
                );
                [before, after].into_iter().filter(|piece| !piece.is_empty())
            };
            left = left.into_iter().flat_map(pieces).collect();
        }
        self.parts.entry(path).or_default().extend(left);
    }

    fn note(&mut self, path: PathBuf, part: Range<u64>, result: &str) {
        match result.trim() {
            "0" => self.note_success(path, part),
            // It was killed in the middle.
            "?" => {}
            _ => self.failed.entry(path).or_default().push(part),
        }
    }

    /// Says whether a file's length, or a directory's names, were.
    pub fn covers_all(&self, path: &Path) -> bool {
        self.covers(path, u64::MAX - 1)
    }

    /// Says whether any part of it was.
    pub fn touches(&self, path: &Path) -> bool {
        self.parts.contains_key(path)
    }
}

/// Reads from a trace what was written to the device by calls that began at `from_us` or later and succeeded.
///
/// # Errors
/// When the trace cannot be read.
pub fn synced_since(trace: &Path, from_us: u64) -> io::Result<Synced> {
    Ok(parse(&fs::read_to_string(trace)?, from_us))
}

fn parse(text: &str, from_us: u64) -> Synced {
    let mut begun: HashMap<&str, (u64, String)> = HashMap::new();
    let mut maps: Vec<(Range<u64>, PathBuf)> = Vec::new();
    let mut synced = Synced::default();
    for line in text.lines() {
        // Short numbers of processes are padded.
        let words = line.split_once(' ').map(|(task, rest)| (task, rest.trim_start()));
        let Some((task, (time, rest))) = words.and_then(|(task, rest)| Some((task, rest.split_once(' ')?))) else {
            continue;
        };
        let time = micros(time);
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(task, (time, start.to_owned()));
            continue;
        }
        let resumed = rest.starts_with("<... ").then(|| rest.split_once("resumed>")).flatten();
        let (start_us, call) = match resumed {
            Some((_, end)) => match begun.remove(task) {
                Some((start_us, start)) => (start_us, start + end),
                None => continue,
            },
            None => (time, rest.to_owned()),
        };
        note(&call, start_us >= from_us, &mut maps, &mut synced);
    }
    synced
}

/// Takes in one whole call.
fn note(call: &str, counts: bool, maps: &mut Vec<(Range<u64>, PathBuf)>, synced: &mut Synced) {
    let (Some((name, rest)), Some((_, result))) = (call.split_once('('), call.rsplit_once(") = ")) else {
        return;
    };
    let args: Vec<&str> = rest.split(", ").collect();
    let arg = |index: usize| args.get(index).copied().unwrap_or_default();
    match name {
        "mmap" => {
            let (Some(at), Some(len)) = (number(result), number(arg(1))) else {
                return;
            };
            if let Some(path) = path_in(arg(4)) {
                maps.push((at..at + len, path));
            }
        }
        _ if !counts => {}
        "msync" => {
            let (Some(at), Some(len)) = (number(arg(0)), number(arg(1))) else {
                return;
            };
            // The newest map at an address is the one that is there.
            let found = maps.iter().rev().find(|(range, _)| range.contains(&at));
            if let Some((range, path)) = found {
                let start = (at - range.start) / PAGE * PAGE;
                let end = (at - range.start + len).next_multiple_of(PAGE);
                synced.note(path.clone(), start..end, result);
            }
        }
        "fsync" | "fdatasync" => {
            if let Some(path) = path_in(arg(0)) {
                synced.note(path, 0..u64::MAX, result);
            }
        }
        // Not used by the logger; if it ever is, a test must learn of it.
        _ => {}
    }
}

/// The path that `strace -y` adds to a descriptor: `7</a/b>`.
fn path_in(word: &str) -> Option<PathBuf> {
    let (_, path) = word.split_once('<')?;
    let path = path.split_once('>')?.0;
    path.starts_with('/').then(|| PathBuf::from(OsStr::new(path)))
}

fn number(word: &str) -> Option<u64> {
    let word = word.split_whitespace().next()?;
    match word.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Reads seconds with a fraction as microseconds.
fn micros(time: &str) -> u64 {
    let (seconds, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [seconds, fraction] = [seconds, fraction].map(|digits| digits.parse::<u64>().unwrap_or_default());
    seconds * 1_000_000 + fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "\
7 100.000000 mmap(NULL, 65536, PROT_READ|PROT_WRITE, MAP_SHARED, 7</j/a.seg>, 0) = 0x10000
8 100.000001 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 9</j/b.seg>, 0 <unfinished ...>
7 100.000002 msync(0x10000, 4096, MS_SYNC) = 0
8 100.000003 <... mmap resumed>) = 0x30000
7    100.000010 msync(0x12000, 100, MS_SYNC <unfinished ...>
8 100.000011 msync(0x30000, 8192, MS_SYNC) = -1 EIO (Input/output error)
7 100.000012 <... msync resumed>) = 0
8 100.000013 fsync(9</j>) = 0
7 100.000014 fdatasync(5</j/c>) = 0
7 100.000014 fdatasync(5</j/e>) = -1 EIO (Input/output error) (INJECTED)
7 100.000014 fdatasync(5</j/e>) = 0
7 100.000014 fdatasync(5</j/f>) = 0
7 100.000014 fdatasync(5</j/f>) = -1 EIO (Input/output error) (INJECTED)
7 100.000014 fdatasync(5</j/d>) = ?
7 100.000015 fdatasync(5</j/d> <unfinished ...>
";

    /// Only what a call that ended well covers is on the device, and only from the moment asked for.
    #[test]
    fn syncs_are_read() {
        let synced = parse(TRACE, 100_000_005);
        let covered = |path: &str, at| synced.covers(Path::new(path), at);
        assert!(!covered("/j/a.seg", 0), "synced before");
        assert!(covered("/j/a.seg", 0x2000) && covered("/j/a.seg", 0x2FFF) && !covered("/j/a.seg", 0x3000));
        assert!(!synced.touches(Path::new("/j/b.seg")), "failed");
        assert!(synced.covers_all(Path::new("/j")) && synced.covers_all(Path::new("/j/c")));
        assert!(!synced.touches(Path::new("/j/d")), "never ended");
        assert!(
            !synced.covers_all(Path::new("/j/e")),
            "a success after a failure proves nothing"
        );
        assert!(parse(TRACE, 0).covers(Path::new("/j/a.seg"), 0));
    }
}
