//! No text, wherever it stands, makes a second line or reaches a terminal as a command.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use sample::{Sample, is_dangerous, letters};

fn line_formats() -> Vec<(&'static str, Box<dyn Formatter>)> {
    let keys = Keys {
        level_no: true,
        layer: true,
        location: true,
        thread: true,
        process: true,
        sequence: true,
    };
    let plain = PlainOptions {
        include_extra: true,
        ..PlainOptions::default()
    };
    let exact = PlainOptions {
        escape_backslash: true,
        ..plain.clone()
    };
    let csv = CsvOptions {
        extra: true,
        escape_newlines: true,
        ..CsvOptions::default()
    };
    let marked = SyslogOptions {
        bom: true,
        ..SyslogOptions::default()
    };
    vec![
        ("plain", Box::new(Plain::new(plain).unwrap())),
        ("exact plain", Box::new(Plain::new(exact).unwrap())),
        ("json", Box::new(Json::new(JsonOptions { keys }))),
        ("csv", Box::new(Csv::new(csv))),
        ("syslog", Box::new(Syslog::new(SyslogOptions::default()).unwrap())),
        ("marked syslog", Box::new(Syslog::new(marked).unwrap())),
        ("gelf", Box::new(Gelf::new(GelfOptions { host: None, keys }))),
        ("logfmt", Box::new(Logfmt::new(LogfmtOptions { keys }))),
    ]
}

fn check_all(record: &Sample<'_>) {
    for (name, format) in line_formats() {
        let line = record.write(&*format);
        let body = line
            .strip_suffix("\r\n")
            .or_else(|| line.strip_suffix('\n'))
            .expect("a line end");
        assert!(!body.contains(is_dangerous), "{name} let through a control:\n{body:?}");
    }
}

/// The texts that can stand at each place of a record.
fn places(text: &str) -> Vec<Sample<'_>> {
    vec![
        Sample::message(text),
        Sample {
            layer: text,
            ..Sample::default()
        },
        Sample {
            thread: text,
            ..Sample::default()
        },
        Sample {
            program: text,
            ..Sample::default()
        },
        Sample {
            host: text,
            ..Sample::default()
        },
        Sample::fields(&[(text, Value::Null), (text, Value::Bool(true))]),
        Sample::fields(&[
            ("a", Value::Str(text)),
            ("b", Value::Rendered(text)),
            ("c", Value::Json(text)),
        ]),
        Sample {
            context: vec![(text, Value::Str(text))],
            ..Sample::default()
        },
    ]
}

/// Each character of each kind, alone and among others, at each place, in each format.
#[test]
fn every_character_at_every_place() {
    for letter in letters() {
        for text in [
            letter.to_string(),
            format!("a{letter}b and some more {letter}"),
            format!("12345678{letter}"),
        ] {
            places(&text).iter().for_each(check_all);
        }
        let value = Value::Char(letter);
        check_all(&Sample::fields(&[("letter", value)]));
    }
}

/// What attackers write: faked records, terminal commands, hidden text, and the delimiters of every format.
#[test]
fn hostile_texts() {
    let texts = [
        "ok\n2023-11-14 22:13:20 - API - CRITICAL - forged",
        "\x1b]0;title\x07\x1b[2J\x1b[31mred",
        "\u{9b}31m and \u{90}sixel\u{9c}",
        "admin\u{202e}nimda\u{2066}x\u{2069}",
        "\r\nX: y\r\n\r\n",
        "\"},{\"level\":\"CRITICAL\"",
        "] evil [x@1 a=\"b\"",
        "=HYPERLINK(\"http://x\")",
        "{\"a\": \"\u{202e}\",\r\n\t\"b\":\n1}",
        "\0\0\0",
        "\\",
        "\\n\\x1b\\u{202e}",
        "",
        " ",
    ];
    for text in texts {
        places(text).iter().for_each(check_all);
    }
}

/// The ends of time, and fields of every kind at their ends.
#[test]
fn extreme_values() {
    let values = [
        Value::I64(i64::MIN),
        Value::U64(u64::MAX),
        Value::I128(i128::MIN),
        Value::U128(u128::MAX),
        Value::F64(f64::MAX),
        Value::F64(f64::MIN_POSITIVE),
        Value::F64(f64::NAN),
        Value::F32(f32::NEG_INFINITY),
        Value::Null,
        Value::Panicked,
    ];
    for time_ns in [i64::MIN, -1, 0, i64::MAX] {
        let fields = values.map(|value| ("same name", value)).to_vec();
        check_all(&Sample {
            time_ns,
            context: fields.clone(),
            fields,
            ..Sample::of_site()
        });
    }
}

/// CSV keeps line breaks, which its quotes allow, but nothing else that a terminal acts on.
#[test]
fn csv_keeps_only_line_breaks() {
    let csv = Csv::new(CsvOptions {
        extra: true,
        ..CsvOptions::default()
    });
    for letter in letters() {
        for record in places(&letter.to_string()) {
            let text = record.write(&csv).replace(['\r', '\n'], "");
            assert!(!text.contains(is_dangerous), "{letter:?}: {text:?}");
        }
    }
}

/// Multi-line plain text keeps line breaks of the message and nothing else; a lone CR cannot overwrite the line.
#[test]
fn multiline_keeps_only_line_breaks() {
    let plain = Plain::new(PlainOptions {
        multiline: true,
        ..PlainOptions::default()
    })
    .unwrap();
    let text = Sample {
        layer: "a\nb",
        ..Sample::message("1\r\n2\n3\r4\x1b")
    }
    .write(&plain);
    assert!(text.ends_with(" - a\\nb - INFO - 1\r\n2\n3\\r4\\x1b\n"), "{text:?}");
}

proptest! {
    /// Frames with random damage: whatever still passes for a record is written as one line.
    #[test]
    fn damaged_frames(cut in 26usize..300, places in vec((0usize..300, any::<u8>()), 0..6)) {
        let fields = vec![("a", Value::Str("text")), ("b", Value::Json("{}")), ("c", Value::F64(1.5))];
        let damage = |bytes: &mut Vec<u8>| {
            bytes.truncate(cut);
            for (at, byte) in &places {
                if let Some(place) = bytes.get_mut(*at) {
                    *place = *byte;
                }
            }
        };
        let record = Sample { context: fields.clone(), fields, ..Sample::of_site() };
        for (name, format) in line_formats() {
            if let Some(line) = record.write_damaged(&*format, damage) {
                let body = line.trim_end_matches(['\r', '\n']);
                prop_assert!(line.ends_with('\n') && !body.contains(is_dangerous), "{}: {:?}", name, line);
            }
        }
    }

    /// Random texts at every place at once.
    #[test]
    fn random_texts(
        message in "(?s).{0,60}", layer in "(?s).{0,20}", thread in "(?s).{0,20}", host in "(?s).{0,20}",
        name in "(?s).{0,40}", value in "(?s).{0,60}", json in r#"[\[\]{}":,\\\n a-c0-9]{0,20}"#,
    ) {
        check_all(&Sample {
            layer: &layer,
            thread: &thread,
            program: &thread,
            host: &host,
            fields: vec![(&name, Value::Str(&value)), (&value, Value::Json(&json)), (&name, Value::Rendered(&name))],
            context: vec![(&name, Value::Str(&message))],
            ..Sample::message(&message)
        });
    }
}
