//! Ticks into nanoseconds: one straight line at a time, and how the next one is drawn.
//!
//! A line holds from its start for [`Line::ticks_max`] ticks. Half-way through, some caller compares it with the
//! system's clock and draws the line that follows *from the old one's end on*, bent so that it meets the system's clock
//! at its own end. The new one knows the old one's rate too, and gives the same answers up to the bend: both are right
//! at once, so it never matters when a thread comes to see the new one, and time cannot run backwards. Only a
//! difference of [`STEP_NS_MIN`] or more, as after a suspension or when someone sets the clock, is answered by a jump.
//!
//! Nothing in this file asks the system for anything; all of it runs on made-up samples in the tests.

/// Binary digits of a rate after the point.
const RATE_SHIFT: u32 = 40;
/// The difference from the system's clock from which on we jump rather than bend.
pub(super) const STEP_NS_MIN: i64 = 1_000_000;
/// For how long the first line holds; each later one twice as long as the one before, for rates get better known.
const FIRST_LINE_NS: u64 = 20_000_000;
/// For how long a line holds at most.
const LINE_NS_MAX: u64 = 1_000_000_000;
/// A bend never changes the rate by more than one part in this: time neither races nor stands still.
const BEND_PART: i128 = 1_000;
/// A measured rate more than one part in this from the one before is no rate but an accident, such as a suspension.
const RATE_PART: u64 = 10;

/// The clocks, read at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) tick: u64,
    pub(super) wall_ns: i64,
    /// Runs at the wall clock's pace but is never set: the ruler for rates.
    pub(super) mono_ns: u64,
}

/// What wall-clock time it is at each tick of a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// The bend: where `rate` takes over from `rate_before`.
    pub(super) tick: u64,
    pub(super) ns: i64,
    /// Nanoseconds per tick, in units of 2^-[`RATE_SHIFT`].
    pub(super) rate: u64,
    pub(super) rate_before: u64,
    /// How far to either side of the bend the line holds, exclusive.
    pub(super) ticks_max: u64,
}

/// A line's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// Nanoseconds since the epoch.
    Fresh(i64),
    /// The same, and it is time to draw the next line.
    Stale(i64),
    /// The line does not hold for this tick.
    Beyond,
}

/// The next line, and whether the rate measured for it was believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) line: Line,
    pub(super) is_rate_plausible: bool,
}

impl Line {
    /// The line that holds for no tick at all.
    pub(super) const NOWHERE: Self = Self {
        tick: 0,
        ns: 0,
        rate: 0,
        rate_before: 0,
        ticks_max: 0,
    };

    /// Draws the first line, from two samples a while apart.
    pub(super) fn first(earlier: &Sample, later: &Sample) -> Option<Self> {
        let rate = measured_rate(earlier, later)?;
        let ticks_max = ticks_of(FIRST_LINE_NS, rate);
        Some(Self {
            tick: later.tick,
            ns: later.wall_ns,
            rate,
            rate_before: rate,
            ticks_max,
        })
    }

    /// Reads the line at tick `now`.
    #[inline]
    pub(super) fn at(&self, now: u64) -> Reading {
        let after = now.wrapping_sub(self.tick);
        if after < self.ticks_max {
            let ns = self.ns + ns_of(after, self.rate);
            return if after < self.ticks_max / 2 {
                Reading::Fresh(ns)
            } else {
                Reading::Stale(ns)
            };
        }
        let before = self.tick.wrapping_sub(now);
        if before < self.ticks_max {
            Reading::Fresh(self.ns - ns_of(before, self.rate_before))
        } else {
            Reading::Beyond
        }
    }

    /// Returns the time at the line's end, which no reading of it exceeds.
    pub(super) fn end_ns(&self) -> i64 {
        self.ns + ns_of(self.ticks_max, self.rate)
    }

    /// Draws the line that follows this one, from the sample used last time and a new one.
    pub(super) fn next(&self, last: &Sample, now: &Sample) -> Plan {
        let nearest = self.rate / RATE_PART;
        let measured = measured_rate(last, now).filter(|rate| rate.abs_diff(self.rate) <= nearest);
        let rate = measured.unwrap_or(self.rate);
        let ticks_max = self.ticks_max.saturating_mul(2).min(ticks_of(LINE_NS_MAX, rate));
        let line = match self.at(now.tick) {
            Reading::Fresh(ns) | Reading::Stale(ns) if is_small(now.wall_ns.saturating_sub(ns)) => {
                self.bent(now, rate, ticks_max)
            }
            // Not asked for so long that the line ran out: begin anew, but not before its end.
            Reading::Beyond if is_small(self.end_ns().saturating_sub(now.wall_ns)) => {
                let ns = now.wall_ns.max(self.end_ns());
                Self {
                    tick: now.tick,
                    ns,
                    rate,
                    rate_before: rate,
                    ticks_max,
                }
            }
            _ => Self {
                tick: now.tick,
                ns: now.wall_ns,
                rate,
                rate_before: rate,
                ticks_max,
            },
        };
        Plan {
            line,
            is_rate_plausible: measured.is_some(),
        }
    }

    /// Draws the line that begins where this one ends and heads for the system's clock, which runs at `rate`.
    fn bent(&self, now: &Sample, rate: u64, ticks_max: u64) -> Self {
        let (tick, ns) = (self.tick.wrapping_add(self.ticks_max), self.end_ns());
        let system_ns = now.wall_ns + ns_of(tick.wrapping_sub(now.tick), rate);
        let bend_max = i128::from(rate) / BEND_PART;
        let bend = (i128::from(system_ns - ns) << RATE_SHIFT) / i128::from(ticks_max.max(1));
        let rate = i128::from(rate) + bend.clamp(-bend_max, bend_max);
        Self {
            tick,
            ns,
            rate: rate as u64,
            rate_before: self.rate,
            ticks_max,
        }
    }
}

fn is_small(difference_ns: i64) -> bool {
    difference_ns.unsigned_abs() < STEP_NS_MIN.unsigned_abs()
}

/// Nanoseconds that `ticks` ticks last; no overflow below centuries of ticks.
#[inline]
fn ns_of(ticks: u64, rate: u64) -> i64 {
    ((u128::from(ticks) * u128::from(rate)) >> RATE_SHIFT) as i64
}

fn ticks_of(ns: u64, rate: u64) -> u64 {
    ((u128::from(ns) << RATE_SHIFT) / u128::from(rate.max(1))) as u64
}

/// Returns nothing when the two samples cannot be a moment and a later one.
fn measured_rate(earlier: &Sample, later: &Sample) -> Option<u64> {
    let ticks = later.tick.checked_sub(earlier.tick).filter(|ticks| *ticks > 0)?;
    let ns = later.mono_ns.checked_sub(earlier.mono_ns)?;
    u64::try_from((u128::from(ns) << RATE_SHIFT) / u128::from(ticks))
        .ok()
        .filter(|rate| *rate > 0)
}

#[cfg(test)]
mod tests;
