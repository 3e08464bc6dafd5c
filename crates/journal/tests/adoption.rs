//! What a dead process left is taken over by exactly one other, however many try and however often they die of it.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;

use common::{Random, child, copy_journal, data_of, given, journal, payload, read_all, save};
use hydra_journal::{Adopted, Batch, Journal, Kind, Read, inspect};
use hydra_os::disk::{File, Mode};

const RECORDS: u64 = 300;

/// A dead process's journal with records 0 to 299, of which the head has had 10.
fn leave(root: &Path) {
    let live = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(live.path()), 10);
    let mut writer = journal.writer();
    for number in 0..RECORDS {
        let end = writer.append(&payload(0, number, 1000), &[]).unwrap();
        if number == 9 {
            save(&head, end);
        }
    }
    copy_journal(journal.dir().unwrap(), root);
}

/// Of many threads that look at once, one adopts each journal; a living process's is left alone.
#[test]
fn exactly_one_thread_adopts() {
    for _ in 0..20 {
        let root = tempfile::tempdir().unwrap();
        (0..3).for_each(|_| leave(root.path()));
        let (_alive, _head) = journal(Some(root.path()), 4);
        let barrier = Barrier::new(8);
        let adopted = std::thread::scope(|scope| {
            let look = || {
                barrier.wait();
                Adopted::all(root.path()).unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(look)).collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        let dirs: BTreeSet<_> = adopted
            .iter()
            .map(|found| found.as_ref().unwrap().dir().to_owned())
            .collect();
        assert_eq!((adopted.len(), dirs.len()), (3, 3));
    }
}

/// Threads that adopt, deliver and remove while others adopt, create and close: nothing fails, nothing is delivered
/// twice.
#[test]
fn adopting_races_with_removing() {
    let root = tempfile::tempdir().unwrap();
    (0..40).for_each(|_| leave(root.path()));
    let barrier = Barrier::new(4);
    let delivered: usize = std::thread::scope(|scope| {
        let work = || {
            barrier.wait();
            let mut count = 0;
            for _ in 0..10 {
                for found in Adopted::all(root.path()).unwrap() {
                    let found = found.unwrap();
                    if let Some(cursor) = found.cursor("head").unwrap() {
                        count += data_of(&mut cursor.reader()).len();
                        save(&cursor, found.end());
                    }
                    assert!(found.remove_if_done().unwrap());
                }
                let (own, _head) = journal(Some(root.path()), 4);
                inspect(root.path()).unwrap_or_default();
                assert!(own.close());
            }
            count
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(delivered, 40 * (RECORDS as usize - 10));
    assert_eq!(inspect(root.path()).unwrap().len(), 0);
}

/// The process that adopts: delivers to a file, one line a record, and removes what is done.
#[test]
fn adopter() {
    let Some(root) = given("HYDRA_ADOPTER") else { return };
    let root = Path::new(&root);
    let out = File::open(root.join("out"), Mode::Append).unwrap();
    for found in Adopted::all(&root.join("journals")).unwrap() {
        let found = found.unwrap();
        let Some(cursor) = found.cursor("head").unwrap() else {
            continue;
        };
        let (mut reader, mut batch) = (cursor.reader(), Batch::default());
        while reader.read(&mut batch, 4000) == Read::Some {
            for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
                let (_, number) = common::check(batch.payload(frame));
                out.append(&number.to_le_bytes()).unwrap();
                save(&cursor, frame.end);
            }
        }
        save(&cursor, reader.position());
        found.remove_if_done().unwrap();
    }
    out.append(&u64::MAX.to_le_bytes()).unwrap();
}

/// Adopters are killed at any moment, again and again, until one gets through: each record comes once, or twice where
/// the kill fell between delivering and saving; none is missing, and nothing is left.
#[test]
fn killed_while_adopting() {
    let mut random = Random::new("killed_while_adopting");
    for _ in 0..15 {
        let dir = tempfile::tempdir().unwrap();
        let journals = dir.path().join("journals");
        std::fs::create_dir(&journals).unwrap();
        leave(&journals);
        if random.below(2) == 0 {
            let cursors = std::fs::read_dir(&journals)
                .unwrap()
                .next()
                .unwrap()
                .unwrap()
                .path()
                .join("cursors");
            std::fs::remove_file(cursors).unwrap();
        }
        let out = dir.path().join("out");
        std::fs::write(&out, b"").unwrap();
        let mut kills = 0;
        let numbers = loop {
            let mut child = child("adopter", &[("HYDRA_ADOPTER", dir.path().to_str().unwrap().to_owned())]);
            let len = || std::fs::metadata(&out).unwrap().len();
            let moment = len() + 8 * random.below(80) as u64;
            while len() < moment && child.try_wait().unwrap().is_none() {
                std::hint::spin_loop();
            }
            (0..random.below(200_000)).for_each(|_| std::hint::spin_loop());
            child.kill().unwrap();
            child.wait().unwrap();
            let bytes = std::fs::read(&out).unwrap();
            let numbers: Vec<_> = bytes
                .as_chunks()
                .0
                .iter()
                .map(|bytes| u64::from_le_bytes(*bytes))
                .collect();
            if numbers.last() == Some(&u64::MAX) {
                break numbers;
            }
            kills += 1;
        };
        let seen: BTreeSet<_> = numbers.iter().copied().collect();
        assert!((10..RECORDS).all(|number| seen.contains(&number)), "{numbers:?}");
        assert!(
            numbers.len() as u64 <= RECORDS + 1 + kills,
            "{} records, {kills} kills",
            numbers.len()
        );
        assert!(
            numbers
                .windows(2)
                .all(|pair| pair[1] == pair[0] || pair[1] == pair[0] + 1 || pair[1] == u64::MAX)
        );
        assert_eq!(inspect(&journals).unwrap().len(), 0);
    }
}

/// A stray file or an unreadable directory among the journals does not keep the others from being adopted.
#[test]
fn one_that_cannot_be_adopted() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("j-1-stray"), b"not a directory").unwrap();
    leave(root.path());
    let found = Adopted::all(root.path()).unwrap();
    assert_eq!(found.iter().filter(|found| found.is_ok()).count(), 1);
    assert_eq!(found.len(), 2);
}

/// A segment that the system refuses to open now keeps its journal as it is: whoever is let in has all of it.
#[test]
fn a_refused_segment_is_not_passed_over() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let segment = inspect(root.path()).unwrap().remove(0).segments.remove(1).path;
    let aside = root.path().join("aside");
    std::fs::rename(&segment, &aside).unwrap();
    // A link to itself: opening it is an error for everybody, whatever rights they have.
    std::os::unix::fs::symlink(&segment, &segment).unwrap();
    assert!(Adopted::all(root.path()).unwrap().remove(0).is_err());

    std::fs::remove_file(&segment).unwrap();
    std::fs::rename(&aside, &segment).unwrap();
    let adopted = common::adopt(root.path());
    assert_eq!(adopted.unreadable(), []);
}

/// Looking at a journal, over and over, keeps nobody from adopting it.
#[test]
fn inspecting_is_not_owning() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| (0..50).for_each(|_| _ = inspect(root.path()).unwrap()));
        while !looking.is_finished() {
            let found = Adopted::all(root.path()).unwrap();
            assert_eq!(found.len(), 1);
        }
    });
}

/// An adopted journal is read with a damaged neighbour segment reported once per reader.
#[test]
fn damage_is_reported_to_each_head() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let segment = inspect(root.path()).unwrap().remove(0).segments.remove(1).path;
    std::fs::remove_file(segment).unwrap();
    let adopted = common::adopt(root.path());
    for _ in 0..2 {
        let (_, damage) = read_all(&mut adopted.cursor("head").unwrap().unwrap().reader());
        assert_eq!(damage.len(), 1);
    }
}

/// A journal that cannot be created leaves nothing behind.
#[test]
fn a_failed_create_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let options = hydra_journal::Options {
        segment_bytes: 256 << 20,
        quota_bytes: 1 << 30,
        ..common::options(Some(&root.path().join("file")), 4)
    };
    std::fs::write(root.path().join("file"), b"").unwrap();
    Journal::create(options).unwrap_err();
    assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
}

/// Whatever becomes of its lock file, nobody takes a living owner's journal: it goes on, and is adopted once the owner
/// has gone.
#[test]
fn a_living_owner_without_its_lock_file() {
    for damage in [0, 1, 2] {
        let root = tempfile::tempdir().unwrap();
        let (alive, head) = journal(Some(root.path()), 4);
        let lock = alive.dir().unwrap().join("lock");
        match damage {
            0 => std::fs::remove_file(&lock).unwrap(),
            1 => std::fs::write(&lock, b"").unwrap(),
            _ => {
                // As an editor or a careless copy does it: another file of the same name.
                std::fs::write(root.path().join("other"), b"1\n").unwrap();
                std::fs::rename(root.path().join("other"), &lock).unwrap();
            }
        }
        let mut writer = alive.writer();
        for number in 0..5 {
            writer.append(&payload(0, number, 50), &[]).unwrap();
            assert!(Adopted::all(root.path()).unwrap().is_empty());
            assert!(inspect(root.path()).unwrap()[0].alive);
        }
        drop((writer, head, alive));
        let adopted = common::adopt(root.path());
        assert_eq!(data_of(&mut adopted.cursor("head").unwrap().unwrap().reader()).len(), 5);
    }
}

/// One who knows only of the lock file, as other versions may, is an owner too.
#[test]
fn the_lock_file_alone_keeps_others_out() {
    let root = tempfile::tempdir().unwrap();
    leave(root.path());
    let path = inspect(root.path()).unwrap()[0].dir.join("lock");
    let lock = File::open(path, Mode::Read).unwrap();
    assert!(lock.try_lock().unwrap());
    assert!(Adopted::all(root.path()).unwrap().is_empty());
    assert!(inspect(root.path()).unwrap()[0].alive);
    lock.unlock().unwrap();
    assert_eq!(Adopted::all(root.path()).unwrap().len(), 1);
}
