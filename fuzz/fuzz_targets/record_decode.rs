//! Whatever stands in a frame, decoding it ends with a record or an error, and a record can be shown.
//!
//! The input is a sequence of chunks, each behind its length in two bytes; all but the last are notes.

#![no_main]

use std::hint::black_box;

use hydra_record::{Dictionary, LayerNote, Peek};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut dictionary = Dictionary::new();
    // One good layer, so that the decoder gets past the look-up more often.
    let mut layer = Vec::new();
    LayerNote::put(1, "API", "API", &mut layer);
    assert!(dictionary.learn(&layer));

    let mut rest = input;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length));
        let Some((chunk, after)) = after.split_at_checked(length) else {
            break;
        };
        dictionary.learn(chunk);
        rest = after;
    }
    black_box(Peek::read(rest));
    if let Ok(record) = dictionary.decode(rest, 1) {
        black_box(record.message());
        black_box(record.fields().count());
        black_box(record.context().count());
        black_box((record.layer(), record.route(), record.thread_name(), record.location()));
    }
});
