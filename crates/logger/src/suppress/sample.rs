//! A part of the records, at random.

use std::sync::atomic::{AtomicU64, Ordering};

/// Draws a lot for each record. No two loggers draw the same ones, and nothing periodic in a program can fall in step.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// A record passes if its lot is below this; none: all pass.
    below: Option<u64>,
    next: AtomicU64,
}

impl Sampler {
    pub(crate) fn new(part: f64) -> Sampler {
        Sampler::with_seed(part, hydra_os::random::u64())
    }

    fn with_seed(part: f64, seed: u64) -> Sampler {
        Sampler {
            // The conversion stops at the ends of the range, which is what is wanted of it.
            below: (part < 1.0).then(|| (part * 2.0_f64.powi(64)) as u64),
            next: AtomicU64::new(seed),
        }
    }

    pub(crate) fn takes(&self) -> bool {
        let Some(below) = self.below else { return true };
        // SplitMix64: a counter whose every value is mixed into a lot.
        let lot = self.next.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        let lot = (lot ^ lot >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let lot = (lot ^ lot >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (lot ^ lot >> 31) < below
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// About the part asked for passes: of nothing none, of everything all.
    #[test]
    fn about_the_part_passes() {
        for (part, least, most) in [
            (0.0, 0, 0),
            (0.001, 60, 140),
            (0.1, 9_600, 10_400),
            (0.5, 49_200, 50_800),
            (1.0, 100_000, 100_000),
        ] {
            let sampler = Sampler::with_seed(part, 4711);
            let passed = (0..100_000).filter(|_| sampler.takes()).count();
            assert!((least..=most).contains(&passed), "{part}: {passed}");
        }
    }

    /// What comes every other time is sampled as often as what comes in between.
    #[test]
    fn nothing_falls_in_step() {
        let sampler = Sampler::with_seed(0.5, 4711);
        let mut passed = [0_u32; 2];
        for number in 0..10_000 {
            passed[number % 2] += u32::from(sampler.takes());
        }
        assert!(passed[0].abs_diff(passed[1]) < 300, "{passed:?}");
    }
}
