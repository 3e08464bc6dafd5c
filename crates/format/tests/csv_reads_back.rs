//! A CSV record gives back, through an independent parser, what the record held.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::prelude::*;
use sample::{Sample, is_dangerous, letters};

fn parse(record: &Sample<'_>, options: CsvOptions) -> Vec<String> {
    let csv = Csv::new(options);
    let text = String::from_utf8(csv.header().unwrap()).unwrap() + &record.write(&csv);
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let columns = reader.headers().unwrap().len();
    let records: Vec<_> = reader
        .records()
        .map(|record| record.unwrap_or_else(|e| panic!("{e}: {text:?}")))
        .collect();
    assert_eq!(records.len(), 1, "{text:?}");
    assert_eq!(records[0].len(), columns);
    records[0].iter().map(str::to_owned).collect()
}

fn raw() -> CsvOptions {
    CsvOptions {
        keep_controls: true,
        ..CsvOptions::default()
    }
}

/// Line breaks, quotes, commas and spaces at the ends come back as they were.
#[test]
fn what_csv_is_about() {
    for text in [
        "", " a ", "a,b", "\"", "\"\"", "a\nb", "\r\n", "\r", "a\tb", "=1+1", "-1", "'", "ü,漢",
    ] {
        assert_eq!(parse(&Sample::message(text), CsvOptions::default())[3], text);
        let record = Sample {
            layer: text,
            ..Sample::default()
        };
        assert_eq!(parse(&record, CsvOptions::default())[2], text);
    }
}

/// A cell is quoted only where it must be.
#[test]
fn quotes_only_where_needed() {
    let last = |text| Sample::message(text).write(&Csv::new(CsvOptions::default()));
    assert!(last("it's plain; text").ends_with(",it's plain; text\r\n"));
    for text in ["a,", "a\"", "a\r", "a\n", " a", "a "] {
        assert!(last(text).ends_with("\"\r\n"), "{text:?}");
    }
}

/// Each character of each kind comes back exactly with `keep_controls`, and else visibly.
#[test]
fn every_character() {
    for letter in letters() {
        let text = format!("{letter}a{letter}b");
        let record = Sample {
            layer: &text,
            ..Sample::message(&text)
        };
        let cells = parse(&record, raw());
        assert_eq!((cells[2].as_str(), cells[3].as_str()), (text.as_str(), text.as_str()));
        let cell = &parse(&record, CsvOptions::default())[3];
        if is_dangerous(letter) && letter != '\n' && letter != '\r' {
            assert!(cell.starts_with("\\x") || cell.starts_with("\\u{"), "{cell}");
        } else {
            assert_eq!(*cell, text);
        }
    }
}

/// With `escape_newlines` a record is one physical line.
#[test]
fn escaped_line_breaks() {
    let options = CsvOptions {
        escape_newlines: true,
        ..CsvOptions::default()
    };
    let line = Sample::message("a\r\nb").write(&Csv::new(options.clone()));
    assert!(line.ends_with(",a\\r\\nb\r\n"), "{line:?}");
    assert_eq!(parse(&Sample::message("a\r\nb"), options)[3], "a\\r\\nb");
}

/// With `guard_formulas` no cell begins as a formula does; without it, nothing is changed.
#[test]
fn guarded_formulas() {
    let options = CsvOptions {
        guard_formulas: true,
        ..CsvOptions::default()
    };
    for text in ["=1+1", "+1", "-1", "@a", "\ta", "\ra", "=a,\"b\""] {
        assert_eq!(parse(&Sample::message(text), options.clone())[3], format!("'{text}"));
    }
    assert_eq!(parse(&Sample::message("1=1"), options)[3], "1=1");
}

/// The column `extra` is a JSON document with fields and context, and empty where there are none.
#[test]
fn extra_is_json() {
    let options = CsvOptions {
        extra: true,
        ..CsvOptions::default()
    };
    assert_eq!(parse(&Sample::default(), options.clone())[4], "");
    let record = Sample {
        context: vec![("a", Value::Str("from the context"))],
        ..Sample::fields(&[("a", Value::Str("\",\n\x1b")), ("b", Value::F64(0.5))])
    };
    let extra: serde_json::Value = serde_json::from_str(&parse(&record, options)[4]).unwrap();
    assert_eq!(
        extra,
        serde_json::json!({"a": "\",\n\x1b", "b": 0.5, "a_2": "from the context"})
    );
}

proptest! {
    /// Random texts come back exactly.
    #[test]
    fn random_texts(message in "(?s).{0,60}", layer in "[ \",\r\na-z]{0,10}", value in "(?s).{0,40}") {
        let fields = vec![(message.as_str(), Value::Str(&value))];
        let record = Sample { layer: &layer, fields, ..Sample::message(&message) };
        let cells = parse(&record, CsvOptions { extra: true, ..raw() });
        prop_assert_eq!(&cells[2], &layer);
        prop_assert_eq!(&cells[3], &message);
        let extra: serde_json::Value = serde_json::from_str(&cells[4]).unwrap();
        prop_assert_eq!(&extra[&message], &serde_json::json!(value));
    }
}
