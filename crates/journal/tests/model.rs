//! A journal does what an obvious model of it does: random actions, compared after each.
#![cfg(not(loom))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

mod common;

use std::time::Duration;

use common::{Random, SEGMENT, copy_journal, options, read_all, save};
use hydra_journal::{
    Adopted, Cursor, ErrorKind, Journal, Kind, Note, NoteSlot, Options, Position, Reader, Writer, inspect,
};

/// What a head of the model knows.
struct Head {
    cursor: Cursor,
    reader: Reader,
    /// Records it has read and saved.
    saved: usize,
    /// Records it has read.
    read: usize,
    /// Whether its destination was synced since a sync of the journal was last asked for.
    is_durable: bool,
}

impl Head {
    fn checkpoint(&mut self) {
        self.cursor.checkpointed();
        self.is_durable = true;
    }
}

struct Model {
    journal: Journal,
    writers: Vec<Writer>,
    heads: Vec<Head>,
    /// Every record ever accepted: its position's end, its bytes, and the note it came with.
    records: Vec<(Position, Vec<u8>, usize)>,
    notes: Vec<NoteSlot>,
    root: tempfile::TempDir,
}

const PREAMBLE: &[u8] = b"the preamble";

fn note(index: usize) -> Vec<u8> {
    vec![index as u8; 5 + index * 100]
}

impl Model {
    fn new(in_files: bool) -> Model {
        let root = tempfile::tempdir().unwrap();
        let dir = if in_files { Some(root.path()) } else { None };
        let options = Options {
            preamble: PREAMBLE.to_vec(),
            ..options(dir, 7)
        };
        let journal = Journal::create(options).unwrap();
        let head = |name: &&str| {
            let cursor = journal.cursor(name).unwrap();
            Head {
                reader: cursor.reader(),
                cursor,
                saved: 0,
                read: 0,
                is_durable: true,
            }
        };
        Model {
            heads: ["a", "b"].iter().map(head).collect(),
            writers: vec![journal.writer(), journal.writer()],
            journal,
            records: Vec::new(),
            notes: (0..4).map(|_| NoteSlot::new()).collect(),
            root,
        }
    }

    fn append(&mut self, random: &mut Random) {
        let len = match random.below(12) {
            0 => 0,
            1 => self.journal.frame_max() - random.below(3),
            2 => self.journal.frame_max() + 1 + random.below(2 * SEGMENT),
            _ => random.below(400),
        };
        let bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        let index = random.below(self.notes.len());
        let notes = [Note {
            slot: &self.notes[index],
            write: &|out| out.extend(note(index)),
        }];
        let is_large = len > self.journal.frame_max();
        let writer = &mut self.writers[random.below(2)];
        if is_large {
            assert_eq!(writer.append(&bytes, &notes).unwrap_err().kind(), ErrorKind::TooLarge);
        }
        let tail = self.journal.tail();
        let result = if is_large {
            self.journal.append_large(&bytes, &notes)
        } else {
            writer.append(&bytes, &notes)
        };
        match result {
            Ok(end) => {
                let last = self.records.last().map_or(Position::START, |record| record.0);
                assert!(end > last && end >= tail, "positions grow");
                self.records.push((end, bytes, index));
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Full, "{error}");
                self.make_room();
            }
        }
    }

    /// The journal is full: as soon as the heads have everything, it is not.
    fn make_room(&mut self) {
        self.finish();
        for _ in 0..60_000 {
            for head in self.heads.iter_mut().filter(|head| head.cursor.checkpoint_wanted()) {
                head.checkpoint();
            }
            if self.journal.wait_until_room(Duration::from_millis(1)) {
                return;
            }
        }
        panic!("full, and every head has everything");
    }

    /// Every head reads and saves all there is.
    fn finish(&mut self) {
        for head in 0..2 {
            self.read(head);
            let head = &mut self.heads[head];
            head.saved = head.read;
            save(&head.cursor, head.reader.position());
        }
    }

    fn sync(&mut self) {
        self.journal.sync_to(self.journal.tail()).unwrap();
        self.heads.iter_mut().for_each(|head| head.is_durable = false);
    }

    fn read(&mut self, head: usize) {
        let head = &mut self.heads[head];
        let (entries, damage) = read_all(&mut head.reader);
        assert_eq!(damage, []);
        for (kind, _, bytes) in entries {
            if kind == Kind::Data {
                assert_eq!(bytes, self.records[head.read].1, "record {}", head.read);
                head.read += 1;
            }
        }
        assert_eq!(head.read, self.records.len());
    }

    fn save(&mut self, head: usize, random: &mut Random) {
        let head = &mut self.heads[head];
        let count = head.read - head.saved;
        if count == 0 {
            return;
        }
        head.saved += 1 + random.below(count);
        save(&head.cursor, self.records[head.saved - 1].0);
        assert_eq!(head.cursor.state().position, self.records[head.saved - 1].0);
    }

    /// Begins to read again at the cursor, as a head that is restarted.
    fn restart(&mut self, head: usize) {
        let head = &mut self.heads[head];
        (head.reader, head.read) = (head.cursor.reader(), head.saved);
    }

    /// A crash at this moment: another process finds for each head exactly what it has not saved, each record behind
    /// the preamble and its note.
    fn crash(&self) {
        let Some(dir) = self.journal.dir() else { return };
        let root = tempfile::tempdir().unwrap();
        copy_journal(dir, root.path());
        // The keeper may have been clearing segments that no head needs while they were copied.
        let low = self
            .heads
            .iter()
            .map(|head| head.cursor.state().position)
            .min()
            .unwrap();
        let damage = inspect(root.path()).unwrap().remove(0).damage;
        assert!(damage.iter().all(|damage| damage.at < low), "{damage:?}");
        let adopted = common::adopt(root.path());
        for (head, name) in self.heads.iter().zip(["a", "b"]) {
            let cursor = adopted.cursor(name).unwrap().unwrap();
            let mut reader = cursor.reader();
            let (entries, damage) = read_all(&mut reader);
            assert_eq!(damage, []);
            let mut expected = self.records[head.saved..].iter();
            let (mut segment, mut notes) = (0, Vec::new());
            for (kind, position, bytes) in entries {
                if position.segment() != segment {
                    (segment, notes) = (position.segment(), Vec::new());
                }
                if kind == Kind::Note {
                    notes.push(bytes);
                    continue;
                }
                let (_, record, index) = expected.next().unwrap();
                assert_eq!(&bytes, record);
                assert_eq!(notes[0], PREAMBLE);
                assert!(notes.contains(&note(*index)), "the note stands before the record");
            }
            assert_eq!(expected.next(), None);
            let last = self.records.last().map(|record| record.1.clone());
            if head.saved < self.records.len() {
                assert_eq!(adopted.last_record(), last);
            }
            assert_eq!(adopted.remove_if_done().unwrap(), self.is_done());
            if self.is_done() {
                return;
            }
        }
        let all_saved = |name| save(&adopted.cursor(name).unwrap().unwrap(), adopted.end());
        ["a", "b"].into_iter().for_each(all_saved);
        assert!(adopted.remove_if_done().unwrap());
        assert!(Adopted::all(root.path()).unwrap().is_empty());
    }

    fn is_done(&self) -> bool {
        self.heads.iter().all(|head| head.saved == self.records.len())
    }
}

fn run(in_files: bool, steps: usize, random: &mut Random) {
    let mut model = Model::new(in_files);
    for _ in 0..steps {
        match random.below(40) {
            0..28 => model.append(random),
            28..32 => model.read(random.below(2)),
            32..36 => {
                let head = random.below(2);
                model.read(head);
                model.save(head, random);
            }
            36 => model.restart(random.below(2)),
            37 if in_files => model.sync(),
            38 => model.notes[random.below(4)].reset(),
            _ => model.crash(),
        }
        assert!(model.journal.bytes() <= 7 * SEGMENT as u64);
    }
    assert_eq!(model.journal.records(), model.records.len() as u64);
    if random.below(2) == 0 {
        model.finish();
    }
    if random.below(2) == 0 {
        model.heads.iter_mut().for_each(Head::checkpoint);
    }
    let is_done = model.journal.close();
    if model.heads.iter().all(|head| head.is_durable) {
        assert_eq!(is_done, model.is_done());
    } else {
        assert!(!is_done || model.is_done(), "it may wait for its heads' syncs");
    }
    assert_eq!(
        model.writers[0].append(b"x", &[]).unwrap_err().kind(),
        ErrorKind::Closed
    );
    drop((model.journal, model.writers, model.heads));
    assert_eq!(
        Adopted::all(model.root.path()).unwrap().len(),
        usize::from(in_files && !is_done)
    );
}

/// In files: appends of all sizes, notes, cursors, restarts and crashes agree with the model, however full it is.
#[test]
fn agrees_in_files() {
    let mut random = Random::new("agrees_in_files");
    (0..12).for_each(|_| run(true, 500, &mut random));
}

/// In memory as well.
#[test]
fn agrees_in_memory() {
    let mut random = Random::new("agrees_in_memory");
    (0..12).for_each(|_| run(false, 500, &mut random));
}
