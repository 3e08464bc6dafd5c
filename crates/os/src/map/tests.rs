#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::fs::OpenOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

const LEN: usize = 64 * 1024;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index * 7 + 1) as u8).collect()
}

fn scratch_file(len: u64) -> File {
    let file = tempfile::tempfile().unwrap();
    file.set_len(len).unwrap();
    File::from(file)
}

/// Bytes of every length from 0 to 300 come back as they went in, at any word, without touching their neighbours.
#[test]
fn bytes_of_every_length_come_back() {
    let map = Map::anonymous(4096).unwrap();
    for offset in [0, 8, 16, 104, 4096 - 304] {
        for len in 0..=300 {
            let bytes = pattern(len);
            map.zero(0, map.len());
            map.copy_in(offset, &bytes);
            let mut out = vec![0xAA; len];
            map.copy_out(offset, &mut out);
            assert_eq!(out, bytes, "copy_out of {len} bytes at {offset}");
            let mut appended = vec![1, 2, 3];
            map.append_to(offset, len, &mut appended);
            assert_eq!(appended.split_at(3), ([1, 2, 3].as_slice(), bytes.as_slice()));
            let mut all = vec![0; map.len()];
            map.copy_out(0, &mut all);
            all.drain(offset..offset + len);
            assert!(all.iter().all(|byte| *byte == 0), "{len} bytes at {offset} spilled");
        }
    }
}

/// The last word of a copy is padded with zeros, over whatever stood there.
#[test]
fn last_word_is_padded_with_zeros() {
    let map = Map::anonymous(16).unwrap();
    map.store(0, u64::MAX, Ordering::Relaxed);
    map.copy_in(0, b"abc");
    let mut out = [0xFF; 8];
    map.copy_out(0, &mut out);
    assert_eq!(&out, b"abc\0\0\0\0\0");
}

/// A word is little-endian in the byte image.
#[test]
fn words_are_little_endian() {
    let map = Map::anonymous(16).unwrap();
    map.store(8, 0x0102_0304_0506_0708, Ordering::Relaxed);
    let mut out = [0; 8];
    map.copy_out(8, &mut out);
    assert_eq!(out, [8, 7, 6, 5, 4, 3, 2, 1]);
    assert_eq!(map.load(8, Ordering::Relaxed), 0x0102_0304_0506_0708);
}

/// Every access that is misaligned or leaves the map panics, at the edges and for absurd numbers too.
#[test]
fn accesses_outside_panic() {
    let map = Map::anonymous(64).unwrap();
    let panics = |access: &dyn Fn(&Map)| catch_unwind(AssertUnwindSafe(|| access(&map))).is_err();
    for offset in [1, 4, 64, 72, usize::MAX - 7, usize::MAX] {
        assert!(
            panics(&|map| _ = map.load(offset, Ordering::Relaxed)),
            "load at {offset}"
        );
        assert!(
            panics(&|map| map.store(offset, 1, Ordering::Relaxed)),
            "store at {offset}"
        );
        assert!(panics(&|map| map.copy_in(offset, b"x")), "copy_in at {offset}");
        assert!(panics(&|map| map.copy_out(offset, &mut [0])), "copy_out at {offset}");
        assert!(
            panics(&|map| map.append_to(offset, 1, &mut Vec::new())),
            "append_to at {offset}"
        );
        assert!(panics(&|map| map.zero(offset, 1)), "zero at {offset}");
    }
    assert!(panics(&|map| map.copy_in(56, &[0; 9])));
    assert!(panics(&|map| map.copy_in_behind(40, &[0; 9], |_, _| {}).publish(1, 1)));
    assert!(panics(&|map| map.copy_in_behind(56, &[], |_, _| {}).publish(1, 1)));
    assert!(panics(&|map| map.append_to(0, usize::MAX, &mut Vec::new())));
    assert!(panics(&|map| _ = map.sync(60, 5)));
    assert!(panics(&|map| _ = map.sync(1, usize::MAX)));
    map.copy_in(56, &[1; 8]);
    map.copy_in(64, &[]);
    map.sync(60, 4).unwrap();
}

/// A new anonymous map holds zeros, and keeps what it holds when asked to prefault or to release its pages.
#[test]
fn anonymous_is_zero_and_keeps_its_data() {
    let map = Map::anonymous(LEN).unwrap();
    let mut out = vec![1; LEN];
    map.copy_out(0, &mut out);
    assert!(out.iter().all(|byte| *byte == 0));
    map.copy_in(0, &pattern(LEN));
    map.prefault().unwrap();
    map.release_pages();
    map.sync(0, LEN).unwrap();
    map.copy_out(0, &mut out);
    assert_eq!(out, pattern(LEN));
}

/// Lengths that cannot be mapped are refused as input, not by the system.
#[test]
fn impossible_lengths_are_refused() {
    for len in [0, 1, 4095, usize::MAX - 7] {
        assert_eq!(
            Map::anonymous(len).unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{len}"
        );
    }
    let file = scratch_file(4096);
    assert_eq!(Map::file(&file, 8192).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

/// What is stored in a file's map is seen by a read-only map of the file and by reading the file.
#[test]
fn file_map_is_shared() {
    let path = std::env::temp_dir().join(format!("hydra-os-map-{}", std::process::id()));
    let std_file = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
        .unwrap();
    std_file.set_len(LEN as u64).unwrap();
    let writer = Map::file(&File::from(std_file), LEN).unwrap();
    let reader = Map::file_read_only(&File::from(std::fs::File::open(&path).unwrap()), LEN).unwrap();
    reader.prefault().unwrap();
    writer.prefault().unwrap();
    writer.copy_in(4088, &pattern(300));
    writer.store(0, 77, Ordering::Release);
    assert_eq!(reader.load(0, Ordering::Acquire), 77);
    let mut out = Vec::new();
    reader.append_to(4088, 300, &mut out);
    assert_eq!(out, pattern(300));
    writer.sync(4090, 298).unwrap();
    writer.sync(0, LEN).unwrap();
    assert_eq!(std::fs::read(&path).unwrap()[4088..4388], pattern(300));
    std::fs::remove_file(&path).unwrap();
}

/// A read-only map refuses every store by a panic, not by a signal.
#[test]
fn read_only_map_refuses_stores() {
    let map = Map::file_read_only(&scratch_file(4096), 4096).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| map.store(0, 1, Ordering::Relaxed))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| map.copy_in(0, b"x"))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| map.zero(0, 8))).is_err());
}

/// Releasing the pages of a file's map keeps unsynced data, and a store afterwards lands.
#[test]
fn released_pages_keep_their_data() {
    let file = scratch_file(LEN as u64);
    let map = Map::file(&file, LEN).unwrap();
    map.copy_in(0, &pattern(LEN));
    map.release_pages();
    let mut out = vec![0; LEN];
    map.copy_out(0, &mut out);
    assert_eq!(out, pattern(LEN));
    map.store(8, 5, Ordering::Relaxed);
    assert_eq!(map.load(8, Ordering::Relaxed), 5);
}

/// Touching pages by hand, as on an old kernel, never loses a store made meanwhile by another thread.
#[test]
fn touching_keeps_concurrent_stores() {
    let map = Map::anonymous(LEN).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|_| map.memory.touch()));
        for round in 1..=2_000 {
            map.store(0, round, Ordering::Relaxed);
            assert_eq!(map.load(0, Ordering::Relaxed), round);
        }
    });
    assert_eq!(map.load(0, Ordering::Relaxed), 2_000);
}

/// What is copied in pairs stands there as if it had been copied in words, the last pair padded with zeros, each pair
/// is shown once, in order, and the pair before them is there once it is published.
#[test]
fn pairs_are_as_words_and_are_shown() {
    let (pairs, words) = (Map::anonymous(1024).unwrap(), Map::anonymous(1024).unwrap());
    for len in 0..=300 {
        let bytes = pattern(len);
        pairs.store(16 + len.next_multiple_of(16) - 8, 7, Ordering::Relaxed);
        let mut shown = Vec::new();
        pairs.zero(0, 16);
        let lead = pairs.copy_in_behind(0, &bytes, |first, second| {
            shown.extend(first.to_le_bytes());
            shown.extend(second.to_le_bytes());
        });
        let leads = || [0, 8].map(|offset| pairs.load(offset, Ordering::Relaxed));
        assert_eq!(leads(), [0, 0]);
        lead.publish(1, 2);
        assert_eq!(leads(), [1, 2]);
        words.zero(0, words.len());
        words.copy_in(16, &bytes);
        let mut both = [vec![0; len.next_multiple_of(16)], vec![0; len.next_multiple_of(16)]];
        pairs.copy_out(16, &mut both[0]);
        words.copy_out(16, &mut both[1]);
        assert_eq!(both[0], both[1], "{len} bytes");
        assert_eq!(shown, both[1], "{len} bytes");
    }
}
