//! A syslog line is valid RFC 5424 and gives back, through an independent parser, what the record held.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::{Level, Value};
use proptest::prelude::*;
use sample::{Sample, is_dangerous, letters};
use syslog_rfc5424::{SyslogMessage, parse_message};

fn parse(record: &Sample<'_>) -> SyslogMessage {
    let line = record.write(&Syslog::new(SyslogOptions::default()).unwrap());
    check_grammar(&line);
    parse_message(line.strip_suffix('\n').unwrap()).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

/// What the parser is lax about: lengths and alphabets of the header.
fn check_grammar(line: &str) {
    let mut words = line.splitn(7, ' ');
    let (_, time) = (words.next().unwrap(), words.next().unwrap());
    assert!(time.len() == 27 && time.ends_with('Z'), "{time}");
    for bytes_max in [255, 48, 128, 32] {
        let word = words.next().unwrap();
        assert!(
            (1..=bytes_max).contains(&word.len()) && word.bytes().all(|byte| (33..=126).contains(&byte)),
            "{line}"
        );
    }
}

fn fields(message: &SyslogMessage) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (id, element) in message.sd.iter() {
        assert_eq!(id, "hydra@32473");
        pairs.extend(element.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    pairs.sort();
    pairs
}

/// Severity, facility, time and names stand where the RFC wants them.
#[test]
fn header() {
    for (level, severity) in Level::ALL.into_iter().zip([7, 7, 6, 4, 3, 2]) {
        let parsed = parse(&Sample {
            level,
            ..Sample::default()
        });
        assert_eq!((parsed.severity as i32, parsed.facility as i32), (severity, 1));
        assert_eq!(parsed.timestamp, Some(1_700_000_000));
        assert_eq!(parsed.hostname.as_deref(), Some("host.example"));
        assert_eq!(parsed.appname.as_deref(), Some("app"));
        assert_eq!(parsed.msgid.as_deref(), Some("API"));
        assert_eq!(parsed.msg, "hello");
    }
}

/// What does not fit the header's alphabet or lengths is replaced and cut; what is missing is nil.
#[test]
fn header_is_ascii_words() {
    let long = "x".repeat(300);
    let parsed = parse(&Sample {
        layer: "my layer ü",
        host: &long,
        program: &long,
        ..Sample::default()
    });
    assert_eq!(parsed.msgid.as_deref(), Some("my_layer__"));
    assert_eq!(parsed.hostname.unwrap().len(), 255);
    assert_eq!(parsed.appname.unwrap().len(), 48);
    let parsed = parse(&Sample {
        layer: &long,
        host: "",
        program: "",
        ..Sample::default()
    });
    assert_eq!(parsed.msgid.unwrap().len(), 32);
    assert_eq!((parsed.hostname, parsed.appname), (None, None));
}

/// Values with the RFC's own delimiters come back exactly; names are cut to its alphabet, and stay distinct.
#[test]
fn structured_data() {
    let long = "n".repeat(40);
    let record = Sample {
        fields: vec![
            ("quote", Value::Str("a\"b\\c]d\\n")),
            ("a b=\"]", Value::U64(1)),
            (&long, Value::U64(2)),
            (&long, Value::U64(3)),
            ("", Value::F64(0.5)),
        ],
        context: vec![("quote", Value::Str("from the context"))],
        ..Sample::default()
    };
    let mut expected = [
        ("quote".to_owned(), "a\"b\\c]d\\n"),
        ("quote_2".to_owned(), "from the context"),
        ("a_b___".to_owned(), "1"),
        ("n".repeat(32), "2"),
        ("n".repeat(30) + "_2", "3"),
        ("_".to_owned(), "0.5"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    expected.sort();
    assert_eq!(fields(&parse(&record)), expected);
}

/// Each character of each kind comes back as itself, or visibly where a terminal would obey it.
#[test]
fn every_character() {
    for letter in letters() {
        let text = format!("a{letter}b");
        let record = Sample {
            layer: &text,
            host: &text,
            fields: vec![("v", Value::Str(&text)), (&text, Value::Null)],
            ..Sample::message(&text)
        };
        let parsed = parse(&record);
        let value = fields(&parsed).into_iter().find(|(name, _)| name == "v").unwrap().1;
        if is_dangerous(letter) {
            assert!(
                value.starts_with("a\\") && value.ends_with('b') && value == parsed.msg,
                "{value}"
            );
        } else {
            assert_eq!((value.as_str(), parsed.msg.as_str()), (text.as_str(), text.as_str()));
        }
    }
}

proptest! {
    /// Random printable texts come back exactly from message and value; anything at all stays valid.
    #[test]
    fn random_texts(text in "[^\\p{Cc}\\p{Cf}\u{2028}\u{2029}]{0,60}", any in "(?s).{0,40}", layer in "(?s).{0,40}") {
        let given = vec![("v", Value::Str(&text)), (&any, Value::Str(&any))];
        let record = Sample { layer: &layer, host: &any, program: &any, fields: given, ..Sample::message(&text) };
        let parsed = parse(&record);
        prop_assert_eq!(&parsed.msg, &text);
        let value = fields(&parsed).into_iter().find(|(name, _)| name == "v").unwrap().1;
        prop_assert_eq!(value, text);
    }
}
