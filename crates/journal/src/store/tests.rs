//! Where a journal ends for good.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use super::*;
use crate::{Adopted, Batch, Cursor, Journal, Kind, Options, Read};

fn count(cursor: &Cursor) -> usize {
    let (mut reader, mut batch, mut count) = (cursor.reader(), Batch::default(), 0);
    while reader.read(&mut batch, 1 << 20) == Read::Some {
        count += batch.frames().iter().filter(|frame| frame.kind == Kind::Data).count();
        assert_eq!(batch.damage(), []);
    }
    count
}

/// When the last number is used, records are refused, large ones too; everything before is read, synced and found
/// by the next process, and nothing begins again at the first number.
#[test]
fn numbers_are_used_up() {
    let root = tempfile::tempdir().unwrap();
    let options = Options {
        dir: Some(root.path().to_owned()),
        segment_bytes: crate::SEGMENT_BYTES_MIN,
        ..Options::default()
    };
    let journal = Journal::create(options).unwrap();
    journal.shared().log.skip_to(NUMBER_MAX - 4);
    let mut writer = journal.writer();
    let append = |writer: &mut crate::Writer| writer.append(&[7; 1000], &[]);
    append(&mut writer).unwrap();
    // Not before: the segments skipped would look missing.
    let head = journal.cursor("head").unwrap();
    let mut records = 1;
    assert_eq!(journal.tail().segment(), NUMBER_MAX - 3);
    journal.append_large(&[8; 100_000], &[]).unwrap();
    assert_eq!(journal.tail().segment(), NUMBER_MAX - 1);
    let error = journal.append_large(&[8; 100_000], &[]).unwrap_err();
    assert!(
        error.kind() == ErrorKind::Closed && error.to_string().contains("used up"),
        "{error}"
    );
    let mut last = Position::START;
    while let Ok(end) = append(&mut writer) {
        (last, records) = (end, records + 1);
    }
    assert_eq!((last.segment(), journal.tail().segment()), (NUMBER_MAX, NUMBER_MAX));
    assert!(records > 2 * 50);
    for _ in 0..3 {
        assert_eq!(append(&mut writer).unwrap_err().kind(), ErrorKind::Closed);
        journal.turn();
    }
    journal.sync_to(last).unwrap();
    while journal.synced().reached() < last {
        assert!(journal.synced().failure().is_none());
        hydra_os::atomic::yield_now();
    }
    assert_eq!(count(&head), records);
    drop((writer, head));
    assert!(!journal.close());
    drop(journal);
    let adopted = Adopted::all(root.path()).unwrap().remove(0).unwrap();
    assert_eq!(count(&adopted.cursor("head").unwrap().unwrap()), records);
}
