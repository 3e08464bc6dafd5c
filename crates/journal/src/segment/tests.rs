#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use super::mapping::{AT_NUMBER, Header};
use super::*;

fn segment() -> Segment {
    let mapping = Mapping::anonymous(64 * 1024).unwrap();
    mapping.begin_life([3; 16], 99, 5, 2);
    Segment::begin(Arc::new(mapping), 99, 1, 2)
}

/// A header is read back as written; any flipped bit of it is noticed, and the other copy stands in.
#[test]
fn header_round_trips_and_notices_damage() {
    let segment = segment();
    let mapping = &segment.mapping;
    let header = Header {
        journal: [3; 16],
        generation: 99,
        bytes: 64 * 1024,
        created_ns: 5,
        number: 1,
        copies_pages: 2,
        sum: Sum::Folded,
    };
    assert_eq!(mapping.header(), Ok(header));
    for offset in (0..=AT_NUMBER).step_by(8) {
        let word = mapping.map.load(offset, Ordering::Relaxed);
        for bit in 0..64 {
            mapping.map.store(offset, word ^ 1 << bit, Ordering::Relaxed);
            assert!(mapping.header_at(0).is_err(), "offset {offset} bit {bit}");
            assert_eq!(mapping.header(), Ok(header));
        }
        mapping.map.store(offset, word, Ordering::Relaxed);
    }
    mapping.end_life();
    assert_eq!(mapping.header().map(|header| header.number), Ok(0));
}

/// A frame is whole or absent: any flipped bit of envelope or payload is noticed.
#[test]
fn frames_verify() {
    let segment = segment();
    let end = segment.write(FRAMES_START, Kind::Data, b"seventeen bytes!!");
    assert_eq!(end, FRAMES_START + 48);
    let mut scratch = Vec::new();
    let envelope = segment.envelope(FRAMES_START).unwrap();
    assert!(segment.verify(FRAMES_START, envelope, &mut scratch));
    for byte in (0..40).step_by(8) {
        let word = segment.mapping.map.load(FRAMES_START + byte, Ordering::Relaxed);
        // Of the last word of the payload only one byte is payload; the rest is padding.
        for bit in 0..if byte == 32 { 8 } else { 64 } {
            segment
                .mapping
                .map
                .store(FRAMES_START + byte, word ^ 1 << bit, Ordering::Relaxed);
            let passes = segment
                .envelope(FRAMES_START)
                .is_some_and(|envelope| segment.verify(FRAMES_START, envelope, &mut scratch));
            assert!(!passes, "byte {byte} bit {bit}");
        }
        segment.mapping.map.store(FRAMES_START + byte, word, Ordering::Relaxed);
    }
    assert_eq!(segment.envelope(end), None);
}

/// The bytes on disk are these, forever: a change here is a new version.
#[test]
fn layout_is_pinned() {
    let segment = segment();
    segment.write(FRAMES_START, Kind::Data, b"hello");
    let mut bytes = [0; 80];
    segment.mapping.map.copy_out(0, &mut bytes);
    assert_eq!(&bytes[..16], b"HYDRASEG\x01\0\x02\0\x01\0\0\0");
    assert_eq!(&bytes[64..72], &number_word(1, 99).to_le_bytes());
    let mut frame = [0; 32];
    segment.mapping.map.copy_out(FRAMES_START, &mut frame);
    assert_eq!(&frame[..5], &[5, 0, 0, 0, 1]);
    assert_eq!(&frame[16..], b"hello\0\0\0\0\0\0\0\0\0\0\0");
}
