//! A logger in a program's darker corners: values that log themselves, threads that end, a static that is first used.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::cell::RefCell;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use hydra_logger::testing::TestLog;
use hydra_logger::{ErrorKind, HydraLogger, LoggingConfig, info};

/// How deep values may log within one another.
const NESTED_MAX: usize = 8;

/// A value that logs itself is cut off where it is plain that there is no end to it: what was outermost is recorded,
/// the innermost call is told, and counted.
#[test]
fn a_value_that_logs_itself() {
    struct Endless<'l>(&'l HydraLogger, &'l OnceLock<ErrorKind>);
    impl fmt::Display for Endless<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if let Err(error) = info!(self.0, "again: {}", self).wait() {
                let _ = self.1.set(error.kind());
            }
            f.write_str("shown")
        }
    }
    let (test, told) = (TestLog::new(), OnceLock::new());
    info!(test, "outermost: {}", Endless(&test, &told)).wait().unwrap();
    let messages = test.messages();
    assert_eq!(messages.len(), 1 + NESTED_MAX);
    assert_eq!(messages.last().unwrap(), "outermost: shown");
    assert!(messages[..NESTED_MAX].iter().all(|message| message == "again: shown"));
    assert_eq!((told.get(), test.health().refused), (Some(&ErrorKind::Nested), 1));
}

/// What a thread's own values log while it ends arrives, also from a thread that has never logged before.
#[test]
fn thread_locals_that_log_while_they_go() {
    struct Last(HydraLogger, &'static str);
    impl Drop for Last {
        fn drop(&mut self) {
            info!(self.0, "{} goes", self.1).wait().unwrap();
        }
    }
    thread_local!(static LAST: RefCell<Option<Last>> = const { RefCell::new(None) });
    let test = TestLog::new();
    for (name, is_first) in [("one", true), ("other", false)] {
        let log = (*test).clone();
        let thread = std::thread::spawn(move || {
            if is_first {
                info!(log, "{name} comes");
            }
            LAST.with(|last| *last.borrow_mut() = Some(Last(log, name)));
        });
        thread.join().unwrap();
    }
    assert_eq!(test.messages(), ["one comes", "one goes", "other goes"]);
}

/// A logger in a static is there when it is first used, by whichever thread comes first.
#[test]
fn a_static_that_is_made_when_it_is_used() {
    static LOG: LazyLock<HydraLogger> = LazyLock::new(|| {
        let config = LoggingConfig::default();
        HydraLogger::new(config).unwrap()
    });
    let threads: Vec<_> = (0..4)
        .map(|number| std::thread::spawn(move || info!(LOG, layer: "STATIC", "thread {number}").wait().unwrap()))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    LOG.flush(std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(LOG.balance().iter().map(|balance| balance.delivered).sum::<u64>(), 4);
}
