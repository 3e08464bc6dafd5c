//! A note is retired and the segment turned while others append: the switch has one position.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hydra_journal::{Batch, ErrorKind, Journal, Kind, Note, NoteSlot, Options, Position, Read};

const THREADS: usize = 4;
const TURNS: usize = 50;

fn append(journal: &Journal, large: bool, slots: &[NoteSlot], current: &AtomicUsize, end: &AtomicBool) -> Vec<usize> {
    let (mut writer, mut refused) = (journal.writer(), Vec::new());
    while !end.load(Ordering::SeqCst) {
        let turn = current.load(Ordering::SeqCst);
        let write = |out: &mut Vec<u8>| out.push(turn as u8);
        let note = Note {
            slot: &slots[turn],
            write: &write,
        };
        let payload = [turn as u8; 64];
        let appended = match large {
            true => journal.append_large(&payload, &[note]),
            false => writer.append(&payload, &[note]),
        };
        match appended {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Retired => refused.push(turn),
            Err(error) => panic!("{error}"),
        }
    }
    refused
}

/// After a note is retired and the segment turned, no record that needs it stands behind the position that the turn
/// returned: neither an ordinary one nor a large one, whatever was on its way.
#[test]
fn nothing_stands_behind_its_turn() {
    let journal = Journal::create(Options {
        segment_bytes: 64 << 10,
        ..Options::default()
    })
    .unwrap();
    let head = journal.cursor("head").unwrap();
    let slots: Vec<NoteSlot> = (0..=TURNS).map(|_| NoteSlot::new()).collect();
    let (current, end) = (AtomicUsize::new(0), AtomicBool::new(false));
    let ends = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (journal, slots, current, end) = (&journal, &slots, &current, &end);
            scope.spawn(move || append(journal, thread == 0, slots, current, end));
        }
        for (turn, slot) in slots.iter().enumerate().take(TURNS) {
            let before = journal.records();
            while journal.records() < before + 10 {
                std::thread::yield_now();
            }
            // The next one is there before this one goes.
            current.store(turn + 1, Ordering::SeqCst);
            slot.retire();
            ends.lock().unwrap().push(journal.turn());
        }
        end.store(true, Ordering::SeqCst);
    });
    let ends = ends.into_inner().unwrap();
    let (mut reader, mut batch, mut seen) = (head.reader(), Batch::default(), [0_usize; TURNS + 1]);
    while reader.read(&mut batch, 64 << 10) == Read::Some {
        for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
            let turn = usize::from(batch.payload(frame)[0]);
            seen[turn] += 1;
            let last = ends.get(turn).copied().unwrap_or(Position::END);
            assert!(
                frame.end <= last,
                "a record of turn {turn} at {:?}, behind {last:?}",
                frame.position
            );
        }
    }
    assert_eq!(seen.iter().sum::<usize>() as u64, journal.records());
}

/// A journal that is full can be turned: it takes no room, and the append that waits begins the next segment.
#[test]
fn a_full_journal_turns() {
    let journal = Journal::create(Options {
        segment_bytes: 64 << 10,
        quota_bytes: 256 << 10,
        ..Options::default()
    })
    .unwrap();
    let head = journal.cursor("head").unwrap();
    let mut writer = journal.writer();
    while writer.append(&[0; 8_000], &[]).is_ok() {}
    let position = journal.turn();
    assert!(journal.is_full() && position >= journal.tail());
    let (mut reader, mut batch) = (head.reader(), Batch::default());
    while reader.read(&mut batch, 64 << 10) == Read::Some {}
    head.save(&hydra_journal::CursorState {
        position: reader.position(),
        ..head.state()
    });
    assert!(journal.wait_until_room(std::time::Duration::from_secs(60)));
    assert!(writer.append(&[1; 8], &[]).unwrap() > position);
}
