//! The disk is synced, fills up, and keeps what memory should not.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]
#![allow(clippy::print_stdout, reason = "a test that cannot run says so")]

mod common;

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use common::{SEGMENT, check, data_of, given, journal, options, payload, save};
use hydra_journal::{ErrorKind, Journal, Options, Position, Progress};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits as a caller of the logger does.
fn wait(progress: &Progress, position: Position) -> Result<(), hydra_journal::Error> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match progress.poll(position, &waker) {
            Some(result) => return result,
            None => std::thread::park(),
        }
    }
}

/// After a wait for a sync the position is reached, whoever else appends and syncs, and also when segments roll and are
/// recycled meanwhile.
#[test]
fn synced_is_reached() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 6);
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..4)
            .map(|thread| {
                let journal = &journal;
                scope.spawn(move || {
                    let mut writer = journal.writer();
                    for number in 0..300 {
                        let end = loop {
                            match writer.append(&payload(thread, number, 2000), &[]) {
                                Ok(end) => break end,
                                Err(_) => _ = journal.wait_until_room(Duration::from_secs(60)),
                            }
                        };
                        if number % 3 == 0 {
                            journal.sync_to(end).unwrap();
                            wait(journal.synced(), end).unwrap();
                            assert!(journal.synced().reached() >= end);
                        }
                    }
                })
            })
            .collect();
        let (mut reader, mut count) = (head.reader(), 0);
        while count < 4 * 300 {
            for bytes in data_of(&mut reader) {
                check(&bytes);
                count += 1;
            }
            save(&head, reader.position());
            if head.checkpoint_wanted() {
                head.checkpointed();
            }
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
    });
    assert!(journal.metrics().syncs.load(std::sync::atomic::Ordering::Relaxed) > 0);
    head.checkpointed();
    assert!(journal.close());
}

/// A sync that is asked for only after the record was delivered and its segment recycled waits until the destination is
/// synced: else a power loss could take the record from both.
#[test]
fn synced_after_recycling() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 4);
    let mut writer = journal.writer();
    let end = writer.append(b"the record", &[]).unwrap();
    while journal
        .metrics()
        .segments_recycled
        .load(std::sync::atomic::Ordering::Relaxed)
        < 3
    {
        let _ = writer.append(&[0; 5000], &[]);
        save(&head, journal.tail());
    }
    journal.sync_to(end).unwrap();
    while !head.checkpoint_wanted() {
        std::thread::yield_now();
    }
    assert!(journal.synced().reached() < end);
    head.checkpointed();
    wait(journal.synced(), end).unwrap();
    assert!(journal.close());
}

/// Nothing behind the tail can be synced: asking for it does not make the thread run for ever, and ends with the
/// journal.
#[test]
fn synced_up_to_the_tail() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 4);
    let end = journal.writer().append(b"a record", &[]).unwrap();
    journal.sync_to(Position::END).unwrap();
    wait(journal.synced(), end).unwrap();
    save(&head, end);
    head.checkpointed();
    assert!(journal.close());
    assert_eq!(
        wait(journal.synced(), Position::END).unwrap_err().kind(),
        ErrorKind::Closed
    );
}

/// A sync that fails is not made up for by a later success: only records that a copy of on the device exists of are
/// called synced, and where none can be made, those who wait are told. What was appended stays readable, and appending
/// goes on.
#[test]
fn a_failed_sync_is_not_believed_again() {
    let name = "a_failed_sync_is_not_believed_again";
    let Some(root) = given("HYDRA_NO_SYNC") else {
        // The thread's first sync of pages is that of the cursors. The second one of a record's fails, the third would
        // succeed; or else nothing reaches the device then.
        let once = ["-e", "trace=msync", "-e", "inject=msync:error=EIO:when=3"];
        let dead = [
            "-e",
            "trace=msync,fdatasync",
            "-e",
            "inject=msync:error=EIO:when=3+",
            "-e",
            "inject=fdatasync:error=EIO:when=2+",
        ];
        for (inject, is_rescued) in [(&once[..], "true"), (&dead[..], "false")] {
            let dir = tempfile::tempdir().unwrap();
            let strace = Command::new("strace")
                .args(["-f", "-qq", "-o", "/dev/null"])
                .args(inject)
                .arg(std::env::current_exe().unwrap())
                .args([name, "--exact"])
                .env("HYDRA_NO_SYNC", dir.path())
                .env("HYDRA_RESCUED", is_rescued)
                .output();
            match strace {
                Ok(output) => assert!(output.status.success(), "{output:?}"),
                Err(_) => println!("skipped {name}: there is no strace here"),
            }
        }
        return;
    };
    let is_rescued = given("HYDRA_RESCUED").unwrap() == "true";
    let (journal, head) = journal(Some(Path::new(&root)), 4);
    let mut writer = journal.writer();
    let ends: Vec<_> = (0..3)
        .map(|number| {
            let end = writer.append(&payload(1, number, 100), &[]).unwrap();
            journal.sync_to(end).unwrap();
            (end, wait(journal.synced(), end))
        })
        .collect();
    assert!(ends[0].1.is_ok());
    for (_, result) in &ends[1..] {
        assert_eq!(result.is_ok(), is_rescued);
        assert!(result.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::Io));
    }
    assert_eq!(journal.synced().reached() >= ends[1].0, is_rescued);
    let metrics = journal.metrics();
    let counts = [
        &metrics.segments_poisoned,
        &metrics.segments_rescued,
        &metrics.syncs_failed,
    ];
    let counts = counts.map(|count| count.load(Ordering::Relaxed));
    assert_eq!(counts, if is_rescued { [1, 1, 0] } else { [1, 0, 2] });
    let mut reader = head.reader();
    assert_eq!(data_of(&mut reader).len(), 3);
    save(&head, reader.position());
    head.checkpointed();
    assert!(journal.close());
}

/// The process that has no descriptor left when it syncs.
#[test]
fn without_descriptors() {
    let Some(dir) = given("HYDRA_NO_DESCRIPTORS") else {
        return;
    };
    let (journal, _head) = journal(Some(Path::new(&dir)), 6);
    let limit = Command::new("prlimit")
        .arg(format!("--pid={}", std::process::id()))
        .arg("--nofile=3:1024")
        .status();
    assert!(limit.unwrap().success());
    assert!(std::fs::File::open("/dev/null").is_err());
    let mut writer = journal.writer();
    let mut end = Position::START;
    while end.segment() < 2 {
        end = writer.append(&payload(0, 0, 2000), &[]).unwrap();
        journal.sync_to(end).unwrap();
        wait(journal.synced(), end).unwrap();
    }
}

/// A sync needs no descriptor: records are called synced, in the first segment and in a fresh one, though the process
/// may open no file.
#[test]
fn synced_without_descriptors() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("skipped: there is no prlimit");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let value = dir.path().display().to_string();
    let mut child = common::child("without_descriptors", &[("HYDRA_NO_DESCRIPTORS", value)]);
    assert!(child.wait().unwrap().success());
}

/// A journal that holds synced records stays when it is closed, until the destinations that took them are synced too:
/// else a power cut could take them from both.
#[test]
fn synced_records_stay_until_their_destination_is_synced() {
    for checkpointed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (journal, head) = journal(Some(dir.path()), 4);
        let end = journal.writer().append(b"a record", &[]).unwrap();
        journal.sync_to(end).unwrap();
        wait(journal.synced(), end).unwrap();
        save(&head, journal.tail());
        journal.ask_checkpoint();
        assert!(head.checkpoint_wanted());
        if checkpointed {
            head.checkpointed();
        }
        assert_eq!(journal.close(), checkpointed);
        assert_eq!(journal.dir().unwrap().exists(), !checkpointed);
    }
}

/// Sealing a journal whose heads are behind keeps it: nothing that was accepted goes with the directory.
#[test]
fn a_sealed_journal_keeps_what_is_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 4);
    let end = journal.writer().append(b"a record", &[]).unwrap();
    assert!(journal.seal() >= end);
    assert!(journal.writer().append(b"too late", &[]).is_err());
    assert_eq!(data_of(&mut head.reader()).len(), 1);
    assert!(!journal.close());
    assert!(journal.dir().unwrap().exists());
}

/// Runs the test `name` where the file system has 1 MiB, if that is permitted here.
fn on_a_tiny_disk(name: &str) {
    let mount = "mount -t tmpfs -o size=1m tmpfs \"$HYDRA_TINY\" && exec \"$0\" \"$1\" --exact --nocapture";
    let dir = tempfile::tempdir().unwrap();
    let permitted = Command::new("unshare").args(["-Urm", "true"]).output();
    if !permitted.is_ok_and(|output| output.status.success()) {
        println!("skipped {name}: user namespaces are not permitted here");
        return;
    }
    let status = Command::new("unshare")
        .args(["-Urm", "sh", "-c", mount])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env("HYDRA_TINY", dir.path())
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

/// A full disk is reported as such, never by a signal; what was accepted stays, and appending resumes with the space.
#[test]
fn disk_full() {
    let Some(root) = given("HYDRA_TINY") else {
        return on_a_tiny_disk("disk_full");
    };
    let root = Path::new(&root);
    let journals = root.join("journals");
    // The quota would allow four times what the disk has.
    let (journal, head) = journal(Some(&journals), 64);
    let mut writer = journal.writer();
    let mut count = 0;
    let mut fill = |count: &mut u64| loop {
        match writer.append(&payload(1, *count, 1000), &[]) {
            Ok(_) => *count += 1,
            Err(error) => break error,
        }
    };
    let error = fill(&mut count);
    assert!(matches!(error.kind(), ErrorKind::Full | ErrorKind::Io), "{error}");
    assert!(count as usize > 8 * SEGMENT / 1100, "the disk was used: {count}");
    let large = journal.append_large(&vec![1; 200_000], &[]).unwrap_err();
    assert!(matches!(large.kind(), ErrorKind::Full | ErrorKind::Io), "{large}");
    let bytes = journal.bytes();
    let files = std::fs::read_dir(journal.dir().unwrap()).unwrap();
    let segments = files.filter(|entry| {
        entry
            .as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "seg")
    });
    assert_eq!(
        segments.count() * SEGMENT,
        bytes as usize,
        "the quota counts what is there"
    );
    let another = Journal::create(options(Some(&journals), 4)).unwrap_err();
    assert!(matches!(another.kind(), ErrorKind::Full | ErrorKind::Io), "{another}");
    assert_eq!(
        std::fs::read_dir(&journals).unwrap().count(),
        1,
        "it left nothing behind"
    );

    let mut reader = head.reader();
    assert_eq!(data_of(&mut reader).len() as u64, count);
    save(&head, reader.position());
    assert!(journal.wait_until_room(Duration::from_secs(60)));
    let before = count;
    fill(&mut count);
    assert!(count > before);
    assert_eq!(data_of(&mut reader).len() as u64, count - before);
    save(&head, reader.position());
    assert!(journal.close());
}

/// A disk that was full and has space again, without any head moving, is noticed.
#[test]
fn disk_full_and_emptied() {
    let Some(root) = given("HYDRA_TINY") else {
        return on_a_tiny_disk("disk_full_and_emptied");
    };
    let root = Path::new(&root);
    std::fs::write(root.join("ballast"), vec![1; 600 << 10]).unwrap();
    let (journal, _head) = journal(Some(&root.join("journals")), 64);
    let mut writer = journal.writer();
    while writer.append(&[1; 1000], &[]).is_ok() {}
    std::fs::remove_file(root.join("ballast")).unwrap();
    assert!(journal.wait_until_room(Duration::from_secs(60)));
    writer.append(&[1; 1000], &[]).unwrap();
}

/// Memory does not grow with a backlog in files: what a head far behind needs is in the files, not in the process.
#[test]
fn memory_is_bounded() {
    let resident = || {
        let text = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut sum = 0;
        let mut is_ours = false;
        for line in text.lines() {
            if line.contains('-') && !line.contains("kB") {
                is_ours = line.ends_with(".seg");
            } else if is_ours && let Some(rest) = line.strip_prefix("Rss:") {
                sum += rest.trim().trim_end_matches(" kB").parse::<usize>().unwrap();
            }
        }
        sum << 10
    };
    // The newest segments and spares, and a few pages of each of the others, between two looks at their headers.
    const RESIDENT_MAX: usize = 18 << 20;
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        segment_bytes: 1 << 20,
        quota_bytes: 100 << 20,
        ..options(Some(dir.path()), 4)
    };
    let journal = Journal::create(options).unwrap();
    let head = journal.cursor("far behind").unwrap();
    let mut writer = journal.writer();
    for number in 0..600 {
        writer.append(&payload(1, number, 100_000), &[]).unwrap();
    }
    assert!(journal.bytes() > 55 << 20);
    for _ in 0..10_000 {
        if resident() < RESIDENT_MAX {
            break;
        }
        std::thread::yield_now();
    }
    assert!(resident() < RESIDENT_MAX, "{} bytes are resident", resident());
    // Nor by reading it all.
    assert_eq!(data_of(&mut head.reader()).len(), 600);
    assert!(
        resident() < RESIDENT_MAX,
        "{} bytes are resident after reading",
        resident()
    );
}
