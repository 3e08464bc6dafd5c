//! What the files around a log file are called.
//!
//! | name                              | what it is                                                              |
//! |-----------------------------------|-------------------------------------------------------------------------|
//! | `f`                               | the file that is written to                                             |
//! | `f.1` … `f.N`                     | rotated by size, the youngest first                                     |
//! | `f.2024-05-31`, `f.2024-05-31T07` | rotated by time: the day or hour, local time, it began in               |
//! | `f.2024-05-31.1` …                | the same, when the name was taken                                       |
//! | `….gz`, `….gz.tmp`                | compressed, and not quite yet                                           |
//! | `.f.next`                         | the successor of `f` while a rotation is under way; always empty        |
//! | `f.poisoned`, `f.poisoned.1` …    | put aside because a write or a sync had failed: to look at, never reused |

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use hydra_os::disk::{self, File, Mode};

/// How many files may be called after one hour or day, or be put aside.
const REPEATS_MAX: u32 = 10_000;

/// Adds `tail` to the end of `path`.
pub(crate) fn with(path: &Path, tail: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(tail);
    PathBuf::from(name)
}

/// The place number `number` of the files rotated by size.
pub(crate) fn slot(path: &Path, number: u32) -> PathBuf {
    with(path, &format!(".{number}"))
}

/// What `path` is called once it is compressed.
pub(crate) fn packed(path: &Path) -> PathBuf {
    with(path, ".gz")
}

/// What the successor of `path` is called until it takes over.
pub(crate) fn next(path: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".next");
    path.with_file_name(name)
}

/// The directory `path` is in.
pub(crate) fn dir(path: &Path) -> &Path {
    path.parent()
        .filter(|dir| !dir.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// Tells whether the name, plain or compressed, is in use.
pub(crate) fn is_taken(path: &Path) -> io::Result<bool> {
    Ok(disk::id_of(path)?.is_some() || disk::id_of(packed(path))?.is_some())
}

/// The first of `path`, `path.1`, `path.2` and so on that is free.
pub(crate) fn first_free(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.to_owned();
    for number in 1..=REPEATS_MAX {
        if !is_taken(&name)? {
            return Ok(name);
        }
        name = slot(path, number);
    }
    Err(io::Error::new(
        io::ErrorKind::QuotaExceeded,
        "there are too many files of this name",
    ))
}

/// The names in the directory that `path` is in; none where it may be used and not be listed.
pub(crate) fn beside(path: &Path) -> io::Result<Vec<OsString>> {
    match disk::list(dir(path)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Vec::new()),
        other => other,
    }
}

/// Opens the file to read it, if it is a plain one: whoever opens a pipe waits for somebody at its other end.
pub(crate) fn open_plain(path: &Path) -> io::Result<Option<File>> {
    match disk::info_of(path)? {
        Some(info) if info.is_regular => File::open(path, Mode::Read).map(Some),
        _ => Ok(None),
    }
}

/// Takes away the second names of `path` and of what it was rotated to or put aside as.
///
/// A rename leaves one behind that takes two steps and is cut short: by a crash, or by a server that answers no more.
/// The file at `path` keeps that name. Nobody else may be renaming, or the last name of a file could go. A directory
/// that may be used and not be listed stays as it is.
pub(crate) fn drop_second(path: &Path) -> io::Result<()> {
    let of = path.file_name().unwrap_or_default();
    let mut others = beside(path)?;
    others.retain(|name| is_from(name, of));
    others.sort();
    let mut seen = Vec::new();
    for path in [path.to_owned()]
        .into_iter()
        .chain(others.iter().map(|name| path.with_file_name(name)))
    {
        match disk::info_of(&path)? {
            Some(info) if info.links > 1 && seen.contains(&info.id) => disk::remove_file(&path)?,
            Some(info) if info.links > 1 => seen.push(info.id),
            _ => {}
        }
    }
    Ok(())
}

/// Tells whether a file of this name was rotated from one called `of`, or put aside as it.
fn is_from(name: &OsStr, of: &OsStr) -> bool {
    let is_number = |text: &str| number(text).is_some();
    let is_poisoned = |tail: &str| {
        tail.strip_prefix("poisoned")
            .is_some_and(|rest| rest.is_empty() || rest.strip_prefix('.').is_some_and(is_number))
    };
    tail(name, of).is_some_and(|tail| is_number(unpacked(tail)) || is_poisoned(tail))
        || Dated::parse(name, of).is_some()
}

/// What stands behind the name of the file called `of`, and a dot.
fn tail<'n>(name: &'n OsStr, of: &OsStr) -> Option<&'n str> {
    let tail = name.as_bytes().strip_prefix(of.as_bytes())?.strip_prefix(b".")?;
    str::from_utf8(tail).ok()
}

/// What the file was called before it was compressed, if it is.
fn unpacked(tail: &str) -> &str {
    tail.strip_suffix(".gz").unwrap_or(tail)
}

/// The number of a file, as it is given here: from one on, and in one way of writing.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| !text.starts_with(['0', '+']))
}

/// A file rotated by time, as its name tells it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Dated {
    /// The day or hour.
    pub(crate) label: String,
    /// Which of the files called after it; zero is the first.
    pub(crate) repeat: u32,
}

impl Dated {
    /// Understands the name of a file that was rotated from one called `of`, compressed or not.
    pub(crate) fn parse(name: &OsStr, of: &OsStr) -> Option<Self> {
        let tail = unpacked(tail(name, of)?);
        let (label, repeat) = match tail.split_once('.') {
            None => (tail, 0),
            Some((label, repeat)) => (label, number(repeat)?),
        };
        let shape: String = label
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        let is_dated = matches!(shape.as_str(), "0000-00-00" | "0000-00-00T00");
        is_dated.then(|| Self {
            label: label.to_owned(),
            repeat,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only names that are given here are taken for those of files that were rotated or put aside.
    #[test]
    fn from() {
        let from = |name: &str| is_from(OsStr::new(name), OsStr::new("f"));
        for name in [
            "f.1",
            "f.12.gz",
            "f.poisoned",
            "f.poisoned.7",
            "f.2024-05-31",
            "f.2024-05-31T07.1.gz",
        ] {
            assert!(from(name), "{name}");
        }
        for name in [
            "f",
            ".f.next",
            "f.",
            "f.0",
            "f.01",
            "f.x",
            "f.gz",
            "f.bak",
            "f.1.bak",
            "f.poisoned.x",
            "g.1",
            "ff.1",
        ] {
            assert!(!from(name), "{name}");
        }
    }

    /// Only names that time rotation itself gives are taken for its files.
    #[test]
    fn dated() {
        let parse = |name: &str| Dated::parse(OsStr::new(name), OsStr::new("f"));
        let dated = |label: &str, repeat| {
            Some(Dated {
                label: label.to_owned(),
                repeat,
            })
        };
        assert_eq!(parse("f.2024-05-31"), dated("2024-05-31", 0));
        assert_eq!(parse("f.2024-05-31.gz"), dated("2024-05-31", 0));
        assert_eq!(parse("f.2024-05-31T07.12.gz"), dated("2024-05-31T07", 12));
        for name in [
            "f",
            "f.1",
            "f.2024-05-31.gz.tmp",
            "f.2024-05-31.0",
            "f.2024-05-31.x",
            "f.2024-5-31",
            "g.2024-05-31",
        ] {
            assert_eq!(parse(name), None, "{name}");
        }
        assert_eq!(next(Path::new("/a/f.log")), Path::new("/a/.f.log.next"));
        assert_eq!(dir(Path::new("f.log")), Path::new("."));
    }
}
