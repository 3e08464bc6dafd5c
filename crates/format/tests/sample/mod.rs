//! A record to write down, with every place where text can stand.
#![allow(dead_code, unreachable_pub)]

use hydra_format::{ClockFace, Formatter};
use hydra_record::note::{RawPiece, RawSite};
use hydra_record::*;

/// 2023-11-14T22:13:20.123456789Z.
pub const TIME_NS: i64 = 1_700_000_000_123_456_789;

/// The call site `user {id} logged in from {ip} in {ms:.2} ms`.
pub const SITE: RawSite = RawSite {
    level: Level::Info,
    line: 42,
    file: "src/login.rs",
    module: "app::login",
    template: "user {id} logged in from {ip} in {ms:.2} ms",
    names: &["id", "ip", "ms"],
    pieces: &[
        RawPiece::Literal("user "),
        RawPiece::Argument(0, ""),
        RawPiece::Literal(" logged in from "),
        RawPiece::Argument(1, ""),
        RawPiece::Literal(" in "),
        RawPiece::Argument(2, ".2"),
        RawPiece::Literal(" ms"),
    ],
};

/// One field.
pub type Field<'a> = (&'a str, Value<'a>);

/// What a record is made from.
#[derive(Clone, Debug)]
pub struct Sample<'a> {
    pub time_ns: i64,
    pub level: Level,
    pub layer: &'a str,
    pub thread: &'a str,
    pub program: &'a str,
    pub host: &'a str,
    /// `None`: the sample call site.
    pub message: Option<&'a str>,
    pub fields: Vec<Field<'a>>,
    pub context: Vec<Field<'a>>,
}

impl Default for Sample<'_> {
    fn default() -> Self {
        Sample {
            time_ns: TIME_NS,
            level: Level::Info,
            layer: "API",
            thread: "worker",
            program: "app",
            host: "host.example",
            message: Some("hello"),
            fields: Vec::new(),
            context: Vec::new(),
        }
    }
}

impl<'a> Sample<'a> {
    /// A record of nothing but this message.
    pub fn message(message: &'a str) -> Sample<'a> {
        Sample {
            message: Some(message),
            ..Sample::default()
        }
    }

    /// A record with these fields.
    pub fn fields(fields: &[Field<'a>]) -> Sample<'a> {
        Sample {
            fields: fields.to_vec(),
            ..Sample::default()
        }
    }

    /// A record of the sample call site.
    pub fn of_site() -> Sample<'a> {
        Sample {
            message: None,
            ..Sample::default()
        }
    }

    /// Writes the record; the buffer's earlier content must be left alone.
    pub fn write(&self, format: &dyn Formatter) -> String {
        self.write_with(format, &mut ClockFace::utc())
    }

    pub fn write_with(&self, format: &dyn Formatter, face: &mut ClockFace) -> String {
        let (notes, bytes) = (self.notes(), self.bytes());
        let record = notes.decode(&bytes, 77).unwrap();
        let mut out = b"before\n".to_vec();
        format.write(&record, face, &mut out);
        let text = String::from_utf8(out).unwrap();
        text.strip_prefix("before\n").unwrap().to_owned()
    }

    /// Writes what is left of the record's bytes after `damage`, if that is a record at all.
    pub fn write_damaged(&self, format: &dyn Formatter, damage: impl Fn(&mut Vec<u8>)) -> Option<String> {
        let (notes, mut bytes) = (self.notes(), self.bytes());
        damage(&mut bytes);
        let record = notes.decode(&bytes, 77).ok()?;
        let mut out = Vec::new();
        format.write(&record, &mut ClockFace::utc(), &mut out);
        Some(String::from_utf8(out).unwrap())
    }

    fn notes(&self) -> Dictionary {
        let mut notes = Dictionary::new();
        let mut note = Vec::new();
        let mut learn = |note: &mut Vec<u8>| {
            assert!(notes.learn(note));
            note.clear();
        };
        SITE.put(1, &mut note);
        learn(&mut note);
        LayerNote::put(1, self.layer, "DEFAULT", &mut note);
        learn(&mut note);
        ThreadNote::put(9, self.thread, &mut note);
        learn(&mut note);
        let origin = Origin {
            process: 4711,
            program: self.program.to_owned(),
            host: self.host.to_owned(),
            instance: [7; 16],
        };
        origin.put(&mut note);
        learn(&mut note);
        notes
    }

    fn bytes(&self) -> Vec<u8> {
        let site = u32::from(self.message.is_none());
        let head = Head {
            time_ns: self.time_ns,
            site,
            thread: 9,
            layer: 1,
            level: self.level,
        };
        let mut bytes = Scratch::new();
        let mut encoder = match self.message {
            Some(message) => Encoder::message(&mut bytes, head, message, None),
            None => Encoder::site(&mut bytes, head),
        };
        if self.message.is_none() {
            encoder.argument(Value::U64(42));
            encoder.argument(Value::Str("10.0.0.7"));
            encoder.argument(Value::F64(1.25));
        }
        self.fields.iter().for_each(|(name, value)| encoder.field(name, *value));
        self.context
            .iter()
            .for_each(|(name, value)| encoder.context(name, *value));
        encoder.finish();
        bytes.to_vec()
    }
}

/// Characters that a terminal acts on, or that break or reorder lines; tab is not among them.
pub fn is_dangerous(letter: char) -> bool {
    let code = letter as u32;
    let control = (code < 0x20 && letter != '\t') || (0x7F..=0x9F).contains(&code);
    let invisible = [0x61C, 0x200E, 0x200F].contains(&code) || (0x2028..=0x202E).contains(&code);
    control || invisible || (0x2066..=0x2069).contains(&code)
}

/// Every character up to U+00FF and one or more of each further kind: invisible, wide, combining, outside the plane.
pub fn letters() -> impl Iterator<Item = char> {
    let others = "\u{61b}\u{61c}\u{61d}\u{200b}\u{200d}\u{200e}\u{200f}\u{2010}\u{2027}\u{2028}\u{2029}\u{202a}\u{202b}\
                  \u{202c}\u{202d}\u{202e}\u{202f}\u{2065}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{301}\u{3000}\
                  \u{feff}\u{fffd}\u{ffff}漢ßا€…😀\u{10ffff}";
    (0..=0xFFu32).filter_map(char::from_u32).chain(others.chars())
}
