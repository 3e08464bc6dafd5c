//! What formats make beforehand of layers and call sites, and keep from record to record, is never seen: each record is
//! written as if it were the first, and a call site's as if it had brought its message and the names of its fields.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use hydra_format::*;
use hydra_record::note::{RawPiece, RawSite};
use hydra_record::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

const LOCATION: Location<'static> = Location {
    line: 42,
    file: "src/login.rs",
    module: "app::login",
};
const NAMES: [&str; 18] = [
    "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q", "r",
];
const SPECS: [&str; 8] = ["", "", "", "?", ">5", ".2", "05", "#x"];
const LITERALS: [&str; 9] = [
    "",
    " ",
    " in ",
    "a, \"b\"",
    "tab\tand \\",
    "grün\u{202e}",
    "\n",
    "2 = [1]",
    "a literal that is longer than any block of the page, and then a little longer still, so that it needs three",
];
const TEXTS: [&str; 12] = [
    "",
    " ",
    "abc",
    "10.0.0.7",
    "two words",
    "k=v",
    "] \"",
    "exactly sixteen.",
    "exactly thirty-two bytes of text",
    "thirty-three bytes of text, as is",
    "a\nb",
    "grün, and much longer than thirty-two bytes, \\ included",
];

/// All formats that write fields, and those whose options matter to what can be made beforehand.
fn formats() -> Vec<(&'static str, Box<dyn Formatter>)> {
    let keys = Keys {
        location: true,
        sequence: true,
        ..Keys::default()
    };
    let plain = |change: fn(&mut PlainOptions)| {
        let mut options = PlainOptions {
            include_extra: true,
            ..PlainOptions::default()
        };
        change(&mut options);
        Box::new(Plain::new(options).unwrap())
    };
    let csv = |guard_formulas, keep_controls| {
        Box::new(Csv::new(CsvOptions {
            extra: true,
            guard_formulas,
            keep_controls,
            ..CsvOptions::default()
        }))
    };
    let bom = SyslogOptions {
        bom: true,
        ..SyslogOptions::default()
    };
    vec![
        ("plain", plain(|_| {})),
        ("plain, lines", plain(|options| options.multiline = true)),
        ("plain, exact", plain(|options| options.escape_backslash = true)),
        (
            "plain, twice",
            plain(|options| options.message_format = "{message} {name} {message} {level} {message}.".to_owned()),
        ),
        ("json", Box::new(Json::new(JsonOptions::default()))),
        ("json with keys", Box::new(Json::new(JsonOptions { keys }))),
        ("csv", csv(false, false)),
        ("csv, guarded", csv(true, true)),
        ("syslog", Box::new(Syslog::new(SyslogOptions::default()).unwrap())),
        ("syslog with mark", Box::new(Syslog::new(bom).unwrap())),
        ("gelf", Box::new(Gelf::new(GelfOptions::default()))),
        ("gelf with keys", Box::new(Gelf::new(GelfOptions { host: None, keys }))),
        ("logfmt", Box::new(Logfmt::new(LogfmtOptions::default()))),
        ("logfmt with keys", Box::new(Logfmt::new(LogfmtOptions { keys }))),
        (
            "json, no fields",
            Box::new(WithoutFields(Json::new(JsonOptions::default()))),
        ),
    ]
}

/// A call site, its layer and its process, and the values of one call.
#[derive(Clone, Debug)]
struct Call {
    pieces: Vec<(&'static str, Option<(u16, &'static str)>)>,
    values: Vec<Value<'static>>,
    own: Vec<Value<'static>>,
    context: Vec<Value<'static>>,
    layer: &'static str,
    host: &'static str,
    level: Level,
    time_ns: i64,
}

impl Call {
    fn head(&self, site: u32) -> Head {
        Head {
            time_ns: self.time_ns,
            site,
            thread: 9,
            layer: 1,
            level: self.level,
        }
    }

    fn notes(&self) -> Dictionary {
        let mut pieces = Vec::new();
        for &(literal, argument) in &self.pieces {
            pieces.push(RawPiece::Literal(literal));
            if let Some((index, spec)) = argument {
                pieces.push(RawPiece::Argument(index % self.values.len().max(1) as u16, spec));
            }
        }
        let site = RawSite {
            level: self.level,
            line: LOCATION.line,
            file: LOCATION.file,
            module: LOCATION.module,
            template: "not looked at",
            names: &NAMES[..self.values.len()],
            pieces: pieces.leak(),
        };
        let origin = Origin {
            host: self.host.to_owned(),
            program: "app".to_owned(),
            process: 7,
            instance: [7; 16],
        };
        let (mut notes, mut note) = (Dictionary::new(), Vec::new());
        let mut learn = |put: &dyn Fn(&mut Vec<u8>)| {
            note.clear();
            put(&mut note);
            assert!(notes.learn(&note));
        };
        learn(&|note| site.put(1, note));
        learn(&|note| LayerNote::put(1, self.layer, "DEFAULT", note));
        learn(&|note| origin.put(note));
        notes
    }

    fn put_rest(&self, encoder: &mut Encoder<'_>) {
        for (number, value) in self.own.iter().enumerate() {
            encoder.field(["own", "a"][number % 2], *value);
        }
        for value in &self.context {
            encoder.context("trace", *value);
        }
        encoder.finish();
    }

    fn of_site(&self) -> Vec<u8> {
        let mut bytes = Scratch::new();
        let mut encoder = Encoder::site(&mut bytes, self.head(1));
        self.values.iter().for_each(|value| encoder.argument(*value));
        self.put_rest(&mut encoder);
        bytes.to_vec()
    }

    fn brought(&self, message: &str) -> Vec<u8> {
        let mut bytes = Scratch::new();
        let mut encoder = Encoder::message(&mut bytes, self.head(0), message, Some(LOCATION));
        for (name, value) in NAMES.iter().zip(&self.values) {
            encoder.field(name, *value);
        }
        self.put_rest(&mut encoder);
        bytes.to_vec()
    }
}

fn write(format: &dyn Formatter, record: &Record<'_>, face: &mut ClockFace) -> String {
    let mut out = b"before".to_vec();
    format.write(record, face, &mut out);
    String::from_utf8(out).unwrap()
}

/// Writes each call in each format with faces that have seen all the others, twice in a row and alternating.
fn check(calls: &[Call]) {
    let formats = formats();
    let mut own: Vec<ClockFace> = formats.iter().map(|_| ClockFace::utc()).collect();
    let mut shared = ClockFace::utc();
    for call in calls {
        let notes = call.notes();
        let of_site = call.of_site();
        let record = notes.decode(&of_site, 77).unwrap();
        let message = record.message();
        let brought = call.brought(&message);
        let plain = notes.decode(&brought, 77).unwrap();
        for ((name, format), own) in formats.iter().zip(&mut own) {
            let expected = write(&**format, &plain, &mut ClockFace::utc());
            for _ in 0..2 {
                for face in [&mut *own, &mut shared] {
                    assert_eq!(write(&**format, &record, face), expected, "{name}: {call:?}");
                    assert_eq!(write(&**format, &plain, face), expected, "{name}, brought: {call:?}");
                }
            }
        }
    }
}

fn value() -> impl Strategy<Value = Value<'static>> {
    prop_oneof![
        select(&TEXTS[..]).prop_map(Value::Str),
        select(&TEXTS[..]).prop_map(Value::Rendered),
        any::<u64>().prop_map(Value::U64),
        (0..200u64).prop_map(Value::U64),
        any::<i64>().prop_map(Value::I64),
        any::<f64>().prop_map(Value::F64),
        (-5000..5000i32).prop_map(|number| Value::F64(f64::from(number) / 1000.0)),
        (-9..9i32).prop_map(|number| Value::F64(f64::from(number) * 1e5)),
        any::<f32>().prop_map(Value::F32),
        any::<bool>().prop_map(Value::Bool),
        any::<i128>().prop_map(Value::I128),
        // A line break that two pieces of a message share is none for the first of them.
        any::<char>()
            .prop_filter("half a line break", |letter| *letter != '\r')
            .prop_map(Value::Char),
        select(&[Value::Null, Value::Panicked, Value::F64(f64::NAN), Value::F64(-0.0)][..]),
        select(&["{\"a\":[1, \"\u{1}\"]}", "{}", "nothing"][..]).prop_map(Value::Json),
    ]
}

prop_compose! {
    fn call()(
        pieces in vec((select(&LITERALS[..]), proptest::option::weighted(0.8, (0..20u16, select(&SPECS[..])))), 0..6),
        values in vec(value(), 0..18),
        own in prop_oneof![3 => Just(Vec::new()), 1 => vec(value(), 0..3)],
        context in prop_oneof![3 => Just(Vec::new()), 1 => vec(value(), 0..3)],
        layer in select(&["API", "a \"layer\", =", ""][..]),
        host in select(&["host.example", ""][..]),
        level in select(&Level::ALL[..]),
        time_ns in select(&[1_700_000_000_123_456_789, 1_700_000_000_999_999_999, 0, -1, -1_000_000_001][..]),
    ) -> Call {
        Call { pieces, values, own, context, layer, host, level, time_ns }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Any call sites, one after the other under the same numbers.
    #[test]
    fn any_calls(calls in vec(call(), 1..4)) {
        check(&calls);
    }
}
