//! Segments have many lives: a journal that is read as fast as it is written stays as small as it is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::sync::atomic::Ordering;

use common::{SEGMENT, options, save};
use hydra_journal::{Journal, Read};

/// So many segments are kept at most for their next life, and two more are in use.
const KEPT: u64 = 8;
const LIVES: u64 = 100;

/// However often the keeper has run out of patience, there are no more segments than it may keep and than are in use.
#[test]
fn no_more_than_are_kept() {
    let journal = Journal::create(options(None, 1000)).unwrap();
    let head = journal.cursor("head").unwrap();
    let (mut writer, mut reader) = (journal.writer(), head.reader());
    let mut batch = hydra_journal::Batch::default();
    while journal.tail().segment() <= LIVES as u32 {
        writer.append(&[1; 1000], &[]).unwrap();
        while reader.read(&mut batch, 1 << 20) == Read::Some {}
        save(&head, reader.position());
    }
    let most = KEPT + 2;
    assert!(journal.bytes() <= most * SEGMENT as u64, "{}", journal.bytes());
    let recycled = journal.metrics().segments_recycled.load(Ordering::Relaxed);
    assert!(recycled >= LIVES - most, "{recycled}");
}

/// A large record gets the room that segments kept for their next life take up, down to those always kept ready.
#[test]
fn a_large_record_comes_before_what_is_kept() {
    let quota = KEPT + 4;
    let journal = Journal::create(options(None, quota)).unwrap();
    let head = journal.cursor("head").unwrap();
    let (mut writer, mut reader) = (journal.writer(), head.reader());
    let mut batch = hydra_journal::Batch::default();
    // Filled while nothing is read, so that many segments are left at once.
    while journal.tail().segment() < KEPT as u32 {
        writer.append(&[1; 1000], &[]).unwrap();
    }
    while reader.read(&mut batch, 1 << 20) == Read::Some {}
    save(&head, reader.position());
    // Three are always there, and one is for what surrounds the record.
    let large = vec![2; (quota as usize - 4) * SEGMENT];
    while journal.append_large(&large, &[]).is_err() {
        journal.wait_until_room(std::time::Duration::from_secs(60));
    }
}
