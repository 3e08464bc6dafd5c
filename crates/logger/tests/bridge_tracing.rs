//! A `tracing` subscriber with the logger as a layer: events, fields, spans and filters.
#![cfg(feature = "tracing")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod support;

use std::fmt;
use std::io::Write;
use std::sync::{Arc, Mutex};

use hydra_logger::{Level, SpanFields, context};
use serde_json::json;
use support::{Fixture, messages};
use tracing::{debug, error, info, info_span, instrument, subscriber::with_default, trace, trace_span, warn};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry;

fn fixture() -> Fixture {
    Fixture::new(
        &[("DEFAULT", Level::Info), ("HTTP", Level::Warning)],
        &[("hyper", "HTTP")],
    )
}

/// An event's fields keep their types, its message, place, level and target arrive.
#[test]
fn events_arrive_whole() {
    #[derive(Debug)]
    struct Shown(#[allow(dead_code)] u8);
    let fixture = fixture();
    let line = line!() + 2;
    with_default(registry().with(fixture.log.tracing_layer()), || {
        info!(count = 3, neg = -1, ratio = 0.5, ok = true, who = "ada", shown = ?Shown(1), r#type = "t", "hi {}", 1);
        error!(
            error = &std::io::Error::other("broken") as &(dyn std::error::Error + 'static),
            "failed"
        );
        info!(count = 1);
        info!(a = 1, message = "a message that is not first");
        info!(late = tracing::field::Empty, "a field without a value");
        tracing::event!(name: "login", tracing::Level::INFO, user = 7);
        warn!(target: "hyper::proto", "http");
        info!(target: "hyper", "below HTTP's level");
        debug!("below DEFAULT's level");
    });
    let records = fixture.records();
    let mut default: Vec<_> = records
        .iter()
        .filter(|record| record["logger"] == "DEFAULT")
        .cloned()
        .collect();
    let expected = [
        "hi 1",
        "failed",
        "",
        "a message that is not first",
        "a field without a value",
        "login",
    ];
    assert_eq!(messages(&default), expected);
    let first = default.remove(0);
    let fields =
        json!({ "count": 3, "neg": -1, "ratio": 0.5, "ok": true, "who": "ada", "shown": "Shown(1)", "type": "t" });
    assert_eq!(
        (&first["extra"], &first["line"], &first["level"]),
        (&fields, &json!(line), &json!("INFO"))
    );
    assert!(first["file"].as_str().unwrap().ends_with("bridge_tracing.rs"));
    assert_eq!(
        default[0]["extra"]["error"],
        json!({ "message": "broken", "sources": [] })
    );
    assert_eq!(default[1]["extra"], json!({ "count": 1 }));
    assert_eq!(default[2]["extra"], json!({ "a": 1 }));
    assert!(default[3].get("extra").is_none());
    let http: Vec<_> = records.iter().filter(|record| record["logger"] == "HTTP").collect();
    assert_eq!((http.len(), &http[0]["message"]), (1, &json!("http")));
}

/// What the spans around an event tell is its context; values recorded later count from then on, also in spans inside.
#[test]
fn spans_are_context() {
    #[instrument(skip_all, fields(step = 1))]
    fn inner() {
        info!("inside");
    }
    let fixture = fixture();
    with_default(registry().with(fixture.log.tracing_layer()), || {
        let request = info_span!("request", id = 7, status = tracing::field::Empty);
        let _entered = request.enter();
        let query = info_span!("query", id = 8, table = "t").entered();
        info!("before");
        request.record("status", 200);
        info!("after");
        context::with([("id", 1), ("outer", 2)], || info!("with a context"));
        drop(query);
        inner();
        info!(parent: None, "alone");
        let follower = info_span!(parent: None, "follower");
        follower.follows_from(&request);
        follower.follows_from(&follower);
        info!(parent: &follower, "following");
        let _hidden = trace_span!("hidden", secret = 1).entered();
        info!("in a span that nobody keeps");
    });
    let contexts: Vec<_> = fixture
        .records()
        .iter()
        .map(|record| record["context"].clone())
        .collect();
    let expected = [
        json!({ "span": "request:query", "id": 8, "table": "t" }),
        json!({ "span": "request:query", "id": 8, "status": 200, "table": "t" }),
        json!({ "span": "request:query", "id": 8, "status": 200, "table": "t", "outer": 2 }),
        json!({ "span": "request:inner", "id": 7, "status": 200, "step": 1 }),
        json!(null),
        json!({ "span": "follower", "follows_from": "request,follower" }),
        json!({ "span": "request", "id": 7, "status": 200 }),
    ];
    assert_eq!(contexts, expected);
}

/// Spans' fields can bear their spans' names, be told to a depth, or not at all; and ends can be timed.
#[test]
fn spans_as_wanted() {
    let fixture = fixture();
    let log = &fixture.log;
    let subscriber = registry()
        .with(
            log.tracing()
                .spans(SpanFields::Prefixed)
                .depth(2)
                .close_timings()
                .build(),
        )
        .with(log.tracing().spans(SpanFields::Off).build());
    with_default(subscriber, || {
        let _outer = trace_span!("unkept").entered();
        let _a = info_span!("a", id = 1).entered();
        let _b = info_span!("b", id = 2).entered();
        let _c = info_span!("c", id = 3).entered();
        info!("event");
    });
    let records = fixture.records();
    assert_eq!(messages(&records), ["event", "event", "close", "close", "close"]);
    assert_eq!(records[0]["context"], json!({ "span": "b:c", "b.id": 2, "c.id": 3 }));
    assert!(records[1].get("context").is_none());
    for (record, name) in records[2..].iter().zip(["b:c", "a:b", "a"]) {
        assert_eq!(record["context"]["span"], name);
        assert!(
            record["extra"]["busy_ns"].is_u64() && record["extra"]["idle_ns"].is_u64(),
            "{record}"
        );
    }
}

/// Nobody's filter is another's: beside the fmt layer and under an `EnvFilter` each gets what is for it.
#[test]
fn stands_beside_other_layers() {
    #[derive(Clone, Default)]
    struct Text(Arc<Mutex<Vec<u8>>>);
    impl Write for Text {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    impl MakeWriter<'_> for Text {
        type Writer = Text;
        fn make_writer(&self) -> Text {
            self.clone()
        }
    }
    let (fixture, filtered) = (fixture(), fixture());
    let (verbose, terse) = (Text::default(), Text::default());
    macro_rules! fmt {
        ($text:ident) => {
            tracing_subscriber::fmt::layer().json().with_writer($text.clone())
        };
    }
    let subscriber = registry()
        .with(fmt!(terse).with_filter(LevelFilter::ERROR))
        .with(fixture.log.tracing_layer())
        .with(
            filtered
                .log
                .tracing_layer()
                .with_filter(EnvFilter::new("off,bridge_tracing=warn,[seen]=info")),
        )
        .with(fmt!(verbose));
    with_default(subscriber, || {
        trace!(n = 1, "trace");
        info!(n = 2, "info");
        warn!(n = 3, "warn");
        let _seen = info_span!("seen").entered();
        error!(n = 4, "error");
    });
    let lines = |text: &Text| -> Vec<(String, serde_json::Value)> {
        let bytes = text.0.lock().unwrap().clone();
        let parse = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        let lines: Vec<_> = String::from_utf8(bytes).unwrap().lines().map(parse).collect();
        let part = |line: &serde_json::Value| {
            (
                line["fields"]["message"].as_str().unwrap().to_owned(),
                line["fields"]["n"].clone(),
            )
        };
        lines.iter().map(part).collect()
    };
    let names = |lines: &[(String, serde_json::Value)]| lines.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&lines(&verbose)), ["trace", "info", "warn", "error"]);
    assert_eq!(names(&lines(&terse)), ["error"]);
    let records = fixture.records();
    assert_eq!(messages(&records), ["info", "warn", "error"]);
    // Same events, same fields.
    for (record, (name, n)) in records.iter().zip(&lines(&verbose)[1..]) {
        assert_eq!(
            (record["message"].as_str(), &record["extra"]["n"]),
            (Some(name.as_str()), n)
        );
    }
    assert_eq!(messages(&filtered.records()), ["warn", "error"]);
}

/// A level that no layer of the logger takes is off at the call site: nothing is evaluated, and the maximum is known.
#[test]
fn disabled_levels_cost_nothing() {
    let fixture = fixture();
    let subscriber = registry().with(fixture.log.tracing_layer());
    assert_eq!(
        tracing::Subscriber::max_level_hint(&subscriber),
        Some(LevelFilter::INFO)
    );
    with_default(subscriber, || {
        let never = || -> u8 { panic!("evaluated") };
        debug!(n = never(), "off");
        info!(target: "hyper", n = never(), "off");
        assert!(!tracing::enabled!(target: "hyper", tracing::Level::INFO));
        assert!(tracing::enabled!(target: "hyper", tracing::Level::WARN));
    });
    assert_eq!(fixture.records(), Vec::<serde_json::Value>::new());
}

/// What call sites know of their level follows a reload, and so do targets.
#[test]
fn follows_a_reload() {
    fn call(number: u8) {
        debug!(number, "called");
    }
    let fixture = fixture();
    with_default(registry().with(fixture.log.tracing_layer()), || {
        call(1);
        let mut config = (*fixture.log.config()).clone();
        config.targets.insert("bridge_tracing".to_owned(), "HTTP".to_owned());
        config.layers.get_mut("HTTP").unwrap().level = Some(Level::Trace);
        fixture.log.reload(config.clone()).unwrap();
        call(2);
        config.targets.clear();
        fixture.log.reload(config).unwrap();
        call(3);
    });
    let records = fixture.records();
    assert_eq!((records.len(), &records[0]["logger"]), (1, &json!("HTTP")));
    assert_eq!(records[0]["extra"], json!({ "number": 2 }));
}

/// Values that log while they are rendered, or panic, spoil nothing: neither the event's nor the span's.
#[test]
fn values_that_log_and_panic() {
    struct Logs(hydra_logger::HydraLogger);
    impl fmt::Debug for Logs {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            hydra_logger::info!(self.0, "from inside");
            f.write_str("logged")
        }
    }
    struct Panics;
    impl fmt::Debug for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose")
        }
    }
    let fixture = fixture();
    let value = Logs(fixture.log.clone());
    with_default(registry().with(fixture.log.tracing_layer()), || {
        let _span = info_span!("span", bad = ?Panics).entered();
        info!(value = ?value, bad = ?Panics, "outer");
        info!("{:?}", Panics);
    });
    let records = fixture.records();
    assert_eq!(
        messages(&records),
        ["from inside", "outer", "<panicked while rendering>"]
    );
    let fields = json!({ "value": "logged", "bad": "<panicked while rendering>" });
    assert_eq!(records[1]["extra"], fields);
    assert_eq!(records[1]["context"]["bad"], "<panicked while rendering>");
}

/// Records of `log` that come as events of `tracing-log` keep their own target and place.
#[test]
fn records_of_log_through_tracing_log() {
    let fixture = fixture();
    with_default(registry().with(fixture.log.tracing_layer()), || {
        let record = |target: &'static str, level| {
            let mut record = tracing_log::log::Record::builder();
            record
                .target(target)
                .level(level)
                .file(Some("a.rs"))
                .line(Some(9))
                .module_path(Some("m"));
            record.args(format_args!("of log")).build()
        };
        let info = tracing_log::log::Level::Info;
        tracing_log::format_trace(&record("app", info)).unwrap();
        tracing_log::format_trace(&record("hyper::x", info)).unwrap();
        tracing_log::format_trace(&record("hyper::x", tracing_log::log::Level::Warn)).unwrap();
    });
    let mut records = fixture.records();
    records.sort_by_key(|record| record["logger"].as_str().unwrap().to_owned());
    assert_eq!(records.len(), 2);
    assert_eq!(
        (&records[0]["logger"], &records[1]["logger"]),
        (&json!("DEFAULT"), &json!("HTTP"))
    );
    for record in records {
        assert_eq!(
            (&record["message"], &record["file"], &record["line"]),
            (&json!("of log"), &json!("a.rs"), &json!(9))
        );
        assert!(record.get("extra").is_none(), "{record}");
    }
}
