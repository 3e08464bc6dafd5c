//! The macros: text and typed fields, evaluated once or not at all.

use std::cell::Cell;
use std::fmt;

use hydra_logger::{Level, critical, debug, error, info, trace, warn, warning};
use serde_json::{Value, json};

use crate::front::Front;
use crate::place::{LONG, Place};

/// Logs by `call` and returns the records of the file.
fn records<F: Front>(call: impl FnOnce(&F::Log)) -> Vec<Value> {
    let place = Place::new();
    let log = F::start(place.app().build().unwrap()).unwrap();
    call(&log);
    F::shutdown(&log, LONG).unwrap();
    place.json("app.jsonl")
}

fn told(records: &[Value]) -> Vec<(&str, Value)> {
    records
        .iter()
        .map(|record| (record["message"].as_str().unwrap(), record["extra"].clone()))
        .collect()
}

/// Named, inline and positional placeholders are text in the message and fields with their types.
pub(crate) fn placeholders_are_text_and_fields<F: Front>() {
    let addr = "10.0.0.1";
    let inline = String::from("inline");
    let records = records::<F>(|log| {
        info!(log, layer: "APP", "user {id} logged in from {ip}", id = 42, ip = addr);
        info!(log, layer: "APP", "plain text, captured {inline}");
        info!(log, layer: "APP", "took {ms:.2} ms", ms = 1.25; tenant = "acme", attempt = 3);
        info!(log, layer: "APP", "positional {} and {}, again {0}", 7, true);
        let app = F::layer(log, "APP");
        info!(app, "served {path} in {ms} ms", path = "/", ms = 1.25);
        info!(app, "no fields {{at all}}");
        info!(&app, "by reference"; inline);
    });
    let expected = [
        ("user 42 logged in from 10.0.0.1", json!({"id": 42, "ip": "10.0.0.1"})),
        ("plain text, captured inline", json!({"inline": "inline"})),
        ("took 1.25 ms", json!({"ms": 1.25, "tenant": "acme", "attempt": 3})),
        ("positional 7 and true, again 7", json!({"0": 7, "1": true})),
        ("served / in 1.25 ms", json!({"path": "/", "ms": 1.25})),
        ("no fields {at all}", Value::Null),
        ("by reference", json!({"inline": "inline"})),
    ];
    assert_eq!(told(&records), expected);
}

/// A placeholder with a format specification is rendered as std renders it; its field keeps the value.
pub(crate) fn specs_render_as_std_does<F: Front>() {
    let (number, float, text, width) = (255_u8, 1234.5678_f64, "text", 9);
    let records = records::<F>(|log| {
        info!(log, layer: "APP", "{number:>8}|{number:<8}|{number:^8}|{number:*^8}|{number:08}|{number:+}");
        info!(log, layer: "APP", "{number:x}|{number:#X}|{number:#010b}|{number:o}|{number:e}");
        info!(log, layer: "APP", "{float:.1}|{float:10.2}|{float:+e}|{float:?}|{float:<12.3}|");
        info!(log, layer: "APP", "{text:?}|{text:>6}|{text:.2}|{text:-^10.3}");
        info!(log, layer: "APP", "{number:width$}|{text:>1$}|{float:.*}", 3, 7, float = float);
    });
    let expected = [
        format!("{number:>8}|{number:<8}|{number:^8}|{number:*^8}|{number:08}|{number:+}"),
        format!("{number:x}|{number:#X}|{number:#010b}|{number:o}|{number:e}"),
        format!("{float:.1}|{float:10.2}|{float:+e}|{float:?}|{float:<12.3}|"),
        format!("{text:?}|{text:>6}|{text:.2}|{text:-^10.3}"),
        format!("{number:width$}|{text:>1$}|{float:.*}", 3, 7, float = float),
    ];
    assert_eq!(
        records
            .iter()
            .map(|record| record["message"].as_str().unwrap())
            .collect::<Vec<_>>(),
        expected
    );
    assert_eq!(records[0]["extra"], json!({"number": 255}));
    assert_eq!(records[2]["extra"], json!({"float": 1234.5678}));
    assert_eq!(records[3]["extra"], json!({"text": "text"}));
}

#[derive(Debug)]
struct Point(i32, i32);

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{},{}>", self.0, self.1)
    }
}

/// Fields behind the semicolon keep their types; others are the text of their `Display`, else of their `Debug`.
pub(crate) fn fields_keep_their_types<F: Front>() {
    let records = records::<F>(|log| {
        info!(log, layer: "APP", "numbers";
            small = -1_i8, large = u64::MAX, least = i64::MIN, half = 0.5_f32, whole = 2.0);
        info!(log, layer: "APP", "others";
            yes = true, letter = 'é', owned = String::from("o"), none = None::<u8>, some = Some(3));
        info!(log, layer: "APP", "texts";
            shown = Point(1, 2), debugged = ?Point(3, 4), list = vec![1, 2], "any name" = 1);
        info!(log, layer: "APP", "wide"; huge = i128::MAX, nan = f64::NAN);
    });
    assert_eq!(
        records[0]["extra"],
        json!({"small": -1, "large": u64::MAX, "least": i64::MIN, "half": 0.5, "whole": 2.0})
    );
    assert_eq!(
        records[1]["extra"],
        json!({"yes": true, "letter": "é", "owned": "o", "none": null, "some": 3})
    );
    let texts = json!({"shown": "<1,2>", "debugged": "Point(3, 4)", "list": "[1, 2]", "any name": 1});
    assert_eq!(records[2]["extra"], texts);
    assert_eq!(records[3]["extra"], json!({"huge": i128::MAX.to_string(), "nan": null}));
}

/// Each macro logs at the level of its name; `warn!` is `warning!`.
pub(crate) fn levels_have_their_names<F: Front>() {
    let place = Place::new();
    let mut config = place.app().build().unwrap();
    config.layers.get_mut("APP").unwrap().level = Some(Level::Trace);
    let log = F::start(config).unwrap();
    trace!(log, layer: "APP", "");
    debug!(log, layer: "APP", "");
    info!(log, layer: "APP", "");
    warning!(log, layer: "APP", "");
    warn!(log, layer: "APP", "");
    error!(log, layer: "APP", "");
    critical!(log, layer: "APP", "");
    hydra_logger::log!(log, level: Level::Warning, layer: "APP", "");
    F::shutdown(&log, LONG).unwrap();
    let records = place.json("app.jsonl");
    let levels: Vec<&str> = records.iter().map(|record| record["level"].as_str().unwrap()).collect();
    assert_eq!(
        levels,
        [
            "TRACE", "DEBUG", "INFO", "WARNING", "WARNING", "ERROR", "CRITICAL", "WARNING"
        ]
    );
}

/// A call whose level is off evaluates no argument and no field; one whose level is on evaluates each once, in order.
pub(crate) fn a_disabled_call_evaluates_nothing<F: Front>() {
    let evaluated = Cell::new(0);
    let next = || {
        evaluated.set(evaluated.get() + 1);
        evaluated.get()
    };
    let records = records::<F>(|log| {
        debug!(log, layer: "APP", "{} {named}", next(), named = next(); field = next());
        assert_eq!(evaluated.get(), 0);
        info!(log, layer: "APP", "{} {named} {0}", next(), named = next(); field = next());
        assert_eq!(evaluated.get(), 3);
    });
    assert_eq!(told(&records), [("1 2 1", json!({"0": 1, "named": 2, "field": 3}))]);
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("on purpose")
    }
}

/// A `Display` that panics spoils its own value; the record is written and the logger goes on.
pub(crate) fn a_panicking_display_spoils_itself_only<F: Front>() {
    let records = records::<F>(|log| {
        info!(log, layer: "APP", "before {bad} after {good}", bad = Panics, good = 1);
        info!(log, layer: "APP", "the next one");
    });
    let first = records[0]["message"].as_str().unwrap();
    assert!(first.starts_with("before ") && first.ends_with(" after 1"), "{first}");
    assert_eq!(records[0]["extra"]["good"], 1);
    assert_eq!(records[1]["message"], "the next one");
}

/// A value that logs while it is rendered: both records arrive.
pub(crate) fn what_runs_inside_a_call_may_log<F: Front>() {
    struct Logs<'a, L: hydra_logger::__private::Target>(&'a L);
    impl<L: hydra_logger::__private::Target> fmt::Display for Logs<'_, L> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            info!(self.0, layer: "APP", "inner {n}", n = 1);
            f.write_str("rendered")
        }
    }
    let records = records::<F>(|log| {
        info!(log, layer: "APP", "outer {value} {n}", value = Logs(log), n = 2);
    });
    let mut messages: Vec<&str> = records
        .iter()
        .map(|record| record["message"].as_str().unwrap())
        .collect();
    messages.sort_unstable();
    assert_eq!(messages, ["inner 1", "outer rendered 2"]);
}
