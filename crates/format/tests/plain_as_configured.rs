//! Plain text follows its options, and wrong options are refused with a text that helps.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::Value;
use proptest::prelude::*;
use sample::Sample;

fn options() -> PlainOptions {
    PlainOptions::default()
}

fn line(options: PlainOptions) -> String {
    Sample::message("m").write(&Plain::new(options).unwrap())
}

/// The time format is joined to a date format that has no time of day, and only to such a one.
#[test]
fn date_and_time_formats() {
    let cases = [
        ("%d/%m/%Y", "%H:%M:%S", "14/11/2023 22:13:20 - API - INFO - m\n"),
        ("%d/%m/%Y", "", "14/11/2023 - API - INFO - m\n"),
        ("%H:%M", "%S", "22:13 - API - INFO - m\n"),
        ("", "%H:%M", "22:13 - API - INFO - m\n"),
        ("", "", "API - INFO - m\n"),
        (
            "100%%\n%F %T.%f",
            "",
            "100%\\n2023-11-14 22:13:20.123456 - API - INFO - m\n",
        ),
    ];
    for (date, time, expected) in cases {
        let options = PlainOptions {
            date_format: date.to_owned(),
            time_format: time.to_owned(),
            ..options()
        };
        assert_eq!(line(options), expected);
    }
}

/// Placeholders work in both styles, for the layer's part and the rest.
#[test]
fn placeholders() {
    let cases = [
        ("[%(name)s]", "%(levelname)s: %(message)s", "[API] - INFO: m"),
        ("[{name}]", "{level}|{message}|{name}", "[API] - INFO|m|API"),
        ("", "{levelname} {{{message}}} 100%%\t", "INFO {m} 100%\t"),
        ("x\n", "{message}\x1b[0m", "x\\n - m\\x1b[0m"),
    ];
    for (name, message, expected) in cases {
        let options = PlainOptions {
            logger_name_format: name.to_owned(),
            message_format: message.to_owned(),
            ..options()
        };
        assert_eq!(line(options), format!("2023-11-14 22:13:20 - {expected}\n"));
    }
}

/// Colours can be chosen; they stand around level and layer only.
#[test]
fn chosen_colours() {
    let colors = Colors {
        info: "Bright_Blue".parse().unwrap(),
        layer: Color::Red,
        ..Colors::default()
    };
    let options = PlainOptions {
        color: true,
        colors,
        message_format: "{message} {level}".to_owned(),
        ..options()
    };
    assert_eq!(
        line(options),
        "2023-11-14 22:13:20 - \x1b[31mAPI\x1b[0m - m \x1b[94mINFO\x1b[0m\n"
    );
    for color in Color::ALL {
        assert_eq!(color.to_string().parse(), Ok(color));
    }
}

/// What is wrong is told: the kind, the option, the wrong piece and what there is instead.
#[test]
fn wrong_options_are_refused() {
    let refused = |options| Plain::new(options).unwrap_err();
    let date = |text: &str| PlainOptions {
        date_format: text.to_owned(),
        ..options()
    };
    for wrong in ["%Q", "%", "%-d", "%:a", "%é"] {
        let error = refused(date(wrong));
        assert_eq!(error.kind(), ErrorKind::UnknownDirective);
        assert!(
            error.to_string().contains(wrong) && error.to_string().contains("%Y"),
            "{error}"
        );
    }
    assert_eq!(
        refused(PlainOptions {
            time_format: "%J".to_owned(),
            ..options()
        })
        .kind(),
        ErrorKind::UnknownDirective
    );
    let error = refused(PlainOptions {
        message_format: "{message} {user}".to_owned(),
        ..options()
    });
    assert_eq!(error.kind(), ErrorKind::UnknownPlaceholder);
    assert!(error.to_string().contains("`user` in message_format") && error.to_string().contains("%(levelname)s"));
    let error = refused(PlainOptions {
        logger_name_format: "{message}".to_owned(),
        ..options()
    });
    assert_eq!(error.kind(), ErrorKind::UnknownPlaceholder);
    let error = refused(PlainOptions {
        message_format: "{level}".to_owned(),
        ..options()
    });
    assert_eq!(error.kind(), ErrorKind::MessageMissing);
    assert_eq!("pink".parse::<Color>().unwrap_err().kind(), ErrorKind::UnknownColor);
    let syslog = |facility, id: &str| {
        Syslog::new(SyslogOptions {
            facility,
            structured_data_id: id.to_owned(),
            ..SyslogOptions::default()
        })
    };
    assert_eq!(syslog(24, "a").unwrap_err().kind(), ErrorKind::Facility);
    assert!(syslog(23, "a@1").is_ok());
    for id in ["", "a b", "a=b", "a]", "a\"", "ü", "a\n", &"x".repeat(33)] {
        assert_eq!(syslog(1, id).unwrap_err().kind(), ErrorKind::StructuredDataId, "{id}");
    }
}

/// Without `escape_backslash` two messages can look the same; that is the documented price of readable paths.
#[test]
fn a_backslash_is_ambiguous_by_default() {
    let plain = Plain::new(options()).unwrap();
    assert_eq!(
        Sample::message("a\nb").write(&plain),
        Sample::message("a\\nb").write(&plain)
    );
    let exact = Plain::new(PlainOptions {
        escape_backslash: true,
        ..options()
    })
    .unwrap();
    assert!(Sample::message("a\\nb").write(&exact).ends_with("a\\\\nb\n"));
}

/// Reads the visible escapes back.
fn unescape(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        let code = match letter {
            '\\' => letters.next().unwrap(),
            other => {
                plain.push(other);
                continue;
            }
        };
        let digits: String = match code {
            'x' => letters.by_ref().take(2).collect(),
            'u' => letters.by_ref().skip(1).take_while(|&letter| letter != '}').collect(),
            _ => String::new(),
        };
        plain.push(match code {
            'n' => '\n',
            'r' => '\r',
            '\\' => '\\',
            _ => char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap(),
        });
    }
    plain
}

proptest! {
    /// With `escape_backslash` any layer and message can be had back exactly.
    #[test]
    fn exact_plain_text_reads_back(layer in "(?s).{0,20}", message in "(?s).{0,60}") {
        let format = PlainOptions { escape_backslash: true, logger_name_format: "{name}\t".to_owned(), ..options() };
        let record = Sample { layer: &layer, ..Sample::message(&message) };
        let line = record.write(&Plain::new(format).unwrap());
        let body = line.strip_prefix("2023-11-14 22:13:20 - ").unwrap().strip_suffix('\n').unwrap();
        let (name, rest) = body.split_at(body.rfind("\t - INFO - ").unwrap_or_default());
        prop_assume!(!message.contains("\t - INFO - "));
        prop_assert_eq!(unescape(name), layer);
        prop_assert_eq!(unescape(&rest["\t - INFO - ".len()..]), message);
    }
}

/// A site's fields and a context's follow the message when asked for, quoted where they have spaces.
#[test]
fn extra_follows() {
    let plain = Plain::new(PlainOptions {
        include_extra: true,
        ..options()
    })
    .unwrap();
    let record = Sample::fields(&[
        ("a", Value::Str("x y")),
        ("b", Value::Str("z")),
        ("c d", Value::Str("\n")),
    ]);
    assert!(record.write(&plain).ends_with("hello a=\"x y\" b=z c_d=\"\\n\"\n"));
}
