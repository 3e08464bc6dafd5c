use std::cell::Cell;
use std::fs;
use std::path::Path;

use crate::{Batch, Every, FileOptions, FileSink, Sink};

const HOUR: i64 = 3_600;
/// 2023-11-14T12:00:00 UTC; the zone tests run in shifts labels, never their order.
const NOON: i64 = 1_699_963_200;

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

fn now_ns() -> i64 {
    NOW.get() * 1_000_000_000
}

fn open(path: &Path, options: FileOptions) -> FileSink {
    NOW.set(NOON);
    let mut sink = FileSink::new(FileOptions {
        path: path.to_owned(),
        ..options
    })
    .unwrap();
    sink.writer_mut().now = now_ns;
    sink
}

fn put(sink: &mut FileSink, seconds: i64, line: &str) {
    NOW.set(seconds);
    let bytes = format!("{line}\n");
    let (bytes, ends) = (bytes.as_bytes(), [bytes.len()]);
    let batch = Batch { bytes, ends: &ends };
    sink.begin(batch).unwrap();
    sink.write(batch).unwrap();
}

/// The names and texts of everything in the directory, in the order of the names.
fn files(dir: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                fs::read_to_string(entry.path()).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn texts(dir: &Path) -> Vec<String> {
    files(dir).into_iter().map(|(_, text)| text).collect()
}

fn hourly(keep: u32) -> FileOptions {
    FileOptions {
        rotate: Some(Every::Hour),
        backup_count: keep,
        ..FileOptions::new("f")
    }
}

/// A file is rotated by the first write of the next hour, and is called after the hour it began in.
#[test]
fn hours() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = open(&path, hourly(9));
    put(&mut sink, NOON, "a");
    put(&mut sink, NOON + HOUR - 1, "b");
    put(&mut sink, NOON + HOUR, "c");
    put(&mut sink, NOON + 5 * HOUR, "d");
    assert_eq!(texts(dir.path()), ["d\n", "a\nb\n", "c\n"]);
    let name = |seconds: i64| format!("f.{}", super::Period::at(Every::Hour, seconds * 1_000_000_000).label());
    let expected = ["f".to_owned(), name(NOON), name(NOON + HOUR)];
    assert_eq!(
        files(dir.path()).into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
        expected
    );
}

/// A file left by an earlier process is dated by its last write.
#[test]
fn an_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old\n").unwrap();
    let mut sink = open(
        &path,
        FileOptions {
            rotate: Some(Every::Day),
            ..FileOptions::new("f")
        },
    );
    // The file was written just now, years after the time of this test: nothing is rotated because of it.
    put(&mut sink, NOON, "a");
    assert_eq!(texts(dir.path()), ["old\na\n"]);
    put(&mut sink, NOON + 24 * HOUR, "b");
    assert_eq!(texts(dir.path()), ["b\n", "old\na\n"]);
}

/// A clock that jumps to and fro around the full hour makes one new file, not one at each jump.
#[test]
fn a_trembling_clock() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = open(&path, hourly(9));
    for round in 0..50 {
        put(&mut sink, NOON + HOUR - 1, &format!("before {round}"));
        put(&mut sink, NOON + HOUR + 1, &format!("after {round}"));
    }
    let texts = texts(dir.path());
    assert_eq!(
        (texts.len(), texts[1].lines().count(), texts[0].lines().count()),
        (2, 1, 99)
    );
}

/// A clock that jumps far ahead and back again neither stops rotation nor lets it overwrite a file.
#[test]
fn a_jump_and_back() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = open(&path, hourly(99));
    let mut expected = Vec::new();
    for round in 0..4 {
        for seconds in [
            NOON,
            NOON + 100_000 * HOUR,
            NOON + HOUR,
            NOON + 2 * HOUR,
            NOON + 100_001 * HOUR,
        ] {
            let line = format!("{round} {seconds}");
            put(&mut sink, seconds, &line);
            expected.push(line);
        }
    }
    let mut lines: Vec<String> = texts(dir.path())
        .iter()
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    lines.sort();
    expected.sort();
    assert_eq!(lines, expected);
}

/// The oldest files go first; after a time with the clock ahead that means those dated ahead.
#[test]
fn keeps_as_many_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(dir.path().join("f.notes"), "not ours\n").unwrap();
    let mut sink = open(&path, hourly(2));
    for hour in [0, 1, 50_000, 50_001, 50_002, 2, 3, 4, 5, 6] {
        put(&mut sink, NOON + hour * HOUR, &hour.to_string());
    }
    assert_eq!(texts(dir.path()), ["6\n", "4\n", "5\n", "not ours\n"]);
    assert_eq!(sink.metrics().unwrap().counts().removals_failed, 0);
}

/// With a limit on size as well, the files of one hour are numbered and all kept apart.
#[test]
fn by_size_too() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = open(
        &path,
        FileOptions {
            max_size: Some(4),
            ..hourly(20)
        },
    );
    for number in 100..112 {
        put(&mut sink, NOON, &number.to_string());
    }
    let files = files(dir.path());
    assert_eq!(files.len(), 12);
    let suffixes: Vec<_> = files
        .iter()
        .filter_map(|(name, text)| Some((name.rsplit_once('.')?.1, text)))
        .collect();
    for (suffix, text) in suffixes {
        let number: u32 = suffix.parse().unwrap_or(0);
        assert_eq!(*text, format!("{}\n", 100 + number));
    }
}

/// With no rotated files kept, the file is emptied when its time is over.
#[test]
fn keeps_none() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = open(&path, hourly(0));
    for hour in 0..3 {
        put(&mut sink, NOON + hour * HOUR, &hour.to_string());
    }
    assert_eq!(texts(dir.path()), ["2\n"]);
}

/// Two processes that keep no rotated files empty the file once, not each of them.
#[test]
fn keeps_none_with_another() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let now = hydra_os::clock::wall_ns() / 1_000_000_000;
    let (mut one, mut two) = (open(&path, hourly(0)), open(&path, hourly(0)));
    put(&mut one, now - 10 * HOUR, "a");
    put(&mut two, now - 10 * HOUR, "b");
    let written = std::time::SystemTime::now() - std::time::Duration::from_secs(36_000);
    fs::File::options()
        .append(true)
        .open(&path)
        .unwrap()
        .set_modified(written)
        .unwrap();
    put(&mut one, now, "c");
    put(&mut two, now, "d");
    assert_eq!(texts(dir.path()), ["c\nd\n"]);
}

/// A file that is empty when the hour is over belongs to the hour of its first record.
#[test]
fn an_empty_file_belongs_to_its_first_record() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = open(&dir.path().join("f"), hourly(2));
    sink.begin(Batch { bytes: b"", ends: &[] }).unwrap();
    sink.abandon();
    put(&mut sink, NOON + 5 * HOUR, "a");
    put(&mut sink, NOON + 5 * HOUR + 1, "b");
    assert_eq!(texts(dir.path()), ["a\nb\n"]);
    put(&mut sink, NOON + 6 * HOUR, "c");
    assert_eq!(texts(dir.path()), ["c\n", "a\nb\n"]);
}
