//! What a call asks of the heap.

use std::time::Duration;

use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, info};
use hydra_os::hazard::{Fallible, allocations};

#[global_allocator]
static ALLOCATOR: Fallible = Fallible;

/// A thread that has logged before allocates nothing for a record, whatever its fields are, in memory and in a file.
#[test]
fn a_call_allocates_nothing() {
    for is_in_files in [false, true] {
        let dir = tempfile::tempdir().expect("a directory");
        let file = LogDestination::file(dir.path().join("a.log")).format(Format::PlainText);
        let mut config = LoggingConfig::builder().layer("APP", LogLayer::new(Level::Info).destination(file));
        if is_in_files {
            config = config.journal_dir(dir.path().join("journal"));
        }
        let log = HydraLogger::new(config.build().expect("a configuration")).expect("a logger");
        let call = |number: u64| {
            let (name, share) = (name_of(number), number as f64 / 3.0);
            drop(info!(log, layer: "APP", "user {number} is {name}"; share = share, ok = number.is_multiple_of(2)));
        };
        (0..100).for_each(call);
        let before = allocations();
        (0..10_000).for_each(call);
        assert_eq!(allocations() - before, 0, "in files: {is_in_files}");
        log.shutdown(Duration::from_secs(60)).expect("all delivered");
    }
}

fn name_of(number: u64) -> &'static str {
    ["anna", "bert", "a rather long name, with a comma"]
        .get(number as usize % 3)
        .copied()
        .unwrap_or_default()
}
