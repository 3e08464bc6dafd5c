//! A file sink makes what is missing and adds to what is there.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing)]

mod common;

use std::fs;
use std::io::Write as _;

use common::{Lines, deliver, put, text};
use hydra_sink::{ErrorKind, FileOptions, FileSink, Sink};

/// The file exists once the sink is open, and so do the directories it is in.
#[test]
fn makes_parents() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b/c.log");
    let _sink = FileSink::open(FileOptions::new(&path)).unwrap();
    assert_eq!(text(&path), "");
}

/// A sink that is made and not opened touches nothing before the first record.
#[test]
fn lazy() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a/b.log");
    let mut sink = FileSink::new(FileOptions::new(&path)).unwrap();
    assert!(!dir.path().join("a").exists());
    put(&mut sink, "one");
    assert_eq!(text(&path), "one\n");
}

/// What is in the file stays, and a later sink goes on at its end.
#[test]
fn appends() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "old\n").unwrap();
    put(&mut FileSink::open(FileOptions::new(&path)).unwrap(), "one");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let mark = deliver(&mut sink, Lines::new(["two", "three"]).batch()).unwrap();
    assert_eq!(text(&path), "old\none\ntwo\nthree\n");
    assert_eq!(mark.offset(), 18);
    let counts = sink.metrics().unwrap().counts();
    assert_eq!((counts.batches_written, counts.bytes_written), (1, 10));
}

/// The mark that `begin` announces is where the write lands, and the one `write` returns is where the next begins.
#[test]
fn marks() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    let lines = Lines::new(["one", "two"]);
    let first = sink.begin(lines.batch()).unwrap();
    assert_eq!((first.records, first.mark.offset()), (2, 0));
    let after = sink.write(lines.batch()).unwrap();
    assert_eq!(sink.begin(lines.batch()).unwrap().mark, after);
}

/// A last line someone else left without an end gets one, so that ours stands apart from it.
#[test]
fn ends_a_foreign_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "half").unwrap();
    let mut sink = FileSink::open(FileOptions::new(&path)).unwrap();
    put(&mut sink, "one");
    fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(b"another half")
        .unwrap();
    put(&mut sink, "two");
    assert_eq!(text(&path), "half\none\nanother half\ntwo\n");
    assert_eq!(sink.metrics().unwrap().counts().foreign_lines_ended, 2);
}

/// Writing what was not begun, or was abandoned, is refused.
#[test]
fn misuse() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = FileSink::open(FileOptions::new(dir.path().join("f"))).unwrap();
    let lines = Lines::new(["one"]);
    assert_eq!(sink.write(lines.batch()).unwrap_err().kind(), ErrorKind::Misuse);
    sink.begin(lines.batch()).unwrap();
    sink.abandon();
    assert_eq!(sink.write(lines.batch()).unwrap_err().kind(), ErrorKind::Misuse);
    put(&mut sink, "two");
    sink.close().unwrap();
    put(&mut sink, "three");
    assert_eq!(text(dir.path().join("f")), "two\nthree\n");
}

/// A path that cannot be written to is an error that names it.
#[test]
fn names_the_path() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    for path in [dir.path().join("file/below"), dir.path().to_owned()] {
        let error = FileSink::open(FileOptions::new(&path)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
        assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    }
    assert_eq!(
        FileSink::new(FileOptions::new("/")).unwrap_err().kind(),
        ErrorKind::Conflict
    );
}

/// A file that is reached through a link stays behind the link, also when it is rotated, and also when it is made only
/// by the first write.
#[test]
fn links_are_followed() {
    for is_there in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        let (real, link) = (dir.path().join("real/f"), dir.path().join("link"));
        if is_there {
            fs::write(&real, "").unwrap();
        }
        std::os::unix::fs::symlink("real/f", &link).unwrap();
        let options = FileOptions {
            max_size: Some(5),
            ..FileOptions::new(&link)
        };
        let mut sink = FileSink::open(options).unwrap();
        deliver(&mut sink, Lines::new(["one", "two"]).batch()).unwrap();
        assert_eq!((text(&link), text(&real)), ("two\n".to_owned(), "two\n".to_owned()));
        assert_eq!(text(dir.path().join("real/f.1")), "one\n");
        assert!(link.is_symlink());
    }
}

/// A link in the path that is turned to another place takes the log along: the old place is neither made again nor
/// written to.
#[test]
fn a_link_that_is_turned_is_followed() {
    for is_removed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink("r1", at("current")).unwrap();
        fs::create_dir(at("r1")).unwrap();
        let mut sink = FileSink::open(FileOptions::new(at("current/log/f"))).unwrap();
        put(&mut sink, "one");
        fs::create_dir(at("r2")).unwrap();
        std::os::unix::fs::symlink("r2", at("next")).unwrap();
        fs::rename(at("next"), at("current")).unwrap();
        if is_removed {
            fs::remove_dir_all(at("r1")).unwrap();
        }
        put(&mut sink, "two");
        assert_eq!(text(at("r2/log/f")), "two\n");
        assert_eq!(at("r1").exists(), !is_removed);
        if !is_removed {
            assert_eq!(text(at("r1/log/f")), "one\n");
        }
    }
}
