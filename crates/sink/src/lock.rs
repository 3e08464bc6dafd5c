//! Keeping other processes out of a file while it is written to, with a bound on the waiting.

use std::io;
use std::time::Duration;

use hydra_os::atomic::{Condvar, Mutex, yield_now};
use hydra_os::clock::mono_ns;
use hydra_os::disk::File;

/// How often the lock is asked for without a pause: a write under the lock takes some ten microseconds.
const EAGER_TRIES: u32 = 64;
/// How long a pause between two later tries is.
const PAUSE: Duration = Duration::from_micros(500);

/// What came of asking for a lock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Lock {
    /// It is ours, until it is given up or the file is closed.
    Held,
    /// The file system has no locks.
    Unsupported,
    /// It was asked for in vain for as long as allowed.
    Busy,
    /// It was not got before it became pointless.
    Moot,
}

/// Takes the lock of `file`, asking for `wait_ms_max` milliseconds at most, or until `is_moot`.
///
/// The kernel would wait for us, but without bound, and a lock may be with a process that was stopped.
pub(crate) fn take(file: &File, wait_ms_max: u64, mut is_moot: impl FnMut() -> bool) -> io::Result<Lock> {
    let deadline = mono_ns().saturating_add(wait_ms_max.saturating_mul(1_000_000));
    let mut tries = 0;
    loop {
        match file.try_lock() {
            Ok(true) => return Ok(Lock::Held),
            Ok(false) => {}
            Err(error) if is_unsupported(&error) => return Ok(Lock::Unsupported),
            Err(error) => return Err(error),
        }
        tries += 1;
        if tries < EAGER_TRIES {
            yield_now();
        } else if is_moot() {
            return Ok(Lock::Moot);
        } else if mono_ns() >= deadline {
            return Ok(Lock::Busy);
        } else {
            pause();
        }
    }
}

/// Nothing wakes a thread that waits for another process: this only gives the processor away.
pub(crate) fn pause() {
    let nobody = Mutex::new(());
    if let Ok(guard) = nobody.lock() {
        drop(Condvar::new().wait_timeout(guard, PAUSE));
    }
}

fn is_unsupported(error: &io::Error) -> bool {
    // ENOLCK (37) is what a network file system without its lock daemon says.
    error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(37)
}

#[cfg(test)]
mod tests {
    use hydra_os::disk::Mode;

    use super::*;

    /// Waiting for a lock ends at its bound, or as soon as it is pointless.
    #[test]
    fn bounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let one = File::open(&path, Mode::CreateAppend).unwrap();
        let two = File::open(&path, Mode::CreateAppend).unwrap();
        assert_eq!(take(&one, 0, || false).unwrap(), Lock::Held);
        assert_eq!(take(&one, 0, || false).unwrap(), Lock::Held);
        assert_eq!(take(&two, 2, || false).unwrap(), Lock::Busy);
        assert_eq!(take(&two, 60_000, || true).unwrap(), Lock::Moot);
        drop(one);
        assert_eq!(take(&two, 0, || false).unwrap(), Lock::Held);
    }
}
