//! Whether this process is a forked child of the one that opened a journal.
//!
//! A child shares its parent's mapped files and file locks, but has a copy of the tail and none of the threads.
//! Anything it appended would land on top of its parent's records, and closing would take the parent's directory away.
//! So every handle remembers how many forks led to the process it was made in, and refuses in any other.

use std::sync::atomic::{AtomicU32 as StdAtomicU32, Ordering as StdOrdering};

use hydra_os::exit;

/// Forks between the first process that used this library and this one.
static GENERATION: StdAtomicU32 = StdAtomicU32::new(0);

/// Begins to count forks, and returns the count.
pub(crate) fn watch() -> u32 {
    // Without the hook a child is not told apart; the logger's own hook, registered first, is then missing as well.
    let _ = exit::at_fork_child(|| {
        GENERATION.fetch_add(1, StdOrdering::Relaxed);
    });
    generation()
}

/// Returns the count: it differs from the one a handle was made with only in a forked child.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(StdOrdering::Relaxed)
}

#[cfg(all(test, not(loom)))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;
    use crate::{Adopted, CursorState, ErrorKind, Journal, Options, Position};

    /// A forked child can neither append to its parent's journal, nor move its cursors, nor take it or its lock away.
    ///
    /// The fork itself is `hydra-os`'s affair: here the count says that there was one.
    #[test]
    fn a_child_is_refused() {
        if std::env::var_os("HYDRA_FORK_TEST").is_none() {
            // In a process of its own: the count is everybody's.
            let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
            let args = ["fork::tests::a_child_is_refused", "--exact"];
            let output = alone.args(args).env("HYDRA_FORK_TEST", "1").output().unwrap();
            assert!(output.status.success(), "{output:?}");
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let options = Options {
            dir: Some(dir.path().to_owned()),
            segment_bytes: crate::SEGMENT_BYTES_MIN,
            ..Options::default()
        };
        let journal = Journal::create(options).unwrap();
        let head = journal.cursor("head").unwrap();
        let mut writer = journal.writer();
        let end = writer.append(b"the parent's", &[]).unwrap();
        GENERATION.fetch_add(1, StdOrdering::Relaxed);
        let kinds = [
            writer.append(b"the child's", &[]).unwrap_err().kind(),
            journal.append_large(&[1; 20_000], &[]).unwrap_err().kind(),
            journal.sync_to(end).unwrap_err().kind(),
        ];
        let position = Position::END;
        head.save(&CursorState {
            position,
            ..CursorState::default()
        });
        let closed = journal.close();
        GENERATION.fetch_sub(1, StdOrdering::Relaxed);
        assert_eq!((kinds, closed), ([ErrorKind::Closed; 3], false));
        assert!(head.state().position < end);
        assert!(Adopted::all(dir.path()).unwrap().is_empty(), "the parent still owns it");
        writer.append(b"and goes on", &[]).unwrap();
    }
}
