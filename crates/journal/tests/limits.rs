//! Sizes at the limits, a journal that is full, and the end of one.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Wake, Waker};
use std::time::Duration;

use common::{SEGMENT, adopt, data_of, journal, options, payload, read_all, save};
use hydra_journal::{Adopted, ErrorKind, Journal, Note, NoteSlot, Options, Position};

const LONG: Duration = Duration::from_secs(60);

/// A record that is too large for a frame is refused, at once and without a trace, also through its notes.
#[test]
fn too_large_for_a_frame() {
    let (journal, head) = journal(None, 4);
    let mut writer = journal.writer();
    let before = journal.tail();
    for len in [journal.frame_max() + 1, SEGMENT, 10 * SEGMENT] {
        assert_eq!(
            writer.append(&vec![1; len], &[]).unwrap_err().kind(),
            ErrorKind::TooLarge
        );
    }
    let slot = NoteSlot::new();
    let notes = [Note {
        slot: &slot,
        write: &|out| out.resize(SEGMENT, 7),
    }];
    assert_eq!(writer.append(b"small", &notes).unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(journal.tail(), before);
    writer.append(&vec![1; journal.frame_max()], &[]).unwrap();
    assert_eq!(data_of(&mut head.reader()).len(), 1);
}

/// From the largest ordinary record to 64 MiB: what goes in comes out, in memory and in a file, also after a crash.
#[test]
fn every_size_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    for root in [None, Some(dir.path())] {
        let options = Options {
            quota_bytes: 200 << 20,
            ..options(root, 4)
        };
        let journal = Journal::create(options).unwrap();
        let head = journal.cursor("head").unwrap();
        let max = journal.frame_max();
        let sizes = [
            max - 1,
            max,
            max + 1,
            SEGMENT - 1,
            SEGMENT,
            SEGMENT + 1,
            1 << 20,
            64 << 20,
        ];
        let mut writer = journal.writer();
        for (number, size) in (0..).zip(sizes) {
            let bytes = payload(1, number, size);
            if size > max {
                journal.append_large(&bytes, &[])
            } else {
                writer.append(&bytes, &[])
            }
            .unwrap();
            writer.append(&payload(2, number, 20), &[]).unwrap();
        }
        let expect = |data: Vec<Vec<u8>>| {
            let lens: Vec<_> = data.iter().map(Vec::len).collect();
            assert_eq!(lens, sizes.iter().flat_map(|size| [*size, 20]).collect::<Vec<_>>());
            data.iter().for_each(|bytes| _ = common::check(bytes));
        };
        let mut reader = head.reader();
        expect(data_of(&mut reader));
        if let Some(dir) = journal.dir() {
            let copy = tempfile::tempdir().unwrap();
            common::copy_journal(dir, copy.path());
            expect(data_of(
                &mut adopt(copy.path()).cursor("head").unwrap().unwrap().reader(),
            ));
        }
        let before = journal.bytes();
        assert!(before > 64 << 20);
        save(&head, reader.position());
        // The next segment that is begun has the keeper look: it gives the large ones back.
        while journal.bytes() > 10 * SEGMENT as u64 {
            writer.append(&vec![0; max], &[]).unwrap();
            save(&head, journal.tail());
        }
        let error = journal.append_large(&vec![0; 200 << 20], &[]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    }
}

/// A journal that is full says so, keeps what it has, and goes on once a head has moved.
#[test]
fn full_and_then_not() {
    let (journal, head) = journal(None, 4);
    let mut writer = journal.writer();
    let mut count = 0;
    let error = loop {
        match writer.append(&payload(0, count, 1000), &[]) {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Full);
    assert!(count > 3 * 60, "all four segments are used: {count}");
    assert!(!journal.wait_until_room(Duration::ZERO));
    assert_eq!(
        journal.append_large(&[1; 40_000], &[]).unwrap_err().kind(),
        ErrorKind::Full
    );
    assert!(!journal.wait_until_room(Duration::ZERO));
    let mut reader = head.reader();
    assert_eq!(data_of(&mut reader).len() as u64, count);
    let waiting = std::thread::spawn({
        let journal = journal.clone();
        move || journal.wait_until_room(LONG)
    });
    save(&head, reader.position());
    assert!(waiting.join().unwrap());
    writer.append(&payload(0, count, 1000), &[]).unwrap();
    assert_eq!(data_of(&mut reader).len(), 1);
}

/// A large record that finds no room waits until there is as much as it needs, and takes no more than the quota.
#[test]
fn large_ones_wait_for_room() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 8);
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        let producers: Vec<_> = (0..4)
            .map(|thread| {
                let (journal, barrier) = (&journal, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    for number in 0..20 {
                        while let Err(error) = journal.append_large(&payload(thread, number, 4 * SEGMENT), &[]) {
                            assert_eq!(error.kind(), ErrorKind::Full);
                            journal.wait_until_room(LONG);
                        }
                    }
                })
            })
            .collect();
        let (mut reader, mut count) = (head.reader(), 0);
        while count < 80 {
            count += data_of(&mut reader).len();
            assert!(journal.bytes() <= 8 * SEGMENT as u64, "{}", journal.bytes());
            save(&head, reader.position());
        }
        producers.into_iter().for_each(|producer| producer.join().unwrap());
    });
    assert!(journal.close());
}

/// Closing lets those go who wait for room, for a sync and for a delivery, each with an error.
#[test]
fn closing_ends_all_waiting() {
    let (journal, head) = journal(None, 4);
    let mut writer = journal.writer();
    while writer.append(&[1; 10_000], &[]).is_ok() {}
    let count = Arc::new(Count::default());
    let waker = Waker::from(Arc::clone(&count));
    assert!(head.poll_delivered(journal.tail(), &waker).is_none());
    assert!(journal.synced().poll(Position::END, &waker).is_none());
    let waiting = std::thread::spawn({
        let journal = journal.clone();
        move || journal.wait_until_room(LONG)
    });
    assert!(!journal.close(), "the head has nothing");
    waiting.join().unwrap();
    assert_eq!(count.0.load(Ordering::SeqCst), 2);
    let error = head.poll_delivered(journal.tail(), &waker).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(writer.append(b"late", &[]).unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(
        journal.append_large(&[1; 20_000], &[]).unwrap_err().kind(),
        ErrorKind::Closed
    );
    // What it holds can still be read.
    assert!(!data_of(&mut head.reader()).is_empty());
}

/// What several threads had accepted when the journal was closed under them is found by the next process, and nothing
/// that was accepted is removed.
#[test]
fn closed_under_producers() {
    for _ in 0..30 {
        let dir = tempfile::tempdir().unwrap();
        let (journal, head) = journal(Some(dir.path()), 40);
        let started = AtomicUsize::new(0);
        let accepted = std::thread::scope(|scope| {
            let producers: Vec<_> = (0..3)
                .map(|thread| {
                    let (journal, started) = (&journal, &started);
                    scope.spawn(move || {
                        let mut writer = journal.writer();
                        for number in 0.. {
                            if writer.append(&payload(thread, number, 100), &[]).is_err() {
                                return number;
                            }
                            started.fetch_add(1, Ordering::Relaxed);
                        }
                        0
                    })
                })
                .collect();
            while started.load(Ordering::Relaxed) < 50 {
                std::hint::spin_loop();
            }
            // The head has had everything up to some moment.
            let mut reader = head.reader();
            let read = data_of(&mut reader).len() as u64;
            save(&head, reader.position());
            let is_empty = journal.close();
            let accepted: u64 = producers.into_iter().map(|producer| producer.join().unwrap()).sum();
            assert!(!is_empty || read == accepted, "{read} of {accepted} and nothing left");
            accepted - read
        });
        drop((journal, head));
        let found = Adopted::all(dir.path()).unwrap();
        let left = found.iter().map(|found| {
            let adopted = found.as_ref().unwrap();
            data_of(&mut adopted.cursor("head").unwrap().unwrap().reader()).len() as u64
        });
        assert_eq!(left.sum::<u64>(), accepted);
    }
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A future that was dropped leaves nothing behind, and does not take others along.
#[test]
fn waiting_can_be_taken_back() {
    let (journal, head) = journal(None, 4);
    let end = journal.writer().append(b"record", &[]).unwrap();
    let (gone, stays) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let wakers = [Waker::from(Arc::clone(&gone)), Waker::from(Arc::clone(&stays))];
    for _ in 0..3 {
        wakers
            .iter()
            .for_each(|waker| assert!(head.poll_delivered(end, waker).is_none()));
    }
    head.delivered().forget(end, &wakers[0]);
    assert_eq!(Arc::strong_count(&gone), 2, "its waker is dropped");
    save(&head, end);
    assert_eq!((gone.0.load(Ordering::SeqCst), stays.0.load(Ordering::SeqCst)), (0, 1));
}

/// The last handle may go on one of the journal's own threads: a waker that owns it is woken there.
#[test]
fn dropped_on_its_own_thread() {
    struct Last(std::sync::Mutex<Option<Journal>>, std::sync::mpsc::Sender<()>);
    impl Wake for Last {
        fn wake(self: Arc<Self>) {
            drop(self.0.lock().unwrap().take());
            self.1.send(()).unwrap();
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (journal, head) = journal(Some(dir.path()), 4);
    drop(head);
    let end = journal.writer().append(b"record", &[]).unwrap();
    let (send, receive) = std::sync::mpsc::channel();
    let last = Arc::new(Last(std::sync::Mutex::default(), send));
    let waker = Waker::from(Arc::clone(&last));
    assert!(journal.synced().poll(end, &waker).is_none());
    journal.sync_to(end).unwrap();
    *last.0.lock().unwrap() = Some(journal);
    // If the sync was faster than the line above, the handle is still there.
    receive.recv().unwrap();
    drop(last.0.lock().unwrap().take());
}

/// A head that comes late begins at the end, and gets everything from there on though segments roll at that moment.
#[test]
fn a_head_that_comes_late() {
    let (journal, first) = journal(None, 4);
    let mut writer = journal.writer();
    for round in 0..50 {
        for number in 0..70 {
            writer.append(&payload(round, number, 1000), &[]).unwrap();
        }
        save(&first, journal.tail());
        let late = journal.cursor(&format!("late {round}")).unwrap();
        writer.append(b"for the late one", &[]).unwrap();
        let mut reader = late.reader();
        assert_eq!(data_of(&mut reader), [b"for the late one"]);
        save(&late, Position::END);
        save(&first, journal.tail());
    }
}

/// A record behind a head that skipped is not read into the head's new place: the reader goes on where there is
/// something.
#[test]
fn a_reader_that_is_overtaken() {
    let (journal, head) = journal(None, 4);
    let (mut writer, mut reader) = (journal.writer(), head.reader());
    let mut last = 0;
    for number in 0..2000 {
        writer.append(&payload(1, number, 1000), &[]).unwrap();
        save(&head, journal.tail());
        if number % 300 == 0 {
            for bytes in data_of(&mut reader) {
                last = common::check(&bytes).1;
            }
            assert_eq!(last, number);
        }
    }
    let (_, damage) = read_all(&mut reader);
    assert_eq!(damage, []);
}

/// Options out of their limits are refused with what is allowed.
#[test]
fn options_are_checked() {
    let refused = |options: Options| Journal::create(options).unwrap_err().kind();
    assert_eq!(
        refused(Options {
            segment_bytes: 4096,
            ..options(None, 4)
        }),
        ErrorKind::Option
    );
    assert_eq!(refused(options(None, 3)), ErrorKind::Option);
    let preamble = vec![0; SEGMENT / 2];
    assert_eq!(
        refused(Options {
            preamble,
            ..options(None, 4)
        }),
        ErrorKind::Option
    );
}
