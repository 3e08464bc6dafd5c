//! A GELF line is valid GELF 1.1, judged by the rules of its specification, and gives back what the record held.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::prelude::*;
use sample::{Sample, letters};
use serde_json::{Map, Value as Parsed, json};

fn parse(record: &Sample<'_>) -> Map<String, Parsed> {
    let keys = Keys {
        thread: true,
        location: true,
        process: true,
        sequence: true,
        ..Keys::default()
    };
    let line = record.write(&Gelf::new(GelfOptions { host: None, keys }));
    let object = match serde_json::from_str(&line) {
        Ok(Parsed::Object(object)) => object,
        other => panic!("{other:?}: {line}"),
    };
    check_rules(&object);
    object
}

fn check_rules(object: &Map<String, Parsed>) {
    assert_eq!(object["version"], "1.1");
    for key in ["host", "short_message"] {
        assert!(!object[key].as_str().unwrap().trim().is_empty(), "{key}");
    }
    assert!(!object["short_message"].as_str().unwrap().contains(['\n', '\r']));
    assert!(object["timestamp"].is_number());
    assert!((0..=7).contains(&object["level"].as_u64().unwrap()));
    for (key, value) in object {
        match key.strip_prefix('_') {
            Some(name) => {
                assert_ne!(key, "_id");
                assert!(!name.is_empty());
                assert!(
                    name.chars().all(|l| l.is_ascii_alphanumeric() || "_.-".contains(l)),
                    "{name}"
                );
                assert!(value.is_string() || value.is_number(), "{key}: {value}");
            }
            None => {
                let known = ["version", "host", "short_message", "full_message", "timestamp", "level"];
                assert!(known.contains(&key.as_str()), "{key}");
            }
        }
    }
}

/// Short and full message follow the rules for empty, blank and many-lined messages.
#[test]
fn short_and_full_message() {
    let cases = [
        ("one line", "one line", None),
        ("", "-", None),
        ("  \t", "-", Some("  \t")),
        ("first\nsecond", "first", Some("first\nsecond")),
        ("first\r\nsecond\nthird", "first", Some("first\r\nsecond\nthird")),
        ("\nsecond", "-", Some("\nsecond")),
        ("trailing\n", "trailing", Some("trailing\n")),
        ("q\"uo\\te\nx", "q\"uo\\te", Some("q\"uo\\te\nx")),
    ];
    for (message, short, full) in cases {
        let object = parse(&Sample::message(message));
        assert_eq!(object["short_message"], short, "{message:?}");
        assert_eq!(object.get("full_message").and_then(Parsed::as_str), full, "{message:?}");
    }
}

/// Values are numbers or text, whatever they were.
#[test]
fn every_kind_of_value() {
    let cases: Vec<(Value<'_>, Parsed)> = vec![
        (Value::Null, json!("null")),
        (Value::Bool(true), json!("true")),
        (Value::I64(-1), json!(-1)),
        (Value::F64(2.0), json!(2.0)),
        (Value::F64(f64::NAN), json!("NaN")),
        (Value::F32(f32::NEG_INFINITY), json!("-inf")),
        (Value::U128(u128::MAX), json!(u128::MAX.to_string())),
        (Value::Json("{\"a\":1}"), json!("{\"a\":1}")),
        (Value::Char('x'), json!("x")),
        (Value::Panicked, json!("<panicked while rendering>")),
    ];
    for (value, expected) in cases {
        assert_eq!(parse(&Sample::fields(&[("v", value)]))["_v"], expected, "{value:?}");
    }
}

/// Names keep to the alphabet and stay distinct: from each other, from our own, and from `_id`.
#[test]
fn names() {
    let one = Value::U64(1);
    let record = Sample::fields(&[
        ("id", one),
        ("_id", one),
        ("id_", one),
        ("a b", one),
        ("a/b", one),
        ("", one),
        ("thread", one),
        ("logger", one),
    ]);
    let object = parse(&record);
    let mut names: Vec<_> = object
        .iter()
        .filter(|(_, value)| **value == json!(1))
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    let mut expected = [
        "_id_",
        "__id",
        "_id__2",
        "_a_b",
        "_a_b_2",
        "__",
        "_thread_2",
        "_logger_2",
    ];
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(
        (&object["_thread"], &object["_logger"]),
        (&json!("worker"), &json!("API"))
    );
}

/// The time is a number that is right before 1970 too; a missing host is not an empty one.
#[test]
fn time_and_host() {
    for (time_ns, seconds) in [(0, 0.0), (-1, -0.000_001), (-1_500_000_000, -1.5), (1_500_000_999, 1.5)] {
        let object = parse(&Sample {
            time_ns,
            host: " ",
            ..Sample::default()
        });
        assert_eq!(object["timestamp"].as_f64(), Some(seconds));
        assert_eq!(object["host"], "-");
    }
}

/// Each character of each kind keeps the object valid and comes back from message and value.
#[test]
fn every_character() {
    for letter in letters() {
        let text = format!("a{letter}b");
        let object = parse(&Sample {
            layer: &text,
            host: &text,
            thread: &text,
            fields: vec![(&text, Value::Str(&text)), ("v", Value::Str(&text))],
            ..Sample::message(&text)
        });
        let message = object.get("full_message").unwrap_or(&object["short_message"]);
        for value in [
            message,
            &object["_v"],
            &object["_logger"],
            &object["_thread"],
            &object["host"],
        ] {
            assert_eq!(*value, json!(text));
        }
    }
}

proptest! {
    /// Random texts keep the object valid and come back.
    #[test]
    fn random_texts(text in "(?s).{0,60}", name in "(?s).{0,20}") {
        let fields = vec![(name.as_str(), Value::Str(&text)), (&text, Value::Null)];
        let object = parse(&Sample { layer: &text, host: &text, fields, ..Sample::message(&text) });
        let message = object.get("full_message").unwrap_or(&object["short_message"]);
        prop_assert!(*message == json!(text) || text.is_empty());
        prop_assert_eq!(&object["_logger"], &json!(text));
    }
}
