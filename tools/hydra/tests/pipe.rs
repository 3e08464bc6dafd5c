//! `hydra pipe`: every line of the input is a record, and the exit code says whether it was delivered.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::io::Write as _;
use std::process::Stdio;

use common::{Place, progress, ran, signal, wait_until};

fn lines(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|number| format!("request {number} \"served\" in {number} ms\n").into_bytes())
        .collect()
}

/// Each format gets exactly as many lines as came in, in order, and nothing else.
#[test]
fn as_many_lines_in_each_format() {
    let place = Place::new();
    place.config(&["plain-text", "json", "syslog"], "");
    let count = 100_000;
    let ran = place.feed(&["pipe", "--config", "hydra.toml", "--layer", "APP"], &lines(count));
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    assert_eq!(ran.err, "hydra pipe: accepted 100000, delivered 300000\n");
    for (format, quoted) in [("plain-text", false), ("json", true), ("syslog", false)] {
        let text = place.read(&format!("{format}.log"));
        assert_eq!(text.lines().count(), count, "{format}");
        for (number, line) in text.lines().enumerate() {
            let message = match quoted {
                true => format!("\"message\":\"request {number} \\\"served\\\" in {number} ms\"}}"),
                false => format!(" request {number} \"served\" in {number} ms"),
            };
            assert!(line.ends_with(&message), "{format} {number}: {line}");
        }
    }
    for line in place.read("json.log").lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((&object["level"], &object["logger"]), (&"INFO".into(), &"APP".into()));
    }
}

/// A last line without an end counts, CR before LF goes, an empty line is a record, an empty input is none.
#[test]
fn cuts_lines_right() {
    let place = Place::new();
    place.config(&["json"], "");
    let arguments = ["pipe", "--config", "hydra.toml"];
    assert_eq!(place.feed(&arguments, b"").err, "hydra pipe: accepted 0, delivered 0\n");
    let ran = place.feed(&arguments, b"one\r\n\n two\rhalf \nlast");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "hydra pipe: accepted 4, delivered 4\n")
    );
    assert_eq!(messages(&place), ["one", "", " two\rhalf ", "last"]);
}

fn messages(place: &Place) -> Vec<String> {
    let message = |line: &str| {
        serde_json::from_str::<serde_json::Value>(line).unwrap()["message"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    place.read("json.log").lines().map(message).collect()
}

/// Bytes that are no UTF-8 are replaced where it can be seen, and such lines are counted.
#[test]
fn replaces_invalid_bytes() {
    let place = Place::new();
    place.config(&["json"], "");
    let ran = place.feed(
        &["pipe", "--config", "hydra.toml"],
        b"good \xc3\xa9\nbad \xff\xfe!\ncut \xc3\n",
    );
    assert_eq!(ran.code, Some(0));
    assert_eq!(
        ran.err,
        "hydra pipe: accepted 3, delivered 3, 2 with invalid UTF-8, replaced\n"
    );
    assert_eq!(messages(&place), ["good é", "bad \u{FFFD}\u{FFFD}!", "cut \u{FFFD}"]);
}

/// A line over the journal's limit is named and left out; those around it go on, and the exit code tells.
#[test]
fn names_a_line_that_is_too_long() {
    let place = Place::new();
    place.config(&["json"], "max_size = \"1MiB\"\n");
    let input = [b"before\n".as_slice(), &vec![b'x'; 2 << 20], b"\nafter\n"].concat();
    let ran = place.feed(&["pipe", "--config", "hydra.toml", "--progress", "count"], &input);
    assert_eq!(ran.code, Some(1));
    assert!(ran.err.starts_with("hydra pipe: line 2 was left out: "), "{}", ran.err);
    assert!(
        ran.err.ends_with("\nhydra pipe: accepted 2, delivered 2, 1 refused\n"),
        "{}",
        ran.err
    );
    assert_eq!(messages(&place), ["before", "after"]);
    assert_eq!(progress(&place.path("count")), 3);
}

/// A line over the limit of any record is not even kept in memory; the next one is a record again.
#[test]
fn passes_over_a_line_without_end() {
    let place = Place::new();
    place.config(&["json"], "");
    let mut child = place
        .hydra(&["pipe", "--config", "hydra.toml"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"before\n").unwrap();
    let block = vec![b'x'; 1 << 20];
    (0..200).for_each(|_| stdin.write_all(&block).unwrap());
    stdin.write_all(b"\nafter\n").unwrap();
    drop(stdin);
    let ran = ran(child);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.err
            .contains("line 2 was left out: the line is longer than 134152192 bytes\n"),
        "{}",
        ran.err
    );
    assert_eq!(messages(&place), ["before", "after"]);
}

/// Lines that the layer's limit holds back are told, in the file and at the end, and are not called unwanted.
#[test]
fn tells_what_a_limit_holds_back() {
    let place = Place::new();
    let path = place.config(&["plain-text"], "");
    let config = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, config + "limit = \"2/h\"\n").unwrap();
    let ran = place.feed(&["pipe", "--config", "hydra.toml"], b"1\n2\n3\n4\n5\n");
    assert_eq!(
        (ran.code, ran.err.as_str()),
        (Some(0), "hydra pipe: accepted 3, delivered 3, 3 held back\n")
    );
    let text = place.read("plain-text.log");
    assert!(text.ends_with(" - 3 records suppressed: 3 over the limit\n"), "{text}");
}

/// JSON lines give level, layer, message and typed fields; what is none is logged whole.
#[test]
fn takes_json_apart() {
    let place = Place::new();
    place.config(&["json"], "");
    let input = br#"{"level":"error","logger":"APP","msg":"m","n":1,"o":{"p":[1,2]},"timestamp":"t"}
not json
{"level":"DEBUG","message":"below the layer's level"}
"#;
    let ran = place.feed(&["pipe", "--config", "hydra.toml", "--parse", "json"], input);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(
        ran.err,
        "hydra pipe: accepted 2, delivered 2, 1 below the level, 1 logged as text\n"
    );
    let text = place.read("json.log");
    let (first, second) = text.trim_end().split_once('\n').unwrap();
    let first: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!((&first["level"], &first["message"]), (&"ERROR".into(), &"m".into()));
    assert_eq!(
        first["extra"],
        serde_json::json!({ "n": 1, "o": { "p": [1, 2] }, "timestamp": "t" })
    );
    assert!(
        second.contains(r#""level":"INFO","logger":"APP","message":"not json""#),
        "{second}"
    );
}

/// Logfmt lines give the same.
#[test]
fn takes_logfmt_apart() {
    let place = Place::new();
    place.config(&["json"], "");
    let input = b"level=warn msg=\"slow request\" ms=12.5 path=/a\njust words\n";
    let arguments = [
        "pipe",
        "--config",
        "hydra.toml",
        "--parse",
        "logfmt",
        "--level",
        "error",
    ];
    let ran = place.feed(&arguments, input);
    assert_eq!(ran.err, "hydra pipe: accepted 2, delivered 2, 1 logged as text\n");
    let text = place.read("json.log");
    assert!(
        text.contains(r#""level":"WARNING","logger":"APP","message":"slow request","extra":{"ms":12.5,"path":"/a"}"#)
    );
    assert!(
        text.contains(r#""level":"ERROR","logger":"APP","message":"just words""#),
        "{text}"
    );
}

/// Lines of a layer that is not configured go to the layer DEFAULT, which is on standard error where there is none;
/// asking for such a layer on the command line is a mistake that is told.
#[test]
fn a_layer_that_is_not_configured_goes_to_default() {
    let place = Place::new();
    place.config(&["json"], "");
    let input = b"{\"layer\":\"OTHER\",\"msg\":\"m\"}\n{\"msg\":\"n\"}\n";
    let ran = place.feed(&["pipe", "--config", "hydra.toml", "--parse", "json"], input);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains(" - OTHER - INFO - m\n"), "{}", ran.err);
    let ran = place.run(&["pipe", "--config", "hydra.toml", "--layer", "OTHER"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.err,
        "hydra: there is no layer `OTHER` and no layer `DEFAULT`; known are: APP\n"
    );
}

/// SIGTERM and SIGINT end the input: what was read is delivered, the count is right, and the exit code is 0.
#[test]
fn a_signal_drains() {
    for name in ["TERM", "INT"] {
        let place = Place::new();
        place.config(&["json"], "");
        let mut child = place
            .hydra(&["pipe", "--config", "hydra.toml", "--progress", "count"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(&lines(1000)).unwrap();
        stdin.write_all(b"not yet a line").unwrap();
        wait_until("all lines are counted", || progress(&place.path("count")) == 1000);
        signal(&child, name);
        let ran = ran(child);
        assert_eq!(
            (ran.code, ran.err.as_str()),
            (Some(0), "hydra pipe: accepted 1000, delivered 1000\n")
        );
        assert_eq!(place.read("json.log").lines().count(), 1000);
        assert_eq!(progress(&place.path("count")), 1000);
        drop(stdin);
    }
}

/// SIGHUP has the configuration read again while lines come in: those before go by the old one, those after by the new
/// one, none is lost; one that is broken is named, and changes nothing.
#[test]
fn a_hang_up_reloads() {
    let place = Place::new();
    place.config(&["json"], "");
    let arguments = [
        "pipe",
        "--config",
        "hydra.toml",
        "--layer",
        "APP",
        "--progress",
        "count",
    ];
    let mut child = place.hydra(&arguments).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut send = |from: u64, until: u64| {
        (from..until).for_each(|number| writeln!(stdin, "line {number}").unwrap());
        wait_until("all lines are counted", || progress(&place.path("count")) == until);
    };
    send(0, 100);
    place.config(&["json", "plain-text"], "");
    signal(&child, "HUP");
    wait_until("the new destination is there", || place.path("plain-text.log").exists());
    // The file is opened before the switch: who has been answered has switched.
    wait_until("the switch is made", || {
        let before = progress(&place.path("count"));
        send(before, before + 1);
        !place.read("plain-text.log").is_empty()
    });
    let switched = progress(&place.path("count"));
    std::fs::write(place.path("hydra.toml"), "nonsense = 1\n").unwrap();
    signal(&child, "HUP");
    send(switched, switched + 100);
    signal(&child, "TERM");
    drop(stdin);
    let ran = ran(child);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.err.contains("changed 0, added 1, removed 0"), "{}", ran.err);
    assert!(ran.err.contains("the configuration stays as it was: "), "{}", ran.err);
    let total = switched + 100;
    let all: Vec<String> = (0..total).map(|number| format!("line {number}")).collect();
    assert_eq!(messages(&place), all);
    let second = place.read("plain-text.log");
    assert!(
        second.lines().count() as u64 > 100 && second.lines().count() as u64 <= total - 100,
        "{second}"
    );
    assert!(second.ends_with(&format!(" line {}\n", total - 1)), "{second}");
}

/// A line is counted when it has its guarantee, without waiting for the next line, whatever the guarantee is.
#[test]
fn every_line_is_counted_at_once() {
    let no_journal = "[layers.APP]\ndestinations = [{ type = \"file\", path = \"json.log\", format = \"json\" }]\n";
    for (level, has_journal) in [("INFO", true), ("ERROR", true), ("ERROR", false)] {
        let place = Place::new();
        place.config(&["json"], "");
        if !has_journal {
            place.write("hydra.toml", no_journal);
        }
        let count = place.path("deep/er/count");
        let arguments = [
            "pipe",
            "--config",
            "hydra.toml",
            "--level",
            level,
            "--progress",
            "deep/er/count",
        ];
        let mut child = place.hydra(&arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        for number in 1..=30 {
            stdin.write_all(b"a line\n").unwrap();
            wait_until("the line is counted", || progress(&count) == number);
        }
        drop(stdin);
        assert_eq!(ran(child).code, Some(0));
        let names: Vec<_> = std::fs::read_dir(count.parent().unwrap())
            .unwrap()
            .map(|name| name.unwrap().file_name())
            .collect();
        assert_eq!(names, ["count"], "nothing is left to finish");
    }
}

/// A console that nobody reads any more ends without a noise, and is told by the exit code.
#[test]
fn a_closed_standard_output_is_quiet() {
    let place = Place::new();
    place.write("hydra.toml", "[layers.APP]\ndestinations = [{ type = \"console\" }]\n");
    let mut child = place
        .hydra(&["pipe", "--config", "hydra.toml"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(&lines(10)).unwrap();
    drop(stdin);
    let ran = ran(child);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.err,
        "hydra pipe: accepted 10, delivered 0, 10 dropped: nobody reads them any more\n"
    );
}

/// `--color` decides for the console, whatever the configuration says.
#[test]
fn color_is_asked_for() {
    let place = Place::new();
    place.write("hydra.toml", "[layers.APP]\ndestinations = [{ type = \"console\" }]\n");
    for (when, colored) in [("always", true), ("never", false), ("auto", false)] {
        let ran = place.feed(&["--color", when, "pipe", "--config", "hydra.toml"], b"a line\n");
        assert_eq!(ran.out.contains('\x1b'), colored, "{when}");
    }
}
