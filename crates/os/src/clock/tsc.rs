//! The processor's time-stamp counter, and whether to believe it.

/// Reads the counter; 0 where there is none.
#[cfg(all(target_arch = "x86_64", not(miri)))]
#[inline]
pub(super) fn ticks() -> u64 {
    // SAFETY: the instruction reads a register and is part of every x86-64. A process that has forbidden it to itself
    // by prctl cannot ask the C library for the time either.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// Reads the counter; 0 where there is none.
#[cfg(not(all(target_arch = "x86_64", not(miri))))]
#[inline]
pub(super) fn ticks() -> u64 {
    0
}

/// Tells whether the counter runs at one pace, at all times, equally on all processors.
///
/// The kernel has watched the counter since the machine's start and takes it for its own clock only if so; we ask it.
#[cfg(all(target_os = "linux", target_arch = "x86_64", not(miri)))]
pub(super) fn is_trustworthy() -> bool {
    const CLOCK_SOURCE: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    std::fs::read_to_string(CLOCK_SOURCE).is_ok_and(|source| source.trim_end() == "tsc")
}

/// Tells whether the counter runs at one pace, at all times, equally on all processors: never where we know of none.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64", not(miri))))]
pub(super) fn is_trustworthy() -> bool {
    false
}
