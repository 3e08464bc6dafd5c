//! Every interleaving, up to a bound, of small models of the log: the journal's own code on a few words of memory.
//!
//! Run by `RUSTFLAGS="--cfg loom" cargo test -p hydra-journal --release --test 'loom*'`.
#![cfg(loom)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

use hydra_journal::model::Log;
use hydra_journal::{Batch, ErrorKind, Kind, Note, NoteSlot, Position, Read, Reader};
use loom::thread;

/// Explores `model` with so many preemptions at most.
fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Reads what there is now: payloads of data, up to the first frame that is not published.
fn read(reader: &mut Reader, got: &mut Vec<Vec<u8>>) -> Read {
    let mut batch = Batch::default();
    loop {
        match reader.read(&mut batch, 1 << 20) {
            Read::Some => {
                assert_eq!(batch.damage(), []);
                for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
                    let bytes = batch.payload(frame);
                    assert!(
                        !bytes.is_empty() && bytes.iter().all(|byte| *byte == bytes[0]),
                        "torn: {bytes:?}"
                    );
                    got.push(bytes.to_vec());
                }
            }
            other => return other,
        }
    }
}

/// Two producers and a reader: each record is seen whole, once, in the order of its thread.
#[test]
fn two_producers_and_a_reader() {
    explore(3, || {
        let log = Log::new(0, 256);
        let producers: Vec<_> = [1, 2]
            .into_iter()
            .map(|name| {
                let log = log.clone();
                thread::spawn(move || {
                    let mut writer = log.writer();
                    writer.append(&[name; 16], &[]).unwrap();
                    writer.append(&[name + 10; 9], &[]).unwrap();
                })
            })
            .collect();
        let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
        read(&mut reader, &mut got);
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        assert!(matches!(read(&mut reader, &mut got), Read::Empty(_)));
        assert_eq!(got.len(), 4);
        let place = |byte| got.iter().position(|bytes| bytes[0] == byte).unwrap();
        assert!(place(1) < place(11) && place(2) < place(12), "{got:?}");
    });
}

/// Producers that meet at the end of a segment: the next is begun once, and nothing is lost between the two.
#[test]
fn producers_roll() {
    explore(2, || {
        // Room for two records of 16 bytes: the third goes to the second segment.
        let log = Log::new(1, 64);
        log.writer().append(&[9; 16], &[]).unwrap();
        let producers: Vec<_> = [1, 2]
            .into_iter()
            .map(|name| {
                let log = log.clone();
                thread::spawn(move || log.writer().append(&[name; 16], &[]).unwrap())
            })
            .collect();
        let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
        read(&mut reader, &mut got);
        let mut ends: Vec<_> = producers.into_iter().map(|producer| producer.join().unwrap()).collect();
        assert!(matches!(read(&mut reader, &mut got), Read::Empty(_)));
        ends.sort();
        assert_eq!((ends[0].segment(), ends[1].segment()), (1, 2));
        got.sort();
        assert_eq!(got, [[1; 16], [2; 16], [9; 16]]);
    });
}

/// A note that two producers share stands before both records, in every segment.
#[test]
fn a_note_stands_first() {
    explore(2, || {
        let log = Log::new(1, 128);
        let slot = loom::sync::Arc::new(NoteSlot::new());
        let producers: Vec<_> = [1, 2]
            .into_iter()
            .map(|name| {
                let (log, slot) = (log.clone(), slot.clone());
                thread::spawn(move || {
                    let note = Note {
                        slot: &slot,
                        write: &|out| out.push(b'n'),
                    };
                    log.writer().append(&[name; 16], &[note]).unwrap();
                })
            })
            .collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        let (mut reader, mut batch) = (log.reader(Position::START), Batch::default());
        let (mut noted, mut count) = (0, 0);
        while reader.read(&mut batch, 1 << 20) == Read::Some {
            for frame in batch.frames() {
                if frame.kind == Kind::Note {
                    noted = frame.position.segment();
                } else {
                    count += 1;
                    assert_eq!(noted, frame.position.segment());
                }
            }
        }
        assert_eq!(count, 2);
    });
}

/// A head that goes to sleep while a producer appends sees the record or is woken: it never sleeps for ever.
#[test]
fn nobody_sleeps_through_a_record() {
    explore(3, || {
        let log = Log::new(0, 256);
        let producer = {
            let log = log.clone();
            thread::spawn(move || {
                log.writer().append(&[1; 8], &[]).unwrap();
            })
        };
        let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
        while got.is_empty() {
            match read(&mut reader, &mut got) {
                Read::Empty(tail) if got.is_empty() => log.park(0, tail),
                Read::Pending => thread::yield_now(),
                _ => {}
            }
        }
        producer.join().unwrap();
    });
}

/// A head that is called for another reason while it goes to sleep for the first time does not miss the call.
///
/// It waits for nobody after that: in the model any wait of a thread ends when it is unparked, also one for another's
/// end, and a head may be unparked once it is awake already.
#[test]
fn nobody_sleeps_through_a_call() {
    explore(3, || {
        let log = Log::new(0, 64);
        let stop = loom::sync::Arc::new(loom::sync::atomic::AtomicBool::new(false));
        let head = {
            let (log, stop) = (log.clone(), stop.clone());
            thread::spawn(move || {
                let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
                while !stop.load(loom::sync::atomic::Ordering::Acquire) {
                    if let Read::Empty(tail) = read(&mut reader, &mut got) {
                        log.park(0, tail);
                    }
                }
            })
        };
        stop.store(true, loom::sync::atomic::Ordering::Release);
        log.wake_readers();
        head.join().unwrap();
    });
}

/// A segment that is recycled under a reader whose head has been moved past it yields no foreign bytes.
#[test]
fn a_reader_notices_recycling() {
    explore(2, || {
        let log = Log::new(1, 32);
        let mut writer = log.writer();
        writer.append(&[1; 16], &[]).unwrap();
        writer.append(&[2; 16], &[]).unwrap();
        let mut reader = log.reader(Position::START);
        let keeper = {
            let log = log.clone();
            thread::spawn(move || {
                assert_eq!(log.recycle_before(2), 1);
                log.writer().append(&[3; 16], &[]).unwrap();
            })
        };
        let mut got = Vec::new();
        read(&mut reader, &mut got);
        keeper.join().unwrap();
        assert!(matches!(read(&mut reader, &mut got), Read::Empty(_)));
        assert!(
            got == [[1; 16], [2; 16], [3; 16]] || got == [[2; 16], [3; 16]],
            "{got:?}"
        );
    });
}

/// A segment in which a producer is still storing is not recycled, though every head is past it.
#[test]
fn a_producer_is_not_recycled() {
    explore(3, || {
        let log = Log::new(2, 64);
        let producers: Vec<_> = [1, 2]
            .into_iter()
            .map(|name| {
                let log = log.clone();
                thread::spawn(move || {
                    let mut writer = log.writer();
                    writer.append(&[name; 16], &[]).unwrap();
                    writer.append(&[name + 10; 16], &[]).unwrap();
                })
            })
            .collect();
        log.recycle_before(log.tail().segment());
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        // Whatever was recycled, what stands in the log is whole.
        let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
        let last = read(&mut reader, &mut got);
        assert!(
            matches!(last, Read::Empty(_)),
            "{last:?} at {}, tail {}, {got:?}",
            reader.position(),
            log.tail()
        );
    });
}

/// A sync that moves the tail to a fresh page while producers append loses nothing and leaves no hole.
#[test]
fn a_fence_between_producers() {
    explore(2, || {
        let log = Log::new(1, 128);
        let producer = {
            let log = log.clone();
            thread::spawn(move || {
                let mut writer = log.writer();
                writer.append(&[1; 16], &[]).unwrap();
                writer.append(&[2; 16], &[]).unwrap();
            })
        };
        let goal = log.fence(64);
        assert!(goal <= log.tail());
        producer.join().unwrap();
        let (mut reader, mut got) = (log.reader(Position::START), Vec::new());
        assert!(matches!(read(&mut reader, &mut got), Read::Empty(_)));
        assert_eq!(got, [[1; 16], [2; 16]]);
    });
}

/// A record is either before the end of a log that is being closed, or refused: never accepted behind it.
#[test]
fn nothing_is_accepted_after_the_end() {
    explore(3, || {
        let log = Log::new(1, 256);
        let producer = {
            let log = log.clone();
            thread::spawn(move || log.writer().append(&[1; 16], &[]))
        };
        let end = log.close();
        match producer.join().unwrap() {
            Ok(position) => assert!(position <= end, "{position} after {end}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Closed),
        }
        assert_eq!(
            log.writer().append(&[2; 16], &[]).unwrap_err().kind(),
            ErrorKind::Closed
        );
    });
}
