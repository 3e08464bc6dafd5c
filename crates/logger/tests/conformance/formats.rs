//! Every format, read back by parsers that are not ours.

use hydra_logger::{Format, Level, LogLayer, LoggingConfig, error, info};
use serde_json::json;
use syslog_rfc5424::{SyslogSeverity, parse_message};

use crate::front::Front;
use crate::place::{LONG, Place};

const AWKWARD: &str = "quote \" comma , backslash \\ equals = bracket ] ünï 日本";

/// Writes an INFO record with fields, an awkward text, and an ERROR in that format.
fn write<F: Front>(format: Format) -> Place {
    let place = Place::new();
    let file = place.file("app.log", format).include_extra(true);
    let layer = LogLayer::new(Level::Info).destination(file);
    let log = F::start(LoggingConfig::builder().layer("APP", layer).build().unwrap()).unwrap();
    info!(log, layer: "APP", "user {id} from {ip}", id = 42, ip = "10.0.0.1"; tenant = "acme");
    F::log(&log, "APP", Level::Info, AWKWARD);
    error!(log, layer: "APP", "failed: {why}", why = "no \"reason\"");
    F::shutdown(&log, LONG).unwrap();
    place
}

const MESSAGES: [&str; 3] = ["user 42 from 10.0.0.1", AWKWARD, "failed: no \"reason\""];
const LEVELS: [&str; 3] = ["INFO", "INFO", "ERROR"];

/// JSON: one object a line, the message and the typed fields come back.
pub(crate) fn json<F: Front>() {
    let place = write::<F>(Format::Json);
    let records = place.json("app.log");
    assert_eq!(place.messages("app.log"), MESSAGES);
    assert!(
        records
            .iter()
            .zip(LEVELS)
            .all(|(record, level)| record["level"] == level && record["logger"] == "APP")
    );
    assert_eq!(
        records[0]["extra"],
        json!({"id": 42, "ip": "10.0.0.1", "tenant": "acme"})
    );
    let time = records[0]["timestamp"].as_str().unwrap();
    assert!(time.ends_with('Z') && time.contains('T'), "{time}");
}

/// CSV: a header, then one row a record.
pub(crate) fn csv<F: Front>() {
    let place = write::<F>(Format::Csv);
    let mut reader = csv::Reader::from_path(place.path("app.log")).unwrap();
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| {
        headers
            .iter()
            .position(|header| header == name)
            .unwrap_or_else(|| panic!("{name}: {headers:?}"))
    };
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(
        rows.iter().map(|row| &row[column("message")]).collect::<Vec<_>>(),
        MESSAGES
    );
    assert_eq!(rows.iter().map(|row| &row[column("level")]).collect::<Vec<_>>(), LEVELS);
    assert!(rows.iter().all(|row| &row[column("logger")] == "APP"));
}

/// Syslog: every line is an RFC 5424 message with the fields as structured data.
pub(crate) fn syslog<F: Front>() {
    let place = write::<F>(Format::Syslog);
    let parsed: Vec<_> = place
        .lines("app.log")
        .iter()
        .map(|line| parse_message(line).unwrap())
        .collect();
    assert_eq!(
        parsed.iter().map(|message| message.msg.as_str()).collect::<Vec<_>>(),
        MESSAGES
    );
    let severities = [
        SyslogSeverity::SEV_INFO,
        SyslogSeverity::SEV_INFO,
        SyslogSeverity::SEV_ERR,
    ];
    assert!(
        parsed
            .iter()
            .zip(severities)
            .all(|(message, severity)| message.severity == severity)
    );
    assert!(parsed.iter().all(|message| message.msgid.as_deref() == Some("APP")));
    let (_, fields) = parsed[0].sd.iter().next().expect("structured data");
    assert_eq!((fields["id"].as_str(), fields["tenant"].as_str()), ("42", "acme"));
}

/// GELF: every line is an object with the fields the standard demands.
pub(crate) fn gelf<F: Front>() {
    let place = write::<F>(Format::Gelf);
    let records = place.json("app.log");
    for (record, message) in records.iter().zip(MESSAGES) {
        assert_eq!(
            (&record["version"], &record["short_message"]),
            (&json!("1.1"), &json!(message))
        );
        assert!(record["host"].is_string() && record["timestamp"].is_f64(), "{record}");
        let own = |key: &String| key.starts_with('_');
        let known = ["version", "host", "short_message", "full_message", "timestamp", "level"];
        assert!(
            record
                .as_object()
                .unwrap()
                .keys()
                .all(|key| own(key) || known.contains(&key.as_str()))
        );
        assert!(record.get("_id").is_none(), "`_id` is not allowed");
    }
    assert_eq!(
        records
            .iter()
            .map(|record| record["level"].as_u64().unwrap())
            .collect::<Vec<_>>(),
        [6, 6, 3]
    );
    assert_eq!(records[0]["_tenant"], "acme");
}

/// Logfmt: `key=value`, the values quoted as JSON text where they need it.
pub(crate) fn logfmt<F: Front>() {
    let place = write::<F>(Format::Logfmt);
    for (line, message) in place.lines("app.log").iter().zip(MESSAGES) {
        let (_, rest) = line.split_once(" message=").unwrap();
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        assert_eq!(values.next().unwrap().unwrap(), message);
    }
    let first = &place.lines("app.log")[0];
    assert!(
        first.contains(" level=INFO logger=APP ") && first.ends_with(" id=42 ip=10.0.0.1 tenant=acme"),
        "{first}"
    );
}

/// Plain text: time, layer, level and message, then the fields where they are asked for.
pub(crate) fn plain<F: Front>() {
    let place = write::<F>(Format::PlainText);
    for ((line, message), level) in place.lines("app.log").iter().zip(MESSAGES).zip(LEVELS) {
        let (time, rest) = line.split_at("2026-01-31 12:00:00".len());
        let is_time = time.chars().zip("0000-00-00 00:00:00".chars());
        assert!(
            is_time
                .clone()
                .all(|(is, like)| is == like || (is.is_ascii_digit() && like == '0')),
            "{line}"
        );
        assert!(rest.starts_with(&format!(" - APP - {level} - {message}")), "{line}");
    }
    assert!(place.lines("app.log")[0].contains("tenant=acme"));
}
