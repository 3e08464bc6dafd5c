//! A logfmt line gives back what the record held, by the rules that Go's parsers follow: JSON strings inside quotes.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::prelude::*;
use sample::{Sample, letters};

/// Splits at spaces; a value in quotes is read by a JSON parser.
fn parse(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line.strip_suffix('\n').unwrap();
    while !rest.is_empty() {
        let (name, value) = rest.split_once('=').unwrap();
        assert!(!name.is_empty() && !name.contains([' ', '"']), "{line:?}");
        if value.starts_with('"') {
            let mut texts = serde_json::Deserializer::from_str(value).into_iter::<String>();
            pairs.push((name.to_owned(), texts.next().unwrap().unwrap()));
            rest = &value[texts.byte_offset()..];
        } else {
            let end = value.find(' ').unwrap_or(value.len());
            assert!(
                !value[..end].is_empty() && !value[..end].contains(['"', '=', '\\']),
                "{line:?}"
            );
            pairs.push((name.to_owned(), value[..end].to_owned()));
            rest = &value[end..];
        }
        rest = rest.strip_prefix(' ').unwrap_or_else(|| {
            assert!(rest.is_empty(), "{line:?}");
            rest
        });
    }
    pairs
}

fn pairs(record: &Sample<'_>) -> Vec<(String, String)> {
    let pairs = parse(&record.write(&Logfmt::new(LogfmtOptions::default())));
    assert_eq!(
        pairs[0],
        ("timestamp".to_owned(), "2023-11-14T22:13:20.123456Z".to_owned())
    );
    assert_eq!(pairs[1].0, "level");
    pairs
}

/// Each kind of value is written as `{}` shows it.
#[test]
fn every_kind_of_value() {
    let values = [
        (Value::Null, "null"),
        (Value::Bool(true), "true"),
        (Value::I64(-3), "-3"),
        (Value::F64(1.5), "1.5"),
        (Value::F64(f64::NAN), "NaN"),
        (Value::U128(u128::MAX), "340282366920938463463374607431768211455"),
        (Value::Char(' '), " "),
        (Value::Str(""), ""),
        (Value::Json("{\"a\":1}"), "{\"a\":1}"),
        (Value::Panicked, "<panicked while rendering>"),
    ];
    for (value, shown) in values {
        assert_eq!(
            pairs(&Sample::fields(&[("v", value)]))[4],
            ("v".to_owned(), shown.to_owned())
        );
    }
}

/// Names that cannot be keys are changed to ones that can, and none is used twice.
#[test]
fn names() {
    let one = Value::U64(1);
    let record = Sample {
        context: vec![("a", one)],
        ..Sample::fields(&[
            ("a b", one),
            ("a=b", one),
            ("", one),
            ("level", one),
            ("a", one),
            ("ü", one),
        ])
    };
    let names: Vec<_> = pairs(&record).into_iter().skip(4).map(|(name, _)| name).collect();
    assert_eq!(names, ["a_b", "a_b_2", "_", "level_2", "a", "ü", "a_2"]);
}

/// Each character of each kind comes back from layer, message and value.
#[test]
fn every_character() {
    for letter in letters() {
        let text = format!("a{letter}b");
        let record = Sample {
            layer: &text,
            fields: vec![
                ("v", Value::Str(&text)),
                ("w", Value::Char(letter)),
                (&text, Value::Null),
            ],
            ..Sample::message(&text)
        };
        let pairs = pairs(&record);
        assert_eq!([&pairs[2].1, &pairs[3].1, &pairs[4].1], [&text; 3]);
        assert_eq!(pairs[5].1, letter.to_string());
        assert_eq!(pairs.len(), 7);
    }
}

proptest! {
    /// Random texts come back exactly.
    #[test]
    fn random_texts(message in "(?s).{0,60}", layer in "(?s).{0,20}", value in "(?s).{0,60}", name in "(?s).{0,20}") {
        let fields = vec![("v", Value::Str(&value)), (&name, Value::Str(&name))];
        let record = Sample { layer: &layer, fields, ..Sample::message(&message) };
        let pairs = pairs(&record);
        prop_assert_eq!([&pairs[2].1, &pairs[3].1, &pairs[4].1], [&layer, &message, &value]);
        prop_assert_eq!(&pairs[5].1, &name);
    }
}
