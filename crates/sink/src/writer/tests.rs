use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::sync::UNSYNCED_FILES_MAX;
use super::*;
use crate::sink::Sink as _;

/// One record.
const TWO: Batch<'static> = Batch {
    bytes: b"two\n",
    ends: &[4],
};

fn writer(path: &Path) -> Writer {
    Writer::new(FileOptions::new(path).checked().unwrap())
}

fn put(writer: &mut Writer, line: &str) -> Result<Mark, Error> {
    let bytes = format!("{line}\n");
    let batch = Batch {
        bytes: bytes.as_bytes(),
        ends: &[bytes.len()],
    };
    writer.begin(batch, 0)?;
    writer.write(batch)
}

fn poison(writer: &mut Writer) {
    writer.poisoned = writer.open.as_ref().map(|open| open.identity);
}

/// A file of which a sync has failed is put aside, never written to again and never overwritten.
#[test]
fn poisoned() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    for round in 0..3 {
        put(&mut writer, &format!("line {round}")).unwrap();
        poison(&mut writer);
    }
    put(&mut writer, "last").unwrap();
    let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(
        text("f.poisoned") + &text("f.poisoned.1") + &text("f.poisoned.2"),
        "line 0\nline 1\nline 2\n"
    );
    assert_eq!(text("f"), "last\n");
    assert_eq!(writer.metrics.counts().files_poisoned, 3);
}

/// A file that becomes poisoned between `begin` and `write` refuses the write.
#[test]
fn poisoned_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    let batch = Batch {
        bytes: b"one\n",
        ends: &[4],
    };
    writer.begin(batch, 0).unwrap();
    poison(&mut writer);
    assert_eq!(writer.write(batch).unwrap_err().kind(), ErrorKind::Io);
    put(&mut writer, "one").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\n");
}

/// Nothing is called synced while the file's name may not be: a sync that cannot open the directory says so, the file
/// stays trusted, and the next sync makes it good.
#[test]
fn a_directory_that_cannot_be_opened_is_synced_later() {
    let place = tempfile::tempdir().unwrap();
    let (dir, away) = (place.path().join("logs"), place.path().join("away"));
    fs::create_dir(&dir).unwrap();
    let mut writer = writer(&dir.join("f"));
    put(&mut writer, "line").unwrap();
    fs::rename(&dir, &away).unwrap();
    let mut told = 0;
    for failures in 1..=3 {
        let error = writer.sync(&mut told).unwrap_err();
        assert!(error.to_string().contains("the directory of"), "{error}");
        assert_ne!(error.kind(), ErrorKind::Untrusted);
        assert!(writer.names_unsynced);
        assert_eq!(writer.metrics.counts().syncs_failed, failures);
    }
    fs::rename(&away, &dir).unwrap();
    writer.sync(&mut told).unwrap();
    assert!(!writer.names_unsynced);
    assert_eq!(writer.metrics.counts().files_poisoned, 0);
}

/// What a failed write left and could not be removed at once is removed by the next `begin`, unless someone wrote after
/// it.
#[test]
fn torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    put(&mut writer, "one").unwrap();
    let identity = writer.open.as_ref().unwrap().identity;
    for (found, left) in [("one\ntw", "one\n"), ("one\ntw\nforeign\n", "one\ntw\nforeign\n")] {
        fs::write(&path, found).unwrap();
        writer.torn = Some(Torn {
            identity,
            start: 4,
            end: 6,
            is_announced: false,
        });
        put(&mut writer, "two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{left}two\n"));
    }
}

/// Files that were rotated away are kept for the next sync, but never more than a few.
#[test]
fn kept_for_sync() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    for round in 0..2 * UNSYNCED_FILES_MAX {
        put(&mut writer, "line").unwrap();
        fs::rename(&path, dir.path().join(round.to_string())).unwrap();
        assert!(writer.unsynced.len() <= UNSYNCED_FILES_MAX);
    }
    assert!(writer.names_unsynced && writer.more_unsynced && !writer.unsynced.is_empty());
    writer.sync(&mut 0).unwrap();
    assert!(!writer.names_unsynced && !writer.more_unsynced && writer.unsynced.is_empty());
}

/// A write that fails does not make the next sync forget what was written before it.
#[test]
fn a_failed_write_is_still_synced() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(&dir.path().join("f"));
    put(&mut writer, "one").unwrap();
    writer.undo(4, 0, &io::ErrorKind::StorageFull.into());
    assert!(writer.open.is_none() && writer.poisoned.is_none());
    assert_eq!(writer.unsynced.len(), 1);
    writer.sync(&mut 0).unwrap();
}

/// Swaps the open file's descriptor for one of which every sync fails.
fn break_syncs(writer: &mut Writer) {
    writer.open.as_mut().unwrap().file = File::open("/proc/self/comm", Mode::Read).unwrap();
}

/// Once a sync has failed, nothing on the file is believed any more: it is put aside, everyone who wrote to it is told
/// once, and only its successor's syncs count.
#[test]
fn a_file_whose_sync_failed_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    let (mut one, mut other) = (0, 0);
    put(&mut writer, "one").unwrap();
    break_syncs(&mut writer);
    assert_eq!(writer.sync(&mut one).unwrap_err().kind(), ErrorKind::Untrusted);
    let text = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(text("f.poisoned"), "one\n");
    assert!(!path.exists());
    writer.sync(&mut one).unwrap();
    put(&mut writer, "one").unwrap();
    writer.sync(&mut one).unwrap();
    assert_eq!(writer.sync(&mut other).unwrap_err().kind(), ErrorKind::Untrusted);
    writer.sync(&mut other).unwrap();
    assert_eq!((text("f"), text("f.poisoned")), ("one\n".into(), "one\n".into()));
    let counts = writer.metrics.counts();
    assert_eq!((counts.syncs_failed, counts.files_poisoned), (1, 1));
}

/// A sync that fails while another handle is between `begin` and `write` refuses that write.
#[test]
fn a_sync_that_fails_in_the_middle() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    put(&mut writer, "one").unwrap();
    writer.begin(TWO, 0).unwrap();
    break_syncs(&mut writer);
    let mut told = 0;
    assert_eq!(writer.sync(&mut told).unwrap_err().kind(), ErrorKind::Untrusted);
    assert_eq!(writer.sync(&mut told).unwrap_err().kind(), ErrorKind::Busy);
    assert_eq!(writer.write(TWO).unwrap_err().kind(), ErrorKind::Io);
    put(&mut writer, "two").unwrap();
    writer.sync(&mut told).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "two\n");
}

/// A file rotated away whose sync fails takes the present one with it: which of the two holds what is not known.
#[test]
fn a_rotated_file_whose_sync_fails() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    put(&mut writer, "one").unwrap();
    let other = File::open("/proc/self/comm", Mode::Read).unwrap();
    writer.keep_for_sync(Identity::of(&other.info().unwrap()), other);
    assert_eq!(writer.sync(&mut 0).unwrap_err().kind(), ErrorKind::Untrusted);
    assert!(dir.path().join("f.poisoned").exists() && writer.unsynced.is_empty());
}

/// A file that was closed because a write to it had failed, and whose sync fails then, is put aside as well: it is
/// still what the path leads to.
#[test]
fn a_closed_file_whose_sync_fails() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = writer(&dir.path().join("f"));
    put(&mut writer, "one").unwrap();
    break_syncs(&mut writer);
    writer.undo(4, 0, &io::Error::from_raw_os_error(116));
    assert!(writer.open.is_none() && writer.poisoned.is_none());
    assert_eq!(writer.sync(&mut 0).unwrap_err().kind(), ErrorKind::Untrusted);
    put(&mut writer, "one").unwrap();
    let contents = ["f", "f.poisoned"].map(|name| fs::read_to_string(dir.path().join(name)).unwrap());
    assert_eq!(contents, ["one\n", "one\n"]);
}

/// After a crash the first sync is one of all the files that the dead process may have left unsynced.
#[test]
fn heritage_is_synced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(dir.path().join("f.1"), "one\n").unwrap();
    fs::create_dir(dir.path().join("f.d")).unwrap();
    let mut writer = writer(&path);
    writer.expect_heritage();
    writer.sync(&mut 0).unwrap();
    assert!(!writer.heritage_unsynced);
    // One that leads nowhere.
    std::os::unix::fs::symlink("f.3", dir.path().join("f.3")).unwrap();
    writer.expect_heritage();
    writer.sync(&mut 0).unwrap();
    // One whose syncs fail.
    std::os::unix::fs::symlink("/proc/self/comm", dir.path().join("f.2")).unwrap();
    writer.expect_heritage();
    let mut told = 0;
    assert_eq!(writer.sync(&mut told).unwrap_err().kind(), ErrorKind::Untrusted);
    writer.sync(&mut told).unwrap();
}

/// Beginning without a record, as a sync or a rotation may, does not make a torn end pass for a whole one: the next
/// record still stands apart.
#[test]
fn an_empty_batch_does_not_hide_a_torn_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    fs::write(&path, "torn").unwrap();
    let mut writer = writer(&path);
    writer.begin(Batch::default(), 0).unwrap();
    writer.abandon();
    writer.begin(Batch::default(), 0).unwrap();
    writer.write(Batch::default()).unwrap();
    put(&mut writer, "one").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "torn\none\n");
    assert_eq!(writer.metrics.counts().foreign_lines_ended, 1);
}

/// A process that dies when it has written `count` bytes of the batch.
fn die_after(path: &Path, batch: Batch<'_>, count: usize) -> usize {
    let mut writer = writer(path);
    let begun = writer.begin(batch, 0).unwrap();
    let (start, cut) = writer.begun.unwrap();
    let bytes = batch.take(begun.records).bytes;
    let count = count.min(bytes.len());
    let open = writer.open.as_mut().unwrap();
    open.announce(start, bytes, cut, &writer.metrics);
    open.file.append(&bytes[..count]).unwrap();
    begun.records
}

/// Wherever in a write a process dies, whoever writes to the file next leaves the whole records there, and nothing of
/// the one that was cut, also when it has line breaks within: so what the dead process's journal still has is found
/// where it is whole, and comes a second time where it is not.
#[test]
fn half_a_record_of_a_dead_process_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let lines = ["one\n", "two\n", "three\n"];
    let parts = ["a\nb\nc\n", "two\n"];
    for records in [&lines[..], &parts[..]] {
        let bytes = records.concat();
        let ends: Vec<usize> = (1..=records.len())
            .map(|count| records[..count].concat().len())
            .collect();
        let batch = Batch {
            bytes: bytes.as_bytes(),
            ends: &ends,
        };
        for count in 0..=bytes.len() {
            let path = dir.path().join(format!("{} {count}", records.len()));
            put(&mut writer(&path), "old").unwrap();
            let taken = die_after(&path, batch, count);
            let mut next = writer(&path);
            next.begin(Batch::default(), 0).unwrap();
            put(&mut next, "next").unwrap();
            let whole = batch.take(taken).fitting(count as u64);
            let left = records[..whole].concat();
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                format!("old\n{left}next\n"),
                "{count}"
            );
            let counts = next.metrics.counts();
            assert_eq!(counts.foreign_lines_ended, 0);
        }
    }
}

/// A line that another program has begun is not cut, whatever came before it, and neither is one that was there before
/// us, nor anything where processes cannot keep each other out.
#[test]
fn half_a_line_of_another_program_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let batch = Batch {
        bytes: b"one\ntwo\n",
        ends: &[4, 8],
    };
    die_after(&path, batch, 8);
    let foreign = |text: &str| {
        let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
    };
    foreign("half");
    let mut writer = writer(&path);
    put(&mut writer, "three").unwrap();
    foreign("another");
    put(&mut writer, "four").unwrap();
    let all = "one\ntwo\nhalf\nthree\nanother\nfour\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), all);
    // A write that failed and was removed is over.
    writer.begin(batch, 0).unwrap();
    let (start, cut) = writer.begun.unwrap();
    let open = writer.open.as_mut().unwrap();
    open.announce(start, batch.bytes, cut, &writer.metrics);
    open.file.append(b"one\nt").unwrap();
    writer.undo(start, 5, &io::ErrorKind::StorageFull.into());
    foreign("half");
    put(&mut writer, "five").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{all}half\nfive\n"));
    // A file that was emptied since then is not what was written.
    fs::write(&path, "one\nfor").unwrap();
    put(&mut writer, "six").unwrap();
    fs::write(&path, format!("{all}half\nfive\nfor")).unwrap();
    put(&mut writer, "six").unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        format!("{all}half\nfive\nfor\nsix\n")
    );
    die_after(&path, batch, 5);
    writer.ensure_open().unwrap();
    writer.open.as_mut().unwrap().is_unlockable = true;
    put(&mut writer, "six").unwrap();
    assert!(fs::read_to_string(&path).unwrap().ends_with("six\none\nt\nsix\n"));
}

/// Runs the test `name` as a process of its own, to which file modes apply even if it is root's.
fn under_modes(name: &str, work: fn()) {
    const CHILD: &str = "HYDRA_TEST_UNDER_MODES";
    if std::env::var_os(CHILD).is_some() {
        return work();
    }
    let run = std::process::Command::new("setpriv")
        .arg("--bounding-set=-dac_override,-dac_read_search")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("writer::tests::{name}"), "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

/// What is written in a directory that may be used and not be listed can be synced all the same: by whoever wrote it,
/// and by whoever comes after him.
#[test]
fn a_directory_that_may_not_be_read() {
    under_modes("a_directory_that_may_not_be_read", || {
        let place = tempfile::tempdir().unwrap();
        let dir = place.path().join("logs");
        fs::create_dir(&dir).unwrap();
        let mut first = writer(&dir.join("f"));
        put(&mut first, "one").unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o311)).unwrap();
        assert!(fs::read_dir(&dir).is_err(), "the mode applies");
        first.sync(&mut 0).unwrap();
        let mark = first.begin(TWO, 0).unwrap().mark;
        first.write(TWO).unwrap();
        drop(first);
        let mut next = crate::FileSink::open(FileOptions::new(dir.join("f"))).unwrap();
        next.resume(mark).unwrap();
        assert_eq!(next.already(TWO).unwrap(), 1);
        next.sync().unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
    });
}

/// A file of which a sync has failed and that cannot be renamed is gone on with: what is in doubt is written again at
/// its end, behind whole records, and is synced.
#[test]
fn a_damaged_file_that_keeps_its_name() {
    under_modes("a_damaged_file_that_keeps_its_name", || {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("logs/f");
        let mut writer = writer(&path);
        put(&mut writer, "one").unwrap();
        fs::set_permissions(place.path().join("logs"), fs::Permissions::from_mode(0o555)).unwrap();
        break_syncs(&mut writer);
        let mut told = 0;
        assert_eq!(writer.sync(&mut told).unwrap_err().kind(), ErrorKind::Untrusted);
        put(&mut writer, "one").unwrap();
        writer.sync(&mut told).unwrap();
        fs::set_permissions(place.path().join("logs"), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\none\n");
        assert_eq!(writer.metrics.counts().files_poisoned, 1);
    });
}

/// What a failed write left is not taken for what another process has written there since, though that is as long.
#[test]
fn what_another_process_wrote_is_not_torn() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("f");
    let mut writer = writer(&path);
    put(&mut writer, "one").unwrap();
    writer.begin(TWO, 0).unwrap();
    let open = writer.open.as_mut().unwrap();
    open.announce(4, TWO.bytes, Some(Cut::All), &Metrics::default());
    open.file.append(TWO.bytes).unwrap();
    // It cannot be cut off just now.
    open.file = File::open(&path, Mode::Read).unwrap();
    writer.undo(4, 4, &io::ErrorKind::StorageFull.into());
    assert!(writer.torn.is_some_and(|torn| torn.end == 8 && torn.is_announced));
    let mut other = self::writer(&path);
    put(&mut other, "TWO").unwrap();
    put(&mut writer, "two").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\nTWO\ntwo\n");
}
