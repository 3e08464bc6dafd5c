//! A call site's fields are written exactly as if each record had brought their names with it: what formats spare
//! themselves for the common names of a site is never seen.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;

use hydra_format::*;
use hydra_record::note::{RawPiece, RawSite};
use hydra_record::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const MESSAGE: &str = "hello";
const LOCATION: Location<'static> = Location {
    line: 42,
    file: "src/login.rs",
    module: "app::login",
};
const VALUES: [Value<'static>; 5] = [
    Value::U64(42),
    Value::Str("10.0.0.7"),
    Value::F64(1.25),
    Value::Rendered("a \"b\" \\ ü"),
    Value::Null,
];

fn formats() -> Vec<(&'static str, Box<dyn Formatter>)> {
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
    let csv = CsvOptions {
        extra: true,
        ..CsvOptions::default()
    };
    vec![
        ("plain", Box::new(Plain::new(plain).unwrap())),
        ("json", Box::new(Json::new(JsonOptions { keys }))),
        ("csv", Box::new(Csv::new(csv))),
        ("syslog", Box::new(Syslog::new(SyslogOptions::default()).unwrap())),
        ("gelf", Box::new(Gelf::new(GelfOptions { host: None, keys }))),
        ("logfmt", Box::new(Logfmt::new(LogfmtOptions { keys }))),
    ]
}

fn head(site: u32) -> Head {
    Head {
        time_ns: 1_700_000_000_123_456_789,
        site,
        thread: 9,
        layer: 1,
        level: Level::Info,
    }
}

/// The notes of a process with one call site that names its arguments `names`.
fn notes(names: &[&'static str]) -> Dictionary {
    let site = RawSite {
        level: Level::Info,
        line: LOCATION.line,
        file: LOCATION.file,
        module: LOCATION.module,
        template: MESSAGE,
        names: names.to_vec().leak(),
        pieces: &[RawPiece::Literal(MESSAGE)],
    };
    let (mut notes, mut note) = (Dictionary::new(), Vec::new());
    site.put(1, &mut note);
    assert!(notes.learn(&note));
    note.clear();
    LayerNote::put(1, "API", "DEFAULT", &mut note);
    assert!(notes.learn(&note));
    notes
}

fn write(format: &dyn Formatter, notes: &Dictionary, bytes: &[u8]) -> String {
    let mut out = Vec::new();
    format.write(&notes.decode(bytes, 77).unwrap(), &mut ClockFace::utc(), &mut out);
    String::from_utf8(out).unwrap()
}

/// Writes the same fields both ways, in each format.
fn check(names: &[&'static str]) {
    let notes = notes(names);
    let (mut of_site, mut brought) = (Scratch::new(), Scratch::new());
    let mut site = Encoder::site(&mut of_site, head(1));
    let mut message = Encoder::message(&mut brought, head(0), MESSAGE, Some(LOCATION));
    for (name, value) in names.iter().zip(VALUES.into_iter().cycle()) {
        site.argument(value);
        if !name.is_empty() {
            message.field(name, value);
        }
    }
    site.finish();
    message.finish();
    for (name, format) in formats() {
        assert_eq!(
            write(&*format, &notes, &of_site),
            write(&*format, &notes, &brought),
            "{name}: {names:?}"
        );
    }
}

/// The names that formats use themselves, as they stand in what they write.
fn own_names() -> BTreeSet<&'static str> {
    let mut bytes = Scratch::new();
    Encoder::message(&mut bytes, head(0), MESSAGE, Some(LOCATION)).finish();
    let mut found = BTreeSet::new();
    for (_, format) in formats() {
        let line = write(&*format, &notes(&[]), &bytes);
        let words = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        found.extend(words.flat_map(|word| [word.to_owned(), word.trim_start_matches('_').to_owned()]));
    }
    found.into_iter().map(|name| &*name.leak()).collect()
}

/// Common names, alone and together.
#[test]
fn common_names() {
    check(&["id"]);
    check(&["id", "ip", "ms", "tenant", "attempt"]);
    check(&["id", "", "ms", "", ""]);
    check(&["id", "id_"]);
}

/// A field whose name a format uses for something else.
#[test]
fn names_that_formats_use_themselves() {
    let names = own_names();
    for expected in ["timestamp", "level", "logger", "message", "sequence", "_logger"] {
        assert!(names.contains(expected), "{expected} not among {names:?}");
    }
    for name in names {
        check(&[name, "a"]);
        check(&["a", name, name]);
    }
}

/// Names at the edges of what each format allows.
#[test]
fn uncommon_names() {
    for name in [
        "id_",
        "_id",
        "x_",
        "_",
        "a b",
        "k=v",
        "sp]",
        "quote\"",
        "grün",
        "a.b",
        "tab\t",
        "two\nlines",
    ] {
        check(&[name]);
        check(&["id", name, name, "a_2", "a", "a"]);
    }
    for len in [31, 32, 33, 48, 49, 300] {
        check(&["a", "n".repeat(len).leak()]);
    }
}

proptest! {
    /// Any mixture of names, doubled ones and ones with numbers among them.
    #[test]
    fn any_names(names in vec(select(&[
        "", "a", "a_2", "b", "id", "id_", "level", "logger", "x y", "x_y", "ü", "c1", "c2", "c3", "c4", "c5", "c6",
    ][..]), 0..24)) {
        check(&names);
    }
}
