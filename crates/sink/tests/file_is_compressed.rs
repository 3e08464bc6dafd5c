//! Rotated files are compressed in the background, and none is lost or doubled.
#![cfg(feature = "gzip")]
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Read as _;
use std::path::Path;

use common::{Lines, deliver, names, put, text};
use hydra_sink::{Every, FileOptions, FileSink, Sink};

fn options(path: &Path, max_size: u64, backup_count: u32) -> FileOptions {
    FileOptions {
        max_size: Some(max_size),
        backup_count,
        gzip: true,
        ..FileOptions::new(path)
    }
}

/// The text of a file, compressed or not.
fn plain(path: &Path) -> String {
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut text = String::new();
        flate2::read::GzDecoder::new(fs::File::open(path).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        return text;
    }
    text(path)
}

/// Everything in the directory, oldest first, as text; no place may be taken twice.
fn all(path: &Path) -> String {
    let mut found = Vec::new();
    for name in names(path.parent().unwrap()) {
        let number = name
            .trim_start_matches("f")
            .trim_end_matches(".gz")
            .trim_start_matches('.');
        found.push((number.parse::<u32>().unwrap_or(0), name));
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    assert!(found.windows(2).all(|pair| pair[0].0 != pair[1].0), "{found:?}");
    found
        .iter()
        .map(|(_, name)| plain(&path.with_file_name(name)))
        .collect()
}

/// What was rotated is compressed once the sink is closed, under its own name with `.gz` added.
#[test]
fn names_and_contents() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 4, 3)).unwrap();
    deliver(&mut sink, Lines::new(["aaa", "bbb", "ccc", "ddd", "eee"]).batch()).unwrap();
    sink.close().unwrap();
    assert_eq!(names(dir.path()), ["f", "f.1.gz", "f.2.gz", "f.3.gz"]);
    assert_eq!(all(&path), "bbb\nccc\nddd\neee\n");
}

/// While rotation goes on all the time, every line stays in exactly one file.
#[test]
fn under_load() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 2_000, 1_000)).unwrap();
    let mut expected = Vec::new();
    for start in (0..2_000).step_by(10) {
        let lines = Lines::numbered("line", start..start + 10);
        deliver(&mut sink, lines.batch()).unwrap();
        expected.extend_from_slice(&lines.bytes);
    }
    sink.close().unwrap();
    assert!(all(&path).as_bytes() == expected);
    let counts = sink.metrics().unwrap().counts();
    assert_eq!(
        (counts.files_compressed, counts.compressions_failed),
        (counts.rotations, 0)
    );
}

/// Whatever a crash leaves on the way, the next sink brings in order: nothing is lost, nothing there twice.
#[test]
fn after_a_crash() {
    // Left with a half-written compressed file.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    for (name, text) in [
        ("f", "new\n"),
        ("f.1", "old\n"),
        ("f.abc123.gz.tmp", "\x1f half"),
        ("f.notes.gz.tmp", "hers"),
    ] {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let mut sink = FileSink::open(options(&path, 1_000, 3)).unwrap();
    put(&mut sink, "newer");
    sink.close().unwrap();
    assert_eq!(names(dir.path()), ["f", "f.1.gz", "f.notes.gz.tmp"]);
    assert_eq!(plain(&dir.path().join("f.1.gz")), "old\n");

    // Left with both forms: the compressed one is ours and complete, so the plain one goes.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old\n").unwrap();
    let keep = dir.path().join("keep");
    let mut sink = FileSink::open(options(&path, 4, 3)).unwrap();
    fs::hard_link(&path, &keep).unwrap();
    put(&mut sink, "new");
    sink.close().unwrap();
    fs::rename(&keep, dir.path().join("f.1")).unwrap();
    assert_eq!(names(dir.path()), ["f", "f.1", "f.1.gz"]);
    let mut sink = FileSink::open(options(&path, 1_000, 3)).unwrap();
    put(&mut sink, "newer");
    sink.close().unwrap();
    assert_eq!(names(dir.path()), ["f", "f.1.gz"]);
    assert_eq!(all(&path), "old\nnew\nnewer\n");

    // Both forms, but not of one file: neither is touched.
    fs::write(dir.path().join("f.1"), "something else\n").unwrap();
    let mut sink = FileSink::open(options(&path, 1_000, 3)).unwrap();
    put(&mut sink, "newest");
    sink.close().unwrap();
    assert_eq!(plain(&dir.path().join("f.1.gz")), "old\n");
    assert_eq!(text(dir.path().join("f.1")), "something else\n");
    // And rotation moves the two together.
    put(
        &mut FileSink::open(FileOptions {
            gzip: false,
            ..options(&path, 4, 3)
        })
        .unwrap(),
        "last",
    );
    assert_eq!(names(dir.path()), ["f", "f.1", "f.2", "f.2.gz"]);
}

/// A failure keeps the plain file and is counted.
#[test]
fn failure() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old\n").unwrap();
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(&path).unwrap());
    // Something that cannot be removed stands where the compressed form would be written.
    fs::create_dir_all(dir.path().join(format!("f.{inode:x}.gz.tmp/x"))).unwrap();
    let mut sink = FileSink::open(options(&path, 4, 3)).unwrap();
    put(&mut sink, "new");
    sink.close().unwrap();
    assert_eq!(
        (text(dir.path().join("f.1")), text(&path)),
        ("old\n".into(), "new\n".into())
    );
    assert!(sink.metrics().unwrap().counts().compressions_failed > 0);
}

/// A crash is resumed from also when the file was rotated and compressed by another process in between.
#[test]
fn resume() {
    let lines = Lines::new(["one", "two", "three"]);
    for written in 0..=3 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        fs::write(&path, "before\n").unwrap();
        let mark = FileSink::open(options(&path, 1_000, 9))
            .unwrap()
            .begin(lines.batch())
            .unwrap()
            .mark;
        let there = lines.batch().take(written).bytes;
        fs::write(&path, [b"before\n", there].concat()).unwrap();
        let mut other = FileSink::open(options(&path, 8, 9)).unwrap();
        put(&mut other, "other 1");
        put(&mut other, "other 2");
        other.close().unwrap();
        assert!(dir.path().join("f.2.gz").exists());

        let mut sink = FileSink::open(options(&path, 1_000, 9)).unwrap();
        sink.resume(mark).unwrap();
        assert_eq!(sink.already(lines.batch()).unwrap(), written);
        deliver(&mut sink, lines.batch().skip(written)).unwrap();
        let rest = std::str::from_utf8(lines.batch().skip(written).bytes).unwrap();
        let there = std::str::from_utf8(there).unwrap();
        assert_eq!(all(&path), format!("before\n{there}other 1\nother 2\n{rest}"));
    }
}

/// Files rotated by time are compressed too, and counted and kept as they are.
#[test]
fn dated() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old\n").unwrap();
    let yesterday = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 86_400);
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_modified(yesterday)
        .unwrap();
    for day in ["2020-01-01", "2020-01-02", "2020-01-03.gz"] {
        fs::write(dir.path().join(format!("f.{day}")), day).unwrap();
    }
    let options = FileOptions {
        rotate: Some(Every::Day),
        gzip: true,
        backup_count: 3,
        ..FileOptions::new(&path)
    };
    let mut sink = FileSink::open(options).unwrap();
    put(&mut sink, "new");
    sink.close().unwrap();
    let names = names(dir.path());
    assert_eq!(names[..3], ["f", "f.2020-01-02.gz", "f.2020-01-03.gz"]);
    assert_eq!((names.len(), plain(&dir.path().join(&names[3])).as_str()), (4, "old\n"));
    assert_eq!(plain(&dir.path().join("f.2020-01-02.gz")), "2020-01-02");
}

/// What is no plain file is not opened in search of what was compressed: a pipe would keep us waiting for its writer.
#[test]
fn pipes_beside_the_file_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(options(&path, 1_000, 3)).unwrap();
    let lines = Lines::new(["one"]);
    let mark = sink.begin(lines.batch()).unwrap().mark;
    sink.write(lines.batch()).unwrap();
    fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(dir.path().join("f.pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let mut next = FileSink::new(options(&path, 1_000, 3)).unwrap();
    next.resume(mark).unwrap();
    assert_eq!(next.already(lines.batch()).unwrap(), 0);
}
