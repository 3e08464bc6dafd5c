//! What time it is.
//!
//! [`wall_ns`] stamps every record, so it costs about as much as reading the processor's time-stamp counter:
//! [`calibrate`] learns once how the counter relates to the system's clock, and from then on callers multiply. About
//! once a second the caller who happens to notice compares with the system's clock and bends the line a little, so that
//! the two never drift apart; nobody else waits for it, and there is no thread behind this. Where the counter cannot be
//! trusted, and before [`calibrate`], every call asks the system.
//!
//! Deadlines and intervals are measured by [`mono_ns`], which nobody can set.

mod deadline;
mod latch;
mod line;
mod tsc;

pub use deadline::Deadline;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};

use latch::Latch;
use line::{Line, Plan, Reading, STEP_NS_MIN, Sample};
use tsc::ticks;

/// How long calibration watches the counter.
const CALIBRATION_NS: u64 = 500_000;
/// So many implausible rates one after the other, and the counter is given up for good.
const IMPLAUSIBLE_MAX: u32 = 3;
/// How many readings of the clocks one sample is picked from at most.
const SAMPLE_TRIES: u32 = 8;

// The standard library's atomics, under loom too: loom's cannot be in a `static`, and the clock is in no model.
static LATCH: Latch = Latch::new();
static RENEWAL: Renewal = Renewal::new();
static CALIBRATED: Once = Once::new();

/// Returns the wall-clock time in nanoseconds since the Unix epoch, UTC, without leap seconds.
///
/// Within a microsecond or so of `CLOCK_REALTIME`, and within a millisecond right after the system's clock was slewed
/// hard. Never runs backwards on one thread, except when the system's clock was set by a millisecond or more: that is
/// followed by a jump, within about a second. Between threads it is the same time, but the processor may read its
/// counter some tens of nanoseconds before an earlier load is done, and waiting for that would double the cost: what
/// happened in which order is for sequence numbers to say. Never blocks or allocates, and may be called from a signal
/// handler.
///
/// # Examples
///
/// ```
/// hydra_os::clock::calibrate();
/// let before = hydra_os::clock::wall_ns();
/// assert!(hydra_os::clock::wall_ns() >= before);
/// ```
#[inline]
#[must_use]
pub fn wall_ns() -> i64 {
    #[cfg(sim)]
    return simulated(crate::sim::wall_ns);
    #[cfg(not(sim))]
    match LATCH.load().at(ticks()) {
        Reading::Fresh(ns) => ns,
        Reading::Stale(ns) => {
            RENEWAL.try_run(&LATCH);
            ns
        }
        Reading::Beyond => system_wall_ns(),
    }
}

/// Learns how the processor's counter relates to the system's clock, if the counter can be trusted.
///
/// The first call in a process takes up to a millisecond; concurrent calls wait for it, later ones return at once.
/// Calling it is never required: without it [`wall_ns`] is only slower.
pub fn calibrate() {
    #[cfg(not(sim))]
    CALIBRATED.call_once(|| {
        if !tsc::is_trustworthy() {
            return;
        }
        // A child forked while another thread held the lock would else never renew its line.
        let _child_is_slower_without = crate::exit::at_fork_child(unlock_renewal);
        let earlier = sample();
        while system_ns(libc::CLOCK_MONOTONIC) < earlier.mono_ns + CALIBRATION_NS {
            std::hint::spin_loop();
        }
        let later = sample();
        if let Some(line) = Line::first(&earlier, &later) {
            RENEWAL.remember(&later);
            LATCH.publish(&line);
        }
    });
}

/// Returns the nanoseconds since some fixed moment, such as the machine's start; for deadlines and intervals.
///
/// Never runs backwards and is never set; stands still while the machine is suspended.
#[must_use]
pub fn mono_ns() -> u64 {
    #[cfg(sim)]
    return simulated(crate::sim::now_ns);
    #[cfg(not(sim))]
    system_ns(libc::CLOCK_MONOTONIC)
}

/// Asking for the time takes some.
#[cfg(sim)]
fn simulated<T>(ask: fn() -> T) -> T {
    crate::sim::step();
    ask()
}

/// Returns by how many seconds local time is east of UTC at `unix_seconds`; 0 where the system does not know.
///
/// The zone is the one of `TZ`, else of the system, as it was when the process first asked. Takes a lock inside the C
/// library: not for signal handlers.
#[must_use]
pub fn utc_offset_at(unix_seconds: i64) -> i32 {
    let mut parts = std::mem::MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live locals; the call writes to the second only.
    let result = unsafe { libc::localtime_r(&raw const unix_seconds, parts.as_mut_ptr()) };
    if result.is_null() {
        return 0;
    }
    // SAFETY: all zeros is a valid `tm`: numbers, and a pointer that may be null.
    let parts = unsafe { parts.assume_init() };
    i32::try_from(parts.tm_gmtoff).unwrap_or(0)
}

/// Answers where no line does: never calibrated, not to be trusted, or not asked for longer than a line holds.
#[cold]
#[inline(never)]
fn system_wall_ns() -> i64 {
    let line = LATCH.load();
    if line != Line::NOWHERE
        && RENEWAL.try_run(&LATCH)
        && let Reading::Fresh(ns) | Reading::Stale(ns) = LATCH.load().at(ticks())
    {
        return ns;
    }
    let ns = system_ns(libc::CLOCK_REALTIME).cast_signed();
    // Nobody may be told less than the line has told, unless the clock was really set back.
    let line_ns = line.end_ns();
    if line_ns - ns < STEP_NS_MIN {
        ns.max(line_ns)
    } else {
        ns
    }
}

fn unlock_renewal() {
    RENEWAL.is_running.store(false, Ordering::Release);
}

/// What the drawing of lines has to remember, and the lock that lets one caller at a time do it.
struct Renewal {
    is_running: AtomicBool,
    /// The last sample and the implausible rates since the last plausible one; touched under the lock only.
    tick: AtomicU64,
    wall_ns: AtomicI64,
    mono_ns: AtomicU64,
    implausible: AtomicU32,
}

impl Renewal {
    const fn new() -> Self {
        Self {
            is_running: AtomicBool::new(false),
            tick: AtomicU64::new(0),
            wall_ns: AtomicI64::new(0),
            mono_ns: AtomicU64::new(0),
            implausible: AtomicU32::new(0),
        }
    }

    /// Publishes the next line, unless another thread is at it; tells which.
    #[cold]
    #[inline(never)]
    fn try_run(&self, latch: &Latch) -> bool {
        // Pairs with the release store below: what the last holder remembered is seen.
        if self.is_running.swap(true, Ordering::Acquire) {
            return false;
        }
        let line = latch.load();
        // Another thread may have been faster between the caller's look and the lock.
        if !matches!(line.at(ticks()), Reading::Fresh(_)) && line != Line::NOWHERE {
            let now = sample();
            let Plan {
                line,
                is_rate_plausible,
            } = line.next(&self.remembered(), &now);
            let implausible = if is_rate_plausible {
                0
            } else {
                self.implausible.load(Ordering::Relaxed) + 1
            };
            self.implausible.store(implausible, Ordering::Relaxed);
            self.remember(&now);
            latch.publish(if implausible < IMPLAUSIBLE_MAX {
                &line
            } else {
                &Line::NOWHERE
            });
        }
        // Pairs with the acquire swap above.
        self.is_running.store(false, Ordering::Release);
        true
    }

    fn remembered(&self) -> Sample {
        Sample {
            tick: self.tick.load(Ordering::Relaxed),
            wall_ns: self.wall_ns.load(Ordering::Relaxed),
            mono_ns: self.mono_ns.load(Ordering::Relaxed),
        }
    }

    fn remember(&self, sample: &Sample) {
        self.tick.store(sample.tick, Ordering::Relaxed);
        self.wall_ns.store(sample.wall_ns, Ordering::Relaxed);
        self.mono_ns.store(sample.mono_ns, Ordering::Relaxed);
    }
}

/// Reads all clocks at one moment: of several tries the one that took the fewest ticks, for it was not interrupted.
fn sample() -> Sample {
    let (mut best, mut best_width) = (Sample::default(), u64::MAX);
    for _ in 0..SAMPLE_TRIES {
        let before = ticks();
        let wall_ns = system_ns(libc::CLOCK_REALTIME).cast_signed();
        let mono_ns = system_ns(libc::CLOCK_MONOTONIC);
        let width = ticks().wrapping_sub(before);
        if width < best_width {
            best = Sample {
                tick: before.wrapping_add(width / 2),
                wall_ns,
                mono_ns,
            };
            best_width = width;
        }
    }
    best
}

fn system_ns(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a live local; for the two clocks asked for here the call cannot fail.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    // Times before 1970 wrap round, and are unwrapped by whoever takes the result for a signed number.
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The time is the system's to within a millisecond, before calibration and after.
    #[test]
    fn wall_clock_is_the_systems() {
        for _ in 0..2 {
            for _ in 0..1_000 {
                let before = system_ns(libc::CLOCK_REALTIME).cast_signed();
                let ns = wall_ns();
                let after = system_ns(libc::CLOCK_REALTIME).cast_signed();
                assert!(
                    (before - 1_000_000..=after + 1_000_000).contains(&ns),
                    "{ns} not in {before}..={after}"
                );
            }
            calibrate();
        }
    }

    /// Time never runs backwards in a million calls on each of four threads, and is the same time on all of them.
    #[test]
    fn wall_clock_is_monotonic() {
        calibrate();
        let newest = AtomicI64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mut last = 0;
                    for _ in 0..1_000_000 {
                        let told = newest.load(Ordering::Acquire);
                        let ns = wall_ns();
                        assert!(ns >= last, "{ns} after {last}");
                        // A microsecond is far above what a processor reorders, and far below what a bad line would do.
                        assert!(ns > told - 1_000, "{ns} after another thread's {told}");
                        newest.fetch_max(ns, Ordering::Release);
                        last = ns;
                    }
                });
            }
        });
    }

    /// The monotonic clock runs, and never backwards.
    #[test]
    fn mono_clock_runs() {
        let first = mono_ns();
        while mono_ns() == first {}
        assert!(mono_ns() > first);
    }

    /// A moment too far away for the system's calendar has no offset, and no panic.
    #[test]
    fn absurd_moments_have_no_offset() {
        assert_eq!(utc_offset_at(i64::MAX), 0);
        assert_eq!(utc_offset_at(i64::MIN), 0);
    }
}
