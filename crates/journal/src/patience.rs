//! How long the keeper waits for heads to leave a segment before it makes a new one.
//!
//! A segment that is used again is in the page cache and mapped; a new one costs as much as writing all of it does. As
//! long as heads are close behind, one is about to be left, and making another would cost more than it saves. A head
//! that stands still is found out by waiting in vain, and each time in a row halves the next wait: soon nobody waits
//! for it at all. A producer that finds no segment waits in the place of the keeper's work, so for that the wait is
//! short.
//!
//! Each wait in vain leaves the heads another segment behind, and those that are faster than the producers only when
//! these wait would stay so for good, reading from memory that is no longer at hand. So of the segments that a quick
//! head leaves, every other one may be let go: the wait for the next is not long.

use std::time::Duration;

use hydra_os::clock::Deadline;

/// While there is a spare: nobody waits.
const AT_LEISURE: Duration = Duration::from_millis(20);
/// While there is none: a producer may.
const AT_NEED: Duration = Duration::from_millis(3);
/// What is left within this time after another segment is left by a quick head: two such waits are no longer than one.
const SOON: Duration = Duration::from_micros(1500);
/// So many waits in vain, and there is none any more.
const IN_VAIN_MAX: u32 = 16;

/// The keeper's patience.
#[derive(Debug)]
pub(crate) struct Patience {
    /// When it ends, and how many spares there were when it began.
    wait: Option<(Deadline, usize)>,
    /// How many waits in a row have brought nothing.
    in_vain: u32,
    /// Until when the next segment to be left is left by a quick head.
    soon: Option<Deadline>,
    /// Whether the segment left last may be let go.
    spares_it: bool,
}

impl Patience {
    pub(crate) const fn new() -> Patience {
        Patience {
            wait: None,
            in_vain: 0,
            soon: None,
            spares_it: false,
        }
    }

    /// That of a keeper which has nothing to wait for yet.
    pub(crate) const fn none() -> Patience {
        Patience {
            in_vain: IN_VAIN_MAX,
            ..Patience::new()
        }
    }

    /// Returns how long it still lasts, if the keeper is waiting.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.wait.map(|(due, _)| due.left())
    }

    /// Notes that a segment has been left. Returns whether it may be let go, if there are more than are kept at hand.
    pub(crate) fn reward(&mut self) -> bool {
        let is_soon = self.soon.is_some_and(|soon| !soon.is_over());
        *self = Patience {
            soon: Some(Deadline::after(SOON)),
            spares_it: is_soon && !self.spares_it,
            ..Patience::new()
        };
        self.spares_it
    }

    /// Says whether to wait on, with so many spares left. It begins with the first question.
    pub(crate) fn holds(&mut self, spares: usize) -> bool {
        let whole = if spares > 0 { AT_LEISURE } else { AT_NEED };
        let wait = whole / 2_u32.saturating_pow(self.in_vain);
        let due = match self.wait {
            // The last spare has been taken meanwhile.
            Some((due, before)) if before > spares => due.min(Deadline::after(wait)),
            Some((due, _)) => due,
            None if self.in_vain >= IN_VAIN_MAX => return false,
            None => Deadline::after(wait),
        };
        if due.is_over() {
            self.wait = None;
            self.in_vain = (self.in_vain + 1).min(IN_VAIN_MAX);
            return false;
        }
        self.wait = Some((due, spares));
        true
    }
}

#[cfg(all(test, not(any(loom, sim))))]
mod tests {
    use super::*;

    /// Waits in vain become shorter, until there are none; what is left in time brings them back.
    #[test]
    fn waiting_in_vain_ends() {
        let mut patience = Patience::new();
        let mut waits = 0;
        for _ in 0..IN_VAIN_MAX {
            while patience.holds(0) {
                waits += 1;
                std::hint::spin_loop();
            }
            assert!(patience.left().is_none());
        }
        assert!(waits > 0);
        assert!(!patience.holds(1) && !patience.holds(0));
        patience.reward();
        assert!(patience.holds(1));
    }

    /// It is shorter once the last spare has been taken.
    #[test]
    fn need_makes_it_shorter() {
        let mut patience = Patience::new();
        assert!(patience.holds(1));
        let at_leisure = patience.left().unwrap_or_default();
        assert!(at_leisure > AT_NEED || patience.wait.is_some_and(|(due, _)| due.is_over()));
        while patience.holds(0) {
            assert!(patience.left().is_some_and(|left| left <= AT_NEED));
        }
    }

    /// A journal that is being made waits for nothing.
    #[test]
    fn none_is_none() {
        assert!(!Patience::none().holds(0) && !Patience::none().holds(1));
    }

    /// Of the segments that a quick head leaves, never two in a row may be let go, and the first never.
    #[test]
    fn every_other_one_may_be_let_go() {
        let mut patience = Patience::new();
        let spared: Vec<bool> = (0..1_000).map(|_| patience.reward()).collect();
        assert!(!spared[0] && spared.contains(&true));
        assert!(spared.windows(2).all(|two| two != [true, true]));
    }
}
