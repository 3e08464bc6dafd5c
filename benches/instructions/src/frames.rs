//! Frames as a head reads them, and the notes that belong to them.

use hydra_record::note::{RawPiece, RawSite};
use hydra_record::{Dictionary, Encoder, Head, LayerNote, Level, Origin, Scratch, ThreadNote, Value};

const FIRST_NS: i64 = 1_700_000_000_123_456_789;

/// The call site of the message with its three arguments.
const MESSAGE: RawSite = RawSite {
    level: Level::Info,
    line: 42,
    file: "src/login.rs",
    module: "app::login",
    template: "user {id} logged in from {ip} in {ms} ms",
    names: &["id", "ip", "ms"],
    pieces: &[
        RawPiece::Literal("user "),
        RawPiece::Argument(0, ""),
        RawPiece::Literal(" logged in from "),
        RawPiece::Argument(1, ""),
        RawPiece::Literal(" in "),
        RawPiece::Argument(2, ""),
        RawPiece::Literal(" ms"),
    ],
};

/// The same with two more fields.
const FIVE_FIELDS: RawSite = RawSite {
    names: &["id", "ip", "ms", "tenant", "attempt"],
    ..MESSAGE
};

/// What a journal would hold.
pub(crate) struct Frames {
    pub(crate) notes: Dictionary,
    pub(crate) bytes: Vec<Vec<u8>>,
}

impl Frames {
    /// Records with a message of three arguments.
    pub(crate) fn of_message() -> Frames {
        Frames::new(MESSAGE, put_arguments)
    }

    /// Records with five fields, all named by the call site.
    pub(crate) fn of_five_fields() -> Frames {
        Frames::new(FIVE_FIELDS, |encoder| {
            put_arguments(encoder);
            encoder.argument(Value::Str("acme-industries"));
            encoder.argument(Value::U64(3));
        })
    }

    /// Records with five fields, two of which the frame names, and text that has to be escaped.
    pub(crate) fn of_any_names() -> Frames {
        Frames::new(MESSAGE, |encoder| {
            put_arguments(encoder);
            encoder.field("tenant", Value::Str("\"acme\" industries"));
            encoder.field("attempt", Value::U64(3));
        })
    }

    fn new(site: RawSite, fill: impl Fn(&mut Encoder<'_>)) -> Frames {
        let (mut notes, mut note) = (Dictionary::new(), Vec::new());
        let mut learn = |put: &dyn Fn(&mut Vec<u8>)| {
            note.clear();
            put(&mut note);
            assert!(notes.learn(&note), "a note that was just written");
        };
        learn(&|note| site.put(1, note));
        learn(&|note| LayerNote::put(1, "BENCH", "BENCH", note));
        learn(&|note| ThreadNote::put(9, "main", note));
        learn(&|note| {
            let origin = Origin {
                process: 4711,
                program: "app".to_owned(),
                host: "host.example".to_owned(),
                instance: [7; 16],
            };
            origin.put(note);
        });
        let frame = |number: i64| {
            let mut bytes = Scratch::new();
            let head = Head {
                time_ns: FIRST_NS + number * 1000,
                site: 1,
                thread: 9,
                layer: 1,
                level: Level::Info,
            };
            let mut encoder = Encoder::site(&mut bytes, head);
            fill(&mut encoder);
            encoder.finish();
            bytes.to_vec()
        };
        Frames {
            notes,
            bytes: (0..64).map(frame).collect(),
        }
    }
}

fn put_arguments(encoder: &mut Encoder<'_>) {
    encoder.argument(Value::U64(7_919_042));
    encoder.argument(Value::Str("192.168.17.254"));
    encoder.argument(Value::F64(12.25));
}
