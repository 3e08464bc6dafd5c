//! What the harness and the machine cost by themselves: a call that copies its arguments into memory and does nothing
//! else. No logger that keeps them can be faster; what is above it is the logger's own.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Figures, figures};
use crate::child;
use crate::peer::{Error, Peer, Setup};
use crate::results;
use crate::scenario::PACE_PER_SECOND;
use crate::workload::Event;

/// As much memory as a journal goes round in.
const RING_WORDS: usize = (16 << 20) / 8;
/// About the size of a record.
const RECORD_WORDS: u64 = 8;

/// Takes the arguments and forgets them.
struct Ring {
    words: Vec<AtomicU64>,
    tail: AtomicU64,
}

impl Peer for Ring {
    fn start(_: &Setup) -> Result<Self, Error> {
        Ok(Self::new())
    }

    #[inline(never)]
    fn message(&self, event: &Event) {
        let at = self.tail.fetch_add(RECORD_WORDS, Ordering::SeqCst) as usize % RING_WORDS;
        let mut ip = [0; 8];
        ip.iter_mut().zip(event.ip.bytes()).for_each(|(to, byte)| *to = byte);
        let record = [1, event.id, u64::from_le_bytes(ip), event.ms.to_bits(), 2, 3, 4, 5];
        for (word, value) in self.words.iter().skip(at).zip(record) {
            word.store(value, Ordering::Release);
        }
    }

    fn fields(&self, event: &Event) {
        self.message(event);
    }

    fn disabled(&self, _: &Event) {}

    fn finish(self) -> Result<(), Error> {
        Ok(())
    }
}

impl Ring {
    fn new() -> Self {
        let words = std::iter::repeat_with(|| AtomicU64::new(1)).take(RING_WORDS).collect();
        Self {
            words,
            tail: AtomicU64::new(0),
        }
    }
}

pub(super) fn run(quick: bool) -> Result<Figures, Error> {
    let records = if quick { 200_000 } else { 1_000_000 };
    let times = |gap_ns| {
        let measured = child::latency(Ring::new(), records, gap_ns)?;
        let points = results::points(&measured).ok_or("the harness has printed no quantiles")?;
        Ok::<_, Error>(move |part| results::at(&points, part).unwrap_or(f64::NAN))
    };
    let (full, paced) = (times(None)?, times(Some(1_000_000_000 / PACE_PER_SECOND))?);
    Ok(figures([
        ("full_p50_ns", full(0.5)),
        ("full_p99_ns", full(0.99)),
        ("paced_p50_ns", paced(0.5)),
        ("paced_p99_ns", paced(0.99)),
        ("paced_p999_ns", paced(0.999)),
    ]))
}
