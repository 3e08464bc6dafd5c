//! The exact bytes of each format.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod sample;

use hydra_format::*;
use hydra_record::{Level, Value};
use sample::Sample;

fn rich() -> Sample<'static> {
    Sample {
        fields: vec![("tenant", Value::Str("acme \"x\"")), ("ok", Value::Bool(true))],
        context: vec![("trace_id", Value::Str("4bf9"))],
        ..Sample::of_site()
    }
}

/// Plain text is `time - LAYER - LEVEL - message`, local time, whole seconds.
#[test]
fn plain() {
    let plain = Plain::new(PlainOptions::default()).unwrap();
    let line = "2023-11-14 22:13:20 - API - INFO - user 42 logged in from 10.0.0.7 in 1.25 ms\n";
    assert_eq!(rich().write(&plain), line);
    assert_eq!(
        rich().write_with(&plain, &mut ClockFace::new(|_| 19_800)),
        line.replace("14 22:13", "15 03:43")
    );
    let with_extra = Plain::new(PlainOptions {
        include_extra: true,
        ..PlainOptions::default()
    })
    .unwrap();
    let pairs = r#" id=42 ip=10.0.0.7 ms=1.25 tenant="acme \"x\"" ok=true trace_id=4bf9"#;
    assert_eq!(rich().write(&with_extra), format!("{}{pairs}\n", line.trim_end()));
}

/// Colours are those of level and layer, each followed by the reset, and only there.
#[test]
fn plain_in_colour() {
    let plain = Plain::new(PlainOptions {
        color: true,
        ..PlainOptions::default()
    })
    .unwrap();
    let levels = [
        ("TRACE", 37),
        ("DEBUG", 36),
        ("INFO", 32),
        ("WARNING", 33),
        ("ERROR", 31),
        ("CRITICAL", 91),
    ]
    .into_iter();
    for (level, (name, code)) in Level::ALL.into_iter().zip(levels) {
        let record = Sample {
            level,
            ..Sample::message("API INFO")
        };
        let expected = format!("2023-11-14 22:13:20 - \x1b[35mAPI\x1b[0m - \x1b[{code}m{name}\x1b[0m - API INFO\n");
        assert_eq!(record.write(&plain), expected);
    }
}

/// JSON has its keys in their fixed order, optional ones only when asked for, context and extra nested.
#[test]
fn json() {
    let plain = concat!(
        r#"{"timestamp":"2023-11-14T22:13:20.123456Z","level":"INFO","logger":"API","#,
        r#""message":"user 42 logged in from 10.0.0.7 in 1.25 ms","context":{"trace_id":"4bf9"},"#,
        r#""extra":{"id":42,"ip":"10.0.0.7","ms":1.25,"tenant":"acme \"x\"","ok":true}}"#,
        "\n"
    );
    assert_eq!(rich().write(&Json::new(JsonOptions::default())), plain);
    let keys = Keys {
        level_no: true,
        layer: true,
        location: true,
        thread: true,
        process: true,
        sequence: true,
    };
    let optional = concat!(
        r#""level_no":20,"layer":"API","file":"src/login.rs","function":"app::login","line":42,"thread":"worker","#,
        r#""process":4711,"sequence":77,"context""#
    );
    assert_eq!(
        rich().write(&Json::new(JsonOptions { keys })),
        plain.replace(r#""context""#, optional)
    );
    let bare =
        "{\"timestamp\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"INFO\",\"logger\":\"API\",\"message\":\"\"}\n";
    assert_eq!(Sample::message("").write(&Json::new(JsonOptions::default())), bare);
    let nameless = Sample {
        thread: "",
        ..Sample::default()
    };
    let keys = Keys {
        thread: true,
        location: true,
        ..Keys::default()
    };
    let line = nameless.write(&Json::new(JsonOptions { keys }));
    assert!(line.ends_with("\"message\":\"hello\",\"thread\":\"9\"}\n"), "{line}");
}

/// CSV ends its records with CR LF, quotes only where it must, and has a header.
#[test]
fn csv() {
    let csv = Csv::new(CsvOptions::default());
    assert_eq!(csv.header().unwrap(), b"timestamp,level,logger,message\r\n");
    let line = "2023-11-14T22:13:20.123456Z,INFO,API,user 42 logged in from 10.0.0.7 in 1.25 ms";
    assert_eq!(rich().write(&csv), format!("{line}\r\n"));
    let csv = Csv::new(CsvOptions {
        extra: true,
        ..CsvOptions::default()
    });
    assert_eq!(csv.header().unwrap(), b"timestamp,level,logger,message,extra\r\n");
    let extra = concat!(
        r#""{""id"":42,""ip"":""10.0.0.7"",""ms"":1.25,""tenant"":""acme \""x\"""""#,
        r#",""ok"":true,""trace_id"":""4bf9""}""#
    );
    assert_eq!(rich().write(&csv), format!("{line},{extra}\r\n"));
    assert!(
        Sample::message("a, \"b\"")
            .write(&csv)
            .ends_with(",\"a, \"\"b\"\"\",\r\n")
    );
}

/// Syslog is RFC 5424: priority from facility and severity, fields as structured data, the layer as MSGID.
#[test]
fn syslog() {
    let syslog = Syslog::new(SyslogOptions::default()).unwrap();
    let expected = concat!(
        "<14>1 2023-11-14T22:13:20.123456Z host.example app 4711 API ",
        r#"[hydra@32473 id="42" ip="10.0.0.7" ms="1.25" tenant="acme \"x\"" ok="true" trace_id="4bf9"] "#,
        "user 42 logged in from 10.0.0.7 in 1.25 ms\n"
    );
    assert_eq!(rich().write(&syslog), expected);
    let options = SyslogOptions {
        facility: 16,
        app_name: Some("my app".to_owned()),
        structured_data_id: "x@1".to_owned(),
        bom: true,
    };
    let record = Sample {
        level: Level::Critical,
        host: "",
        layer: "",
        ..Sample::message("m")
    };
    let expected = "<130>1 2023-11-14T22:13:20.123456Z - my_app 4711 - - \u{feff}m\n";
    assert_eq!(record.write(&Syslog::new(options).unwrap()), expected);
    assert!(Sample::message("").write(&syslog).ends_with(" app 4711 API -\n"));
}

/// GELF is one flat object: a number for the time, `_id` renamed, booleans as text.
#[test]
fn gelf() {
    let gelf = Gelf::new(GelfOptions::default());
    let expected = concat!(
        r#"{"version":"1.1","host":"host.example","short_message":"user 42 logged in from 10.0.0.7 in 1.25 ms","#,
        r#""timestamp":1700000000.123456,"level":6,"_logger":"API","_id_":42,"_ip":"10.0.0.7","_ms":1.25,"#,
        r#""_tenant":"acme \"x\"","_ok":"true","_trace_id":"4bf9"}"#,
        "\n"
    );
    assert_eq!(rich().write(&gelf), expected);
    let options = GelfOptions {
        host: Some("other".to_owned()),
        keys: Keys {
            process: true,
            ..Keys::default()
        },
    };
    let expected = concat!(
        r#"{"version":"1.1","host":"other","short_message":"first","full_message":"first\r\nsecond","#,
        r#""timestamp":-0.000001,"level":6,"_logger":"API","_process":4711}"#,
        "\n"
    );
    let record = Sample {
        time_ns: -1000,
        ..Sample::message("first\r\nsecond")
    };
    assert_eq!(record.write(&Gelf::new(options)), expected);
}

/// logfmt quotes the message always and values where they need it.
#[test]
fn logfmt() {
    let expected = concat!(
        "timestamp=2023-11-14T22:13:20.123456Z level=INFO logger=API ",
        r#"message="user 42 logged in from 10.0.0.7 in 1.25 ms" id=42 ip=10.0.0.7 ms=1.25 "#,
        r#"tenant="acme \"x\"" ok=true trace_id=4bf9"#,
        "\n"
    );
    assert_eq!(rich().write(&Logfmt::new(LogfmtOptions::default())), expected);
    let keys = Keys {
        sequence: true,
        ..Keys::default()
    };
    let line = Sample::default().write(&Logfmt::new(LogfmtOptions { keys }));
    assert!(line.ends_with(" message=\"hello\" sequence=77\n"));
}
