//! A JSON line gives back, through an independent parser, what the record held.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::prelude::*;
use sample::{Sample, letters};
use serde_json::{Value as Parsed, json};

fn parse(record: &Sample<'_>) -> Parsed {
    let keys = Keys {
        thread: true,
        ..Keys::default()
    };
    let line = record.write(&Json::new(JsonOptions { keys }));
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Each kind of value comes back as the JSON type nearest to it.
#[test]
fn every_kind_of_value() {
    let cases: Vec<(Value<'_>, Parsed)> = vec![
        (Value::Null, json!(null)),
        (Value::Bool(false), json!(false)),
        (Value::I64(i64::MIN), json!(i64::MIN)),
        (Value::U64(u64::MAX), json!(u64::MAX)),
        (Value::F64(1.0), json!(1.0)),
        (Value::F64(-0.0), json!(-0.0)),
        (Value::F64(f64::MAX), json!(f64::MAX)),
        (Value::F64(5e-324), json!(5e-324)),
        (Value::F64(f64::NAN), json!(null)),
        (Value::F64(f64::NEG_INFINITY), json!(null)),
        (Value::F32(f32::INFINITY), json!(null)),
        (Value::F32(1.5), json!(1.5)),
        (Value::Char('"'), json!("\"")),
        (Value::I128(-5), json!(-5)),
        (Value::I128(u64::MAX.into()), json!(u64::MAX)),
        (Value::I128(i128::MIN), json!(i128::MIN.to_string())),
        (Value::U128(7), json!(7)),
        (Value::U128(u128::MAX), json!(u128::MAX.to_string())),
        (Value::Str("a\"b"), json!("a\"b")),
        (Value::Rendered("Some(1)"), json!("Some(1)")),
        (
            Value::Json("{\"a\": [1,\n \"\u{202e}\"]}"),
            json!({"a": [1, "\u{202e}"]}),
        ),
        (Value::Json("{oops"), json!("{oops")),
        (Value::Json("1e999"), json!("1e999")),
        (Value::Panicked, json!("<panicked while rendering>")),
    ];
    for (value, expected) in cases {
        let parsed = parse(&Sample::fields(&[("v", value)]));
        assert_eq!(parsed["extra"]["v"], expected, "{value:?}");
        assert_eq!(parsed["extra"]["v"].is_f64(), expected.is_f64(), "{value:?}");
    }
}

/// Names used twice get a number, so no value hides another; context and extra do not disturb each other.
#[test]
fn doubled_names() {
    let record = Sample {
        context: vec![("a", Value::U64(5)), ("a", Value::U64(6))],
        fields: vec![
            ("a", Value::U64(1)),
            ("a_2", Value::U64(2)),
            ("a", Value::U64(3)),
            ("message", Value::U64(4)),
        ],
        ..Sample::default()
    };
    let parsed = parse(&record);
    assert_eq!(parsed["extra"], json!({"a": 1, "a_2": 2, "a_3": 3, "message": 4}));
    assert_eq!(parsed["context"], json!({"a": 5, "a_2": 6}));
    assert_eq!(parsed["message"], json!("hello"));
}

/// Thousands of fields, all of one name, make a valid object with as many members.
#[test]
fn many_fields() {
    let record = Sample::fields(&[("same", Value::Bool(true)); 4096]);
    assert_eq!(parse(&record)["extra"].as_object().unwrap().len(), 4096);
}

/// Each character of each kind comes back from each place.
#[test]
fn every_character() {
    for letter in letters() {
        let text = format!("a{letter}b, and {letter}{letter}");
        let record = Sample {
            layer: &text,
            thread: &text,
            fields: vec![(&text, Value::Str(&text)), ("c", Value::Char(letter))],
            context: vec![(&text, Value::Rendered(&text))],
            ..Sample::message(&text)
        };
        let parsed = parse(&record);
        for place in ["logger", "message", "thread"] {
            assert_eq!(parsed[place], json!(text), "{place}");
        }
        assert_eq!(parsed["extra"], json!({ &text: text, "c": letter.to_string() }));
        assert_eq!(parsed["context"], json!({ &text: text }));
    }
}

proptest! {
    /// Random texts and numbers come back exactly.
    #[test]
    fn random_records(
        message in "(?s).{0,80}", name in "(?s).{1,20}", value in "(?s).{0,80}", number in any::<f64>(),
        integer in any::<i64>(),
    ) {
        let fields = [("", Value::Str(&value)), (&name, Value::F64(number)), ("an integer", Value::I64(integer))];
        let parsed = parse(&Sample { fields: fields.to_vec(), ..Sample::message(&message) });
        prop_assert_eq!(&parsed["message"], &json!(message));
        let extra = &parsed["extra"];
        prop_assert_eq!(&extra[""], &json!(value));
        prop_assert_eq!(&extra["an integer"], &json!(integer));
        let finite = Some(number).filter(|number| number.is_finite());
        prop_assert_eq!(extra[&name].as_f64(), finite);
    }

    /// A JSON document that another library wrote comes back as the same document.
    #[test]
    fn embedded_documents(key in "(?s).{0,10}", text in "(?s).{0,40}", number in any::<i32>()) {
        let document = json!({ &key: [text, number, null, { "x": key }] });
        for written in [document.to_string(), serde_json::to_string_pretty(&document).unwrap()] {
            let parsed = parse(&Sample::fields(&[("doc", Value::Json(&written))]));
            prop_assert_eq!(&parsed["extra"]["doc"], &document);
        }
    }
}
