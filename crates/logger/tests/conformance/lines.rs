//! n records are n lines, distinct and in order.

use std::fs;

use hydra_logger::config::ByteSize;
use hydra_logger::{Format, Level, LogLayer, LoggingConfig, info};

use crate::front::Front;
use crate::place::{LONG, Place};

/// One record is one line.
pub(crate) fn one<F: Front>() {
    exactly::<F>(1);
}

/// A hundred records are a hundred lines, in order.
pub(crate) fn a_hundred<F: Front>() {
    exactly::<F>(100);
}

/// Ten thousand records are as many lines, in order.
pub(crate) fn ten_thousand<F: Front>() {
    exactly::<F>(10_000);
}

/// A million records are a million lines, in order; a hundred thousand where the program was not optimised.
pub(crate) fn a_million<F: Front>() {
    let calls = if cfg!(debug_assertions) { 100_000 } else { 1_000_000 };
    log_and_count::<F>(calls, Format::PlainText, true);
    log_and_count::<F>(calls, Format::Json, false);
}

fn exactly<F: Front>(calls: u64) {
    for format in [Format::PlainText, Format::Json] {
        for journal in [false, true] {
            log_and_count::<F>(calls, format, journal);
        }
    }
}

fn log_and_count<F: Front>(calls: u64, format: Format, journal: bool) {
    let place = Place::new();
    let layer = LogLayer::new(Level::Info).destination(place.file("app.log", format));
    let mut config = LoggingConfig::builder().layer("APP", layer);
    if journal {
        config = config.journal_dir(place.path("journal"));
    }
    let log = F::start(config.build().unwrap()).unwrap();
    F::burst(&log, calls, |log, number| match number % 2 {
        0 => F::log(log, "APP", Level::Info, &format!("record {number} here")),
        _ => info!(log, layer: "APP", "record {number} here"),
    });
    let report = F::shutdown(&log, LONG).unwrap();
    assert_eq!(
        (
            report.accepted,
            report.delivered,
            report.left_in_journal,
            report.dropped
        ),
        (calls, calls, 0, 0)
    );
    let lines = place.lines("app.log");
    assert_eq!(lines.len() as u64, calls);
    for (number, line) in lines.iter().enumerate() {
        let expected = format!("record {number} here");
        match format {
            Format::PlainText => assert!(line.ends_with(&format!(" - APP - INFO - {expected}")), "{line}"),
            _ => {
                let record: serde_json::Value = serde_json::from_str(line).unwrap();
                assert_eq!(record["message"], expected.as_str());
            }
        }
    }
}

/// Waiting for every receipt changes nothing about what is written.
pub(crate) fn with_every_receipt_awaited<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let log = F::start(place.app_with(journal).build().unwrap()).unwrap();
        let level = |number| if number % 50 == 0 { Level::Error } else { Level::Info };
        F::each(&log, 1_000, move |log, number| {
            F::log(log, "APP", level(number), &number.to_string())
        })
        .unwrap();
        F::shutdown(&log, LONG).unwrap();
        let expected: Vec<String> = (0..1_000).map(|number: u64| number.to_string()).collect();
        assert_eq!(place.messages("app.jsonl"), expected);
    }
}

/// Whatever a message holds, it is one line in every format, and a terminal obeys none of it. CSV alone keeps line
/// breaks, in quotes, unless `escape_newlines` is set.
pub(crate) fn a_record_is_a_line<F: Front>() {
    let formats = [
        Format::PlainText,
        Format::Json,
        Format::Csv,
        Format::Syslog,
        Format::Gelf,
        Format::Logfmt,
    ];
    let place = Place::new();
    let layer = formats.iter().fold(LogLayer::new(Level::Info), |layer, format| {
        let mut file = place.file(&format.to_string(), *format);
        file.format_options.escape_newlines = *format == Format::Csv;
        layer.destination(file)
    });
    let layer = layer.destination(place.file("broken.csv", Format::Csv));
    let log = F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap();
    let controls: String = (0..0xA0).map(char::from).collect();
    let messages = [
        "a\nb",
        "a\r\nb",
        "\u{1b}[31mred\u{1b}[0m",
        "\u{202e}olleh",
        "\0",
        "a\u{2028}b\u{85}c",
        &controls,
        "",
        "\n",
    ];
    for message in messages {
        F::log(&log, "APP", Level::Info, message);
    }
    F::shutdown(&log, LONG).unwrap();
    for format in formats {
        let text = fs::read(place.path(&format.to_string())).unwrap();
        let headers = usize::from(format == Format::Csv);
        let lines = text.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines, messages.len() + headers, "{format}");
        let text = String::from_utf8(text).unwrap();
        let obeyed = |letter: &char| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r');
        assert_eq!(text.chars().find(obeyed), None, "{format}");
        assert!(!text.contains('\u{202e}'), "{format}");
        assert_eq!(
            text.matches('\r').count(),
            if format == Format::Csv { lines } else { 0 },
            "{format}"
        );
    }
    let rows = csv::Reader::from_path(place.path("broken.csv"))
        .unwrap()
        .into_records()
        .map(Result::unwrap)
        .count();
    assert_eq!(rows, messages.len());
}

/// A record of any size up to 64 MiB is carried whole, and those around it stay in order.
pub(crate) fn any_size<F: Front>() {
    for journal in [false, true] {
        let place = Place::new();
        let log = F::start(place.app_with(journal).build().unwrap()).unwrap();
        let sizes = [0, 1, 100, 4_095, 4_096, 65_535, 65_536, (1 << 20) - 1, 1 << 20, 5 << 20];
        let largest = Some(64 << 20);
        let text = |size: usize| {
            let mut text = "0123456789abcde\n".repeat(size / 16 + 1);
            text.truncate(size);
            text
        };
        for size in sizes.into_iter().chain(largest) {
            F::wait(F::log(&log, "APP", Level::Info, &text(size))).unwrap();
            F::log(&log, "APP", Level::Info, "between");
        }
        F::shutdown(&log, LONG).unwrap();
        let messages = place.messages("app.jsonl");
        let mut expected = Vec::new();
        for size in sizes.into_iter().chain(largest) {
            expected.extend([size, "between".len()]);
        }
        assert_eq!(messages.iter().map(String::len).collect::<Vec<_>>(), expected);
        assert!(
            messages
                .iter()
                .step_by(2)
                .all(|message| *message == text(message.len()))
        );
    }
}

/// Records of several threads: all there, each thread's in order, in a journal that is recycled all the time.
pub(crate) fn many_threads<F: Front>() {
    const THREADS: usize = 8;
    const RECORDS: usize = 2_000;
    let place = Place::new();
    let config = place
        .app_with(true)
        .journal_segment_size(ByteSize::kb(64))
        .journal_max_size(ByteSize::kb(512));
    let log = F::start(config.build().unwrap()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let log = &log;
            scope.spawn(move || {
                F::burst(
                    log,
                    RECORDS as u64,
                    move |log, number| info!(log, layer: "APP", "{thread} {number}"),
                );
            });
        }
    });
    F::shutdown(&log, LONG).unwrap();
    let mut next = [0; THREADS];
    for message in place.messages("app.jsonl") {
        let (thread, number) = message.split_once(' ').unwrap();
        let thread: usize = thread.parse().unwrap();
        assert_eq!(number.parse::<usize>().unwrap(), next[thread], "of thread {thread}");
        next[thread] += 1;
    }
    assert_eq!(next, [RECORDS; THREADS]);
}
