//! A layer can be kept from flooding, and nothing it holds back goes uncounted or untold.
#![cfg(feature = "testing")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::time::Duration;

use hydra_logger::config::Rate;
use hydra_logger::testing::{Capture, ManualClock, TestLog};
use hydra_logger::{Guarantee, Level, LogLayer, LoggingConfig, Value, context, error, info, warning};
use proptest::prelude::*;

const SECOND: Duration = Duration::from_secs(1);

/// A logger of one layer with a clock that stands still.
fn test(layer: impl FnOnce(LogLayer) -> LogLayer) -> (TestLog, ManualClock) {
    let (clock, capture) = (ManualClock::new(), Capture::new());
    let layer = layer(LogLayer::new(Level::Info).destination(capture.destination()));
    let config = LoggingConfig::builder().layer("DEFAULT", layer).build().unwrap();
    (TestLog::with_clock(config, &clock), clock)
}

/// Of the records in a window so many pass as the limit says; the rest is told once, at its end, with the highest
/// level, and the next window begins with the next record.
#[test]
fn limit() {
    let (log, clock) = test(|layer| layer.limit(Rate::new(2, SECOND)));
    for number in 0..5 {
        info!(log, "{number}");
    }
    warning!(log, "loud");
    clock.advance(SECOND / 2);
    assert_eq!(log.messages(), ["0", "1"]);
    clock.advance(SECOND / 2);
    let records = log.records();
    assert_eq!(records[2].message(), "4 records suppressed: 4 over the limit");
    assert_eq!(records[2].level(), Level::Warning);
    assert_eq!(records[2].field("suppressed_over_limit"), Some(Value::U64(4)));
    assert_eq!(records[2].field("suppressed"), Some(Value::U64(4)));
    info!(log, "next");
    clock.advance(10 * SECOND);
    assert_eq!(log.messages()[3..], ["next"], "what is told is not told again");
    let health = log.health();
    assert_eq!(
        (health.suppressed.over_limit, health.summaries, health.accepted),
        (4, 1, 4)
    );
    assert!(health.is_healthy());
}

/// All names that a layer takes share its limit; other layers have nothing to do with it.
#[test]
fn limits_are_the_layers_own() {
    let (clock, capture) = (ManualClock::new(), Capture::new());
    let layer = || LogLayer::new(Level::Info).destination(capture.destination());
    let config = LoggingConfig::builder()
        .layer("DEFAULT", layer().limit(Rate::per_second(1)))
        .layer("FREE", layer())
        .build();
    let log = TestLog::with_clock(config.unwrap(), &clock);
    for name in ["A", "B", "FREE", "FREE", "DEFAULT"] {
        info!(log, layer: name, "to {name}");
    }
    // Two destinations write to one capture, in whatever order.
    let mut messages = log.messages();
    messages.sort();
    assert_eq!(messages, ["to A", "to FREE", "to FREE"]);
    clock.advance(SECOND);
    assert_eq!(log.records()[3].layer(), "DEFAULT");
    assert_eq!(log.health().suppressed.over_limit, 2);
}

/// A limit for each place holds back the place that floods and no other, and uses up nothing of the layer's own limit.
#[test]
fn site_limit() {
    let (log, clock) = test(|layer| layer.site_limit(Rate::per_second(1)).limit(Rate::per_second(3)));
    for number in 0..10 {
        info!(log, "flood {number}");
    }
    info!(log, "a drop");
    log.info("DEFAULT", "a method's drop");
    log.info("DEFAULT", "over the layer's limit");
    assert_eq!(log.messages(), ["flood 0", "a drop", "a method's drop"]);
    clock.advance(SECOND);
    assert_eq!(log.messages()[3..], ["10 records suppressed: 10 over the limit"]);
}

/// The same record is taken once in the span, from whichever thread; what differs in anything but time is another one.
#[test]
fn dedup() {
    let (log, clock) = test(|layer| layer.dedup(SECOND));
    let say = |what: &str| info!(log, "disk {what}"; size = 7);
    say("full");
    say("full");
    say("slow");
    std::thread::scope(|scope| _ = scope.spawn(|| say("full")));
    context::with([("request", 1)], || say("full"));
    assert_eq!(log.messages(), ["disk full", "disk slow", "disk full"]);
    clock.advance(SECOND);
    say("full");
    say("full");
    clock.advance(SECOND);
    let told = &log.messages()[3..];
    assert_eq!(
        told,
        [
            "2 records suppressed: 2 repeated",
            "disk full",
            "1 records suppressed: 1 repeated"
        ]
    );
}

/// A record that was refused is no reason to hold back the next try.
#[test]
fn what_was_refused_may_be_tried_again() {
    let capture = Capture::new();
    let layer = LogLayer::new(Level::Info)
        .destination(capture.destination())
        .dedup(SECOND);
    let config = LoggingConfig::builder()
        .layer("DEFAULT", layer)
        .journal_max_size(1 << 20);
    let log = TestLog::with_clock(config.build().unwrap(), &ManualClock::new());
    let large = "x".repeat(4 << 20);
    for _ in 0..2 {
        assert!(log.info("DEFAULT", &large).wait().is_err());
    }
    let health = log.health();
    assert_eq!((health.refused, health.suppressed.total()), (2, 0));
}

/// About the part asked for is taken, and what is left out is told about once a minute.
#[test]
fn sample() {
    let (log, clock) = test(|layer| layer.sample(0.1));
    for number in 0..2_000 {
        info!(log, "{number}");
    }
    clock.advance(59 * SECOND);
    let taken = log.records().len() as u64;
    assert!((100..350).contains(&taken), "{taken}");
    clock.advance(SECOND);
    let told = format!("{0} records suppressed: {0} not sampled", 2_000 - taken);
    assert_eq!(log.messages().last(), Some(&told));
}

/// A record whose call is promised `synced` or `delivered` is taken and uses up nothing, unless the layer says that
/// these may be held back as well.
#[test]
fn guaranteed_records_are_spared() {
    let all = |layer: LogLayer| layer.limit(Rate::per_second(1)).dedup(SECOND).sample(1.0);
    let (log, _clock) = test(all);
    (0..3).for_each(|_| _ = error!(log, "failed"));
    info!(log, "fine");
    info!(log, "too much");
    assert_eq!(log.messages(), ["failed", "failed", "failed", "fine"]);
    let (log, clock) = test(|layer| all(layer).suppress_guaranteed());
    (0..3).for_each(|_| assert!(error!(log, "failed").is_reached()));
    clock.advance(SECOND);
    let records = log.records();
    assert_eq!(records[1].message(), "2 records suppressed: 2 over the limit");
    assert_eq!((records.len(), records[1].level()), (2, Level::Error));
    let capture = Capture::new();
    let layer = LogLayer::new(Level::Info)
        .destination(capture.destination())
        .limit(Rate::per_second(1));
    let config = LoggingConfig::builder()
        .layer("AUDIT", layer)
        .layer_guarantee("AUDIT", Guarantee::Delivered)
        .build();
    let log = TestLog::with_config(config.unwrap());
    (0..5).for_each(|_| _ = info!(log, layer: "AUDIT", "granted"));
    assert_eq!(log.records().len(), 5);
}

/// The end tells what has not been told, before anything is closed, also when the last handle just goes; and the report
/// adds up.
#[test]
fn the_end_tells_the_rest() {
    let (log, _clock) = test(|layer| layer.limit(Rate::per_second(1)));
    (0..4).for_each(|_| _ = info!(log, "over and over"));
    let report = log.shutdown(60 * SECOND).unwrap();
    (0..2).for_each(|_| _ = info!(log, "too late"));
    let report_after = log.shutdown(60 * SECOND).unwrap();
    assert_eq!(
        (report.accepted, report.suppressed.total(), report.summaries),
        (2, 3, 1)
    );
    assert_eq!((report.delivered, report_after.after_close), (2, 2));
    assert_eq!(
        report_after.suppressed, report.suppressed,
        "after the end nothing is held back"
    );
    let capture = Capture::new();
    let layer = LogLayer::new(Level::Info)
        .destination(capture.destination())
        .limit(Rate::per_second(1));
    let log = TestLog::with_config(LoggingConfig::builder().layer("DEFAULT", layer).build().unwrap());
    (0..4).for_each(|_| _ = info!(log, "over and over"));
    drop(log);
    assert_eq!(
        capture.records().last().unwrap().message(),
        "3 records suppressed: 3 over the limit"
    );
}

/// With the machine's clock a thread of the logger's tells what was held back when no further record comes.
#[test]
fn told_without_a_further_record() {
    let capture = Capture::new();
    let layer = LogLayer::new(Level::Info)
        .destination(capture.destination())
        .limit(Rate::new(1, Duration::from_millis(20)));
    let log = TestLog::with_config(LoggingConfig::builder().layer("DEFAULT", layer).build().unwrap());
    // However slow the machine is, two of a thousand calls in a row are within 20 ms of each other.
    while log.health().suppressed.total() == 0 {
        info!(log, "over and over");
    }
    assert!(capture.wait_for(60 * SECOND, |records| {
        records
            .iter()
            .any(|record| record.message().ends_with("over the limit"))
    }));
}

/// A reload changes the rules, keeps the counts, and leaves the windows of what stays as it was alone.
#[test]
fn reload() {
    let (clock, capture) = (ManualClock::new(), Capture::new());
    let config = |limit: Option<u32>, other| {
        let mut layer = LogLayer::new(Level::Info).destination(capture.destination());
        layer.suppression.limit = limit.map(Rate::per_second);
        let builder = LoggingConfig::builder().layer("DEFAULT", layer);
        builder.layer(other, LogLayer::new(Level::Info)).build().unwrap()
    };
    let log = TestLog::with_clock(config(Some(2), "X"), &clock);
    let burst = |name: &str| (0..4).for_each(|number| _ = info!(log, "{name}{number}"));
    burst("a");
    log.reload(config(Some(2), "Y")).unwrap();
    burst("b");
    log.reload(config(Some(3), "Y")).unwrap();
    burst("c");
    log.reload(config(None, "Y")).unwrap();
    burst("d");
    assert_eq!(log.messages(), ["a0", "a1", "c0", "c1", "c2", "d0", "d1", "d2", "d3"]);
    clock.advance(SECOND);
    assert_eq!(
        log.messages()[9..],
        [
            "6 records suppressed: 6 over the limit",
            "1 records suppressed: 1 over the limit"
        ]
    );
    assert_eq!(log.health().suppressed.over_limit, 7);
}

/// Records of `log` and `tracing` are held back as well, and asking whether they are enabled uses up nothing.
#[cfg(feature = "tracing")]
#[test]
fn other_crates_macros() {
    use tracing_subscriber::layer::SubscriberExt as _;
    let (log, clock) = test(|layer| layer.limit(Rate::per_second(2)));
    let subscriber = tracing_subscriber::registry().with(log.tracing_layer());
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..5 {
            tracing::info!(number, "event");
        }
    });
    clock.advance(SECOND);
    assert_eq!(
        log.messages(),
        ["event", "event", "3 records suppressed: 3 over the limit"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However calls and time interleave: calls + summaries = accepted + suppressed, the summaries tell what was
    /// suppressed, and everything accepted is delivered.
    #[test]
    fn everything_adds_up(
        limit in prop::option::of(1_u32..4),
        site_limit in prop::option::of(1_u32..4),
        sample in prop::option::of(0.2..0.9),
        dedup in prop::option::of(1_u64..2_000),
        steps in prop::collection::vec((0_u8..4, 0_u8..3, 0_u64..700), 1..60),
    ) {
        let (log, clock) = test(|mut layer| {
            layer.suppression.limit = limit.map(Rate::per_second);
            layer.suppression.site_limit = site_limit.map(Rate::per_second);
            layer.suppression.sample = sample;
            layer.suppression.dedup = dedup.map(Duration::from_millis);
            layer
        });
        for (what, text, ms) in &steps {
            clock.advance(Duration::from_millis(*ms));
            match what {
                0 => info!(log, "one {text}"),
                1 => info!(log, "other {text}"),
                2 => error!(log, "error {text}"),
                _ => log.warning("DEFAULT", format!("method {text}")),
            };
        }
        let report = log.shutdown(60 * SECOND).unwrap();
        let told: u64 = log.capture().records().iter().filter_map(|record| match record.field("suppressed") {
            Some(Value::U64(count)) => Some(count),
            _ => None,
        }).sum();
        prop_assert_eq!(steps.len() as u64 + report.summaries, report.accepted + report.suppressed.total());
        prop_assert_eq!(told, report.suppressed.total());
        prop_assert_eq!(report.delivered, report.accepted);
    }
}
