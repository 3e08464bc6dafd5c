//! Promises of the byte form of a record.

use hydra_record::note::{RawPiece, RawSite};
use hydra_record::{DecodeError, Dictionary, Encoder, Head, LayerNote, Level, Location, Scratch, ThreadNote, Value};

const SITE: RawSite = RawSite {
    level: Level::Info,
    line: 3,
    file: "src/a.rs",
    module: "a",
    template: "user {id} from {ip}, again {id}, {ms:.2}",
    names: &["id", "ip", "ms", "", "tenant"],
    pieces: &[
        RawPiece::Literal("user "),
        RawPiece::Argument(0, ""),
        RawPiece::Literal(" from "),
        RawPiece::Argument(1, ""),
        RawPiece::Literal(", again "),
        RawPiece::Argument(0, ""),
        RawPiece::Literal(", "),
        RawPiece::Argument(2, ".2"),
    ],
};

fn notes() -> Dictionary {
    let mut notes = Dictionary::new();
    let mut bytes = Vec::new();
    SITE.put(5, &mut bytes);
    assert!(notes.learn(&bytes));
    bytes.clear();
    LayerNote::put(2, "API", "DEFAULT", &mut bytes);
    assert!(notes.learn(&bytes));
    bytes.clear();
    ThreadNote::put(9, "worker", &mut bytes);
    assert!(notes.learn(&bytes));
    notes
}

fn head(site: u32) -> Head {
    Head {
        time_ns: -5,
        site,
        thread: 9,
        layer: 2,
        level: Level::Warning,
    }
}

fn encode() -> Vec<u8> {
    let mut bytes = Scratch::new();
    let mut encoder = Encoder::site(&mut bytes, head(5));
    encoder.argument(Value::U64(42));
    encoder.rendered(format_args!("{}", "1.2.3.4"));
    encoder.argument(Value::F64(1.255));
    encoder.argument(Value::Str("hidden"));
    encoder.argument(Value::Str("acme"));
    encoder.field("attempt", Value::I64(-1));
    encoder.context("trace_id", Value::Str("abc"));
    encoder.finish();
    bytes.to_vec()
}

/// A record of a call site comes back whole: message from the template, every field typed, context apart.
#[test]
fn a_site_record_comes_back_whole() {
    let (notes, bytes) = (notes(), encode());
    let record = notes.decode(&bytes, 77).unwrap();
    assert_eq!(
        (record.sequence, record.time_ns, record.level),
        (77, -5, Level::Warning)
    );
    assert_eq!(
        (record.layer(), record.route(), record.thread_name()),
        ("API", "DEFAULT", "worker")
    );
    assert_eq!(record.message(), "user 42 from 1.2.3.4, again 42, 1.25");
    let fields: Vec<_> = record.fields().collect();
    let expected = [
        ("id", Value::U64(42)),
        ("ip", Value::Rendered("1.2.3.4")),
        ("ms", Value::F64(1.255)),
        ("tenant", Value::Str("acme")),
        ("attempt", Value::I64(-1)),
    ];
    assert_eq!(fields, expected);
    assert_eq!(record.context().collect::<Vec<_>>(), [("trace_id", Value::Str("abc"))]);
    assert_eq!(record.location().unwrap().line, 3);
}

/// A record with its message inline needs no site, and keeps its place in the source.
#[test]
fn an_inline_message_needs_no_site() {
    let notes = notes();
    let mut bytes = Scratch::new();
    let location = Location {
        line: 8,
        file: "x.rs",
        module: "",
    };
    Encoder::message(&mut bytes, head(0), "a {brace} stays", Some(location)).finish();
    let record = notes.decode(&bytes, 1).unwrap();
    assert_eq!(record.message(), "a {brace} stays");
    assert_eq!(record.location(), Some(location));
    assert!(!record.has_fields() && !record.has_context());
}

/// Bytes cut anywhere, or whose notes are missing, give an error or fewer values, never a panic or another record's
/// text.
#[test]
fn cuts_and_missing_notes_are_told() {
    let (notes, bytes) = (notes(), encode());
    for cut in 0..bytes.len() {
        if let Ok(record) = notes.decode(&bytes[..cut], 1) {
            let _ = (record.message(), record.fields().count(), record.context().count());
        } else {
            assert!(cut < 26);
        }
    }
    assert_eq!(
        Dictionary::new().decode(&bytes, 1).unwrap_err(),
        DecodeError::NoteMissing
    );
}

/// A `Display` that panics marks its own value and harms nothing else in the record.
#[test]
fn a_panicking_display_is_marked() {
    struct Bomb;
    impl std::fmt::Display for Bomb {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half a text, then ")?;
            panic!("boom")
        }
    }
    let notes = notes();
    let mut bytes = Scratch::new();
    let mut encoder = Encoder::message(&mut bytes, head(0), "m", None);
    encoder.field_rendered("bomb", format_args!("{Bomb}"));
    encoder.field("after", Value::Bool(true));
    encoder.finish();
    let record = notes.decode(&bytes, 1).unwrap();
    let fields: Vec<_> = record.fields().collect();
    assert_eq!(fields, [("bomb", Value::Panicked), ("after", Value::Bool(true))]);
}

/// Fields past the limit are left out and counted in the record itself.
#[test]
fn excess_fields_are_counted() {
    let notes = notes();
    let mut bytes = Scratch::new();
    let mut encoder = Encoder::message(&mut bytes, head(0), "m", None);
    for _ in 0..5000 {
        encoder.field("f", Value::Null);
    }
    encoder.context("c", Value::Null);
    encoder.finish();
    let record = notes.decode(&bytes, 1).unwrap();
    assert_eq!(record.fields().last(), Some(("fields_cut", Value::U64(5000 - 4096))));
    assert_eq!(record.context().count(), 1);
}
