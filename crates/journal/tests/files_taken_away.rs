//! Somebody removes, moves or cuts the files of a living journal: it notices, says so, and loses nothing that was not
//! cut off.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

mod common;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::time::Duration;

use common::{SEGMENT, adopt, check, copy_journal, data_of, journal, payload, read_all, save};
use hydra_journal::{Adopted, DamageKind, Journal, Position, inspect};
use hydra_os::clock::Deadline;

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Deadline::after(Duration::from_secs(60));
    while !is_so() {
        assert!(!end.is_over(), "waited a minute for {what}");
        std::thread::yield_now();
    }
}

fn append(journal: &Journal, numbers: std::ops::Range<u64>) -> Position {
    let mut writer = journal.writer();
    let mut append = |number| writer.append(&payload(0, number, 1000), &[]).unwrap();
    numbers.map(&mut append).last().unwrap()
}

fn numbers(data: &[Vec<u8>]) -> Vec<u64> {
    data.iter().map(|bytes| check(bytes).1).collect()
}

/// What the next process would find for the head `head`.
fn after_a_crash(journal: &Journal) -> Vec<u64> {
    let root = tempfile::tempdir().unwrap();
    copy_journal(journal.dir().unwrap(), root.path());
    numbers(&data_of(
        &mut adopt(root.path()).cursor("head").unwrap().unwrap().reader(),
    ))
}

fn remade(journal: &Journal) -> u64 {
    journal.metrics().homes_remade.load(Ordering::Relaxed)
}

/// Waits until every segment in the log is a file in the directory again: so many records are behind the head.
fn wait_until_home(journal: &Journal, records: u64) {
    wait_until("the segments to be back", || {
        inspect(journal.dir().unwrap().parent().unwrap()).is_ok_and(|found| {
            let mut heads = found.iter().flat_map(|found| &found.heads);
            heads.any(|(_, _, behind)| *behind >= records)
        })
    });
}

fn remove(path: &Path) {
    // Somebody who removes a directory that is being written to tries again.
    while path.exists() && std::fs::remove_dir_all(path).is_err() {}
}

/// A journal that has nothing to leave removes its directory at its end, once: closing it again, as dropping its last
/// handle does, takes that for no damage.
#[test]
fn the_end_is_no_damage() {
    let root = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(root.path()), 32);
    let end = append(&journal, 0..10);
    save(&head, end);
    assert!(journal.close());
    assert!(journal.close());
    assert_eq!(remade(&journal), 0);
    assert!(!journal.dir().unwrap().exists());
}

/// The directory is removed, with everything above it, or moved away: what was not delivered is journaled again where
/// it belongs, also the cursors, and what was moved cannot come back as a second copy.
#[test]
fn the_directory_goes() {
    for how in ["removed", "removed above", "moved", "moved above"] {
        let base = tempfile::tempdir().unwrap();
        let root = base.path().join("a/journals");
        let (journal, head) = journal(Some(&root), 32);
        let mut reader = head.reader();
        append(&journal, 0..150);
        data_of(&mut reader);
        save(&head, reader.position());
        append(&journal, 150..300);
        let dir = journal.dir().unwrap().to_owned();
        let away = base.path().join("away");
        match how {
            "removed" => remove(&dir),
            "removed above" => remove(&base.path().join("a")),
            "moved" => {
                std::fs::create_dir(&away).unwrap();
                std::fs::rename(&dir, away.join(dir.file_name().unwrap())).unwrap();
            }
            _ => std::fs::rename(&root, &away).unwrap(),
        }
        append(&journal, 300..350);
        wait_until("a new directory", || remade(&journal) == 1);
        wait_until_home(&journal, 200);
        append(&journal, 350..400);
        assert_eq!(after_a_crash(&journal), (150..400).collect::<Vec<_>>(), "{how}");
        assert_eq!(numbers(&data_of(&mut reader)), (150..400).collect::<Vec<_>>(), "{how}");
        assert_eq!(journal.metrics().bytes_lost.load(Ordering::Relaxed), 0);
        if away.exists() {
            assert!(Adopted::all(&away).unwrap().is_empty(), "its owner lives");
            save(&head, reader.position());
            drop((reader, head, journal));
            let moved = adopt(&away);
            assert_eq!(data_of(&mut moved.cursor("head").unwrap().unwrap().reader()).len(), 0);
            assert!(moved.remove_if_done().unwrap());
        }
    }
}

/// Removed again and again while many threads append and a head delivers: each record is delivered once, in order.
#[test]
fn removed_under_load() {
    let base = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(&base.path().join("journals")), 32);
    let (is_over, accepted) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut seen: Vec<Vec<u64>> = vec![Vec::new(); 3];
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (journal, is_over, accepted) = (&journal, &is_over, &accepted);
            scope.spawn(move || {
                let mut writer = journal.writer();
                let mut number = 0;
                while !is_over.load(Ordering::Relaxed) {
                    match writer.append(&payload(thread, number, 500), &[]) {
                        Ok(_) => {
                            number += 1;
                            accepted.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(_) => _ = journal.wait_until_room(Duration::from_millis(100)),
                    }
                }
            });
        }
        let mut reader = head.reader();
        let mut rounds = 0;
        loop {
            let (entries, damage) = read_all(&mut reader);
            assert_eq!(damage, []);
            for (thread, number) in entries.iter().map(|(.., bytes)| check(bytes)) {
                seen[thread as usize].push(number);
            }
            save(&head, reader.position());
            if remade(&journal) == rounds {
                rounds += 1;
                if rounds == 4 {
                    break;
                }
                remove(journal.dir().unwrap());
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    let rest = numbers_by_thread(&data_of(&mut head.reader()));
    for (seen, rest) in seen.iter_mut().zip(rest) {
        seen.extend(rest);
        assert!(seen.iter().copied().eq(0..seen.len() as u64));
    }
    assert_eq!(
        seen.iter().map(Vec::len).sum::<usize>() as u64,
        accepted.load(Ordering::Relaxed)
    );
}

fn numbers_by_thread(data: &[Vec<u8>]) -> Vec<Vec<u64>> {
    let mut found = vec![Vec::new(); 3];
    for (thread, number) in data.iter().map(|bytes| check(bytes)) {
        found[thread as usize].push(number);
    }
    found
}

/// Whatever becomes of the cursors' file, heads go on where they are, in this process and in the next.
#[test]
fn the_cursors_go() {
    for how in ["removed", "emptied", "overwritten"] {
        let root = tempfile::tempdir().unwrap();
        let (journal, head) = journal(Some(root.path()), 8);
        let mut reader = head.reader();
        append(&journal, 0..50);
        data_of(&mut reader);
        save(&head, reader.position());
        append(&journal, 50..60);
        let path = journal.dir().unwrap().join("cursors");
        match how {
            "removed" => std::fs::remove_file(&path).unwrap(),
            "emptied" => std::fs::write(&path, b"").unwrap(),
            _ => {
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &[0xAA; 65_536], 0).unwrap();
            }
        }
        let state = head.state();
        wait_until("the cursors to be back", || {
            inspect(root.path()).is_ok_and(|found| found[0].heads.iter().any(|(_, found, _)| *found == state))
        });
        assert_eq!(after_a_crash(&journal), (50..60).collect::<Vec<_>>(), "{how}");
        data_of(&mut reader);
        save(&head, reader.position());
        assert_eq!(after_a_crash(&journal), Vec::<u64>::new(), "{how}");
    }
}

/// A segment is cut short while it is being written: the process lives, what was not cut off is delivered, and what was
/// is counted and reported, here and to the next process; new records are safe.
#[test]
fn a_segment_is_cut_short() {
    for (len, back) in [(0, None), (20_000, None), (20_000, Some(SEGMENT as u64)), (4096, None)] {
        let root = tempfile::tempdir().unwrap();
        let (journal, head) = journal(Some(root.path()), 8);
        append(&journal, 0..40);
        // A head reads what there is: the keeper looks after it from then on.
        data_of(&mut head.reader());
        let path = inspect(root.path()).unwrap()[0].segments[0].path.clone();
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(len).unwrap();
        back.into_iter().for_each(|len| file.set_len(len).unwrap());
        // What follows stands in pages that have gone, and is not lost.
        append(&journal, 40..45);
        let metrics = journal.metrics();
        wait_until("the copy", || metrics.segments_rescued.load(Ordering::Relaxed) == 1);
        append(&journal, 45..60);
        let kept = (len as usize).saturating_sub(4096) / 1024;
        let (entries, damage) = read_all(&mut head.reader());
        let found: BTreeSet<_> = entries.iter().map(|(.., bytes)| check(bytes).1).collect();
        assert!(
            (0..kept as u64).chain(41..60).all(|number| found.contains(&number)),
            "{len}: {found:?}"
        );
        assert!(found.len() < 60 && !damage.is_empty());
        let lost: u64 = damage.iter().map(|damage| damage.bytes).sum();
        assert_eq!(metrics.bytes_lost.load(Ordering::Relaxed), lost);
        assert!(lost as usize >= (60 - found.len()) * 1016, "{lost} bytes, {found:?}");
        assert!(damage.iter().all(|damage| damage.kind == DamageKind::Corrupt));
        let copy = tempfile::tempdir().unwrap();
        copy_journal(journal.dir().unwrap(), copy.path());
        let (entries, damage) = read_all(&mut adopt(copy.path()).cursor("head").unwrap().unwrap().reader());
        assert_eq!(
            entries
                .iter()
                .map(|(.., bytes)| check(bytes).1)
                .collect::<BTreeSet<_>>(),
            found
        );
        assert_eq!(damage.iter().map(|damage| damage.bytes).sum::<u64>(), lost);
    }
}

/// Nothing is called synced that is in a file without a name: it is called so once it is in one.
#[test]
fn synced_means_in_the_directory() {
    let root = tempfile::tempdir().unwrap();
    let (journal, _head) = journal(Some(root.path()), 8);
    for round in 0..5 {
        remove(journal.dir().unwrap());
        let end = append(&journal, round * 10..round * 10 + 10);
        journal.sync_to(end).unwrap();
        wait_until("the sync", || match journal.synced().poll(end, Waker::noop()) {
            Some(Ok(())) => true,
            Some(Err(_)) => {
                // Told that it is not: asked for once more.
                journal.sync_to(end).unwrap();
                false
            }
            None => false,
        });
        let found = after_a_crash(&journal);
        assert!((round * 10..round * 10 + 10).all(|number| found.contains(&number)));
    }
    wait_until_home(&journal, 50);
    assert_eq!(after_a_crash(&journal), (0..50).collect::<Vec<_>>());
}
