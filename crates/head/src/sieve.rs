//! Finds the record that a destination will never take.
//!
//! A batch that is rejected is halved: what comes before the record at fault is delivered on the way, so that order is
//! kept, and after about log2 n tries it stands alone.

/// Panics in a row over the same records after which they are taken for rejected.
const PANICS_MAX: u32 = 5;

/// What is known about the records that come next.
#[derive(Debug, Default)]
pub(crate) struct Sieve {
    /// One of so many of the next records is at fault; 0 when nothing is known.
    among: usize,
    /// How many are being tried now.
    trying: usize,
    panics: u32,
}

impl Sieve {
    /// How many of the next `all` records should be tried together.
    pub(crate) fn limit(&self, all: usize) -> usize {
        match self.among {
            0 => all,
            1 => 1,
            among => among / 2,
        }
    }

    /// So many are being tried.
    pub(crate) fn tries(&mut self, records: usize) {
        self.trying = records;
    }

    /// So many were taken.
    pub(crate) fn passed(&mut self, records: usize) {
        self.among = self.among.saturating_sub(records);
        self.panics = 0;
    }

    /// Counts a panic, and says whether what is being tried is to be taken for rejected.
    pub(crate) fn is_panic_final(&mut self) -> bool {
        self.panics += 1;
        self.among > 0 || self.panics >= PANICS_MAX
    }

    /// What is being tried was rejected. Says whether it is the one record at fault.
    pub(crate) fn stopped_at_one(&mut self) -> bool {
        self.among = self.trying.max(1);
        self.trying <= 1
    }

    /// The record at fault is out of the way.
    pub(crate) fn reset(&mut self) {
        *self = Sieve::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of any number of records the one at fault is found in no more than log2 n and two tries, and each other one is
    /// taken once, in order.
    #[test]
    fn finds_the_one_in_few_tries() {
        for count in 1..200usize {
            for fault in 0..count {
                let (mut sieve, mut done, mut tries) = (Sieve::default(), 0, 0);
                let found = loop {
                    let trying = sieve.limit(count - done);
                    sieve.tries(trying);
                    tries += 1;
                    assert!(done <= fault && trying > 0);
                    if done + trying <= fault {
                        sieve.passed(trying);
                        done += trying;
                    } else if sieve.stopped_at_one() {
                        break done;
                    }
                };
                assert_eq!(found, fault);
                assert!(tries <= count.ilog2() + 3, "{tries} tries for {fault} of {count}");
            }
        }
    }
}
