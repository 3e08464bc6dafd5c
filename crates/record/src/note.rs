//! What many records have in common, told once in each segment.
//!
//! | kind | note | body |
//! |-----:|------|------|
//! | 1 | call site | id u32, level u8, line u32, file, module, template, names, pieces |
//! | 2 | layer | id u16, name, route, and if it is told who takes its records: their takers |
//! | 3 | thread | id u32, name |
//! | 4 | origin | process id u32, program, host, instance 16 bytes |
//!
//! Names are a count u16 and texts. Pieces are a count u16, and each 0 and a text, or 1, the argument's index u16 and
//! its format specification as text. Takers are a count u16, and each a key u64 and the least level u8.

use std::collections::HashSet;

use crate::bare::is_bare;
use crate::level::Level;
use crate::spec::Spec;
use crate::value::{put_str, take_array, take_str};

const SIMPLE_NAME_BYTES_MAX: usize = 32;

pub(crate) const KIND_SITE: u8 = 1;
pub(crate) const KIND_LAYER: u8 = 2;
pub(crate) const KIND_THREAD: u8 = 3;
pub(crate) const KIND_ORIGIN: u8 = 4;

/// A part of a message template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Literal(String),
    /// Text that is [bare](crate::bare).
    Bare(String),
    /// The argument with that index, as `{}` shows it.
    Plain(u16),
    /// The argument with that index, in that form.
    Argument(u16, Spec),
}

/// A call site: everything that is the same each time a program passes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteNote {
    /// Its number in the process, from 1.
    pub id: u32,
    /// The level of its records.
    pub level: Level,
    /// Line in the source file.
    pub line: u32,
    /// Source file.
    pub file: String,
    /// Module path.
    pub module: String,
    /// The message template as written.
    pub template: String,
    /// A name for each argument; an empty one is not a field (a second form of a value that has its field already).
    pub names: Vec<String>,
    /// Every format can write the names as they are: they are distinct words of ASCII letters, digits and `_`, at most
    /// 32 bytes long, that end in a letter or digit and are none of [`OWN_NAMES`].
    pub simple_names: bool,
    /// The template, taken apart.
    pub pieces: Vec<Piece>,
}

/// What formats call those parts of a record that are not fields of it.
pub const OWN_NAMES: [&str; 12] = [
    "timestamp",
    "level",
    "logger",
    "message",
    "level_no",
    "layer",
    "file",
    "function",
    "line",
    "thread",
    "process",
    "sequence",
];

/// A piece as a macro writes it down: text, or an argument's index with its format specification.
#[derive(Clone, Copy, Debug)]
pub enum RawPiece {
    /// Text as it stands.
    Literal(&'static str),
    /// Index of the argument and its specification (what follows the colon).
    Argument(u16, &'static str),
}

/// A call site's note, borrowed from a program's constants.
#[derive(Clone, Copy, Debug)]
pub struct RawSite {
    /// The level of its records.
    pub level: Level,
    /// Line in the source file.
    pub line: u32,
    /// Source file.
    pub file: &'static str,
    /// Module path.
    pub module: &'static str,
    /// The message template as written.
    pub template: &'static str,
    /// A name for each argument.
    pub names: &'static [&'static str],
    /// The template, taken apart.
    pub pieces: &'static [RawPiece],
}

impl RawSite {
    /// Appends the note's bytes under the number `id`.
    pub fn put(&self, id: u32, out: &mut Vec<u8>) {
        out.push(KIND_SITE);
        out.extend_from_slice(&id.to_le_bytes());
        out.push(self.level.number());
        out.extend_from_slice(&self.line.to_le_bytes());
        put_str(out, self.file);
        put_str(out, self.module);
        put_str(out, self.template);
        out.extend_from_slice(&(self.names.len() as u16).to_le_bytes());
        self.names.iter().for_each(|name| put_str(out, name));
        out.extend_from_slice(&(self.pieces.len() as u16).to_le_bytes());
        for piece in self.pieces {
            match piece {
                RawPiece::Literal(text) => {
                    out.push(0);
                    put_str(out, text);
                }
                RawPiece::Argument(index, spec) => {
                    out.push(1);
                    out.extend_from_slice(&index.to_le_bytes());
                    put_str(out, spec);
                }
            }
        }
    }
}

/// A layer: the name that was asked for, and the configured layer that takes its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerNote {
    /// Its number in the process.
    pub id: u16,
    /// The name the caller used; it is what a reader sees.
    pub name: String,
    /// The configured layer whose destinations take it.
    pub route: String,
    /// Who takes its records, when that is told; otherwise the route alone says it.
    pub takers: Option<Vec<Taker>>,
}

/// A destination that takes a layer's records. With it in the note a record is routed by what was configured when it
/// was logged, whatever is configured when it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taker {
    /// Stands for the destination's name: see [`Taker::key_of`].
    pub key: u64,
    /// The number of the least level that it takes.
    pub level: u8,
}

impl Taker {
    /// Returns the key of the destination `name`.
    pub fn key_of(name: &str) -> u64 {
        // FNV-1a.
        let step = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        name.bytes().fold(0xcbf2_9ce4_8422_2325, step)
    }
}

impl LayerNote {
    /// Appends the bytes of a note that does not tell who takes the layer's records.
    pub fn put(id: u16, name: &str, route: &str, out: &mut Vec<u8>) {
        out.push(KIND_LAYER);
        out.extend_from_slice(&id.to_le_bytes());
        put_str(out, name);
        put_str(out, route);
    }

    /// Appends the bytes of a note that does; the first 65,535 `takers`.
    pub fn put_with_takers(id: u16, name: &str, route: &str, takers: &[Taker], out: &mut Vec<u8>) {
        LayerNote::put(id, name, route, out);
        let takers = takers.get(..usize::from(u16::MAX)).unwrap_or(takers);
        out.extend_from_slice(&(takers.len() as u16).to_le_bytes());
        for taker in takers {
            out.extend_from_slice(&taker.key.to_le_bytes());
            out.push(taker.level);
        }
    }
}

/// A thread of the process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThreadNote {
    /// The system's thread id.
    pub id: u32,
    /// Its name; empty if it has none.
    pub name: String,
}

impl ThreadNote {
    /// Appends the note's bytes.
    pub fn put(id: u32, name: &str, out: &mut Vec<u8>) {
        out.push(KIND_THREAD);
        out.extend_from_slice(&id.to_le_bytes());
        put_str(out, name);
    }
}

/// The process that wrote a journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Process id.
    pub process: u32,
    /// Name of the program.
    pub program: String,
    /// Name of the host.
    pub host: String,
    /// Random number of this run: with a record's sequence it identifies the record everywhere.
    pub instance: [u8; 16],
}

impl Origin {
    /// Appends the note's bytes.
    pub fn put(&self, out: &mut Vec<u8>) {
        out.push(KIND_ORIGIN);
        out.extend_from_slice(&self.process.to_le_bytes());
        put_str(out, &self.program);
        put_str(out, &self.host);
        out.extend_from_slice(&self.instance);
    }
}

/// A note as read from a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A call site.
    Site(SiteNote),
    /// A layer.
    Layer(LayerNote),
    /// A thread.
    Thread(ThreadNote),
    /// The process.
    Origin(Origin),
}

impl Note {
    /// Reads a note; `None` where the bytes are none.
    pub fn read(bytes: &[u8]) -> Option<Note> {
        let (&kind, mut rest) = bytes.split_first()?;
        let from = &mut rest;
        Some(match kind {
            KIND_SITE => Note::Site(read_site(from)?),
            KIND_LAYER => Note::Layer(LayerNote {
                id: u16::from_le_bytes(take_array(from)?),
                name: take_str(from)?.to_owned(),
                route: take_str(from)?.to_owned(),
                takers: read_takers(from)?,
            }),
            KIND_THREAD => Note::Thread(ThreadNote {
                id: u32::from_le_bytes(take_array(from)?),
                name: take_str(from)?.to_owned(),
            }),
            KIND_ORIGIN => Note::Origin(Origin {
                process: u32::from_le_bytes(take_array(from)?),
                program: take_str(from)?.to_owned(),
                host: take_str(from)?.to_owned(),
                instance: take_array(from)?,
            }),
            _ => return None,
        })
    }
}

/// Returns `None` where the bytes are cut short, and that there are none where the note ends before them.
fn read_takers(from: &mut &[u8]) -> Option<Option<Vec<Taker>>> {
    if from.is_empty() {
        return Some(None);
    }
    let mut takers = Vec::new();
    for _ in 0..u16::from_le_bytes(take_array(from)?) {
        let key = u64::from_le_bytes(take_array(from)?);
        let [level] = take_array(from)?;
        takers.push(Taker { key, level });
    }
    Some(Some(takers))
}

fn read_site(from: &mut &[u8]) -> Option<SiteNote> {
    let id = u32::from_le_bytes(take_array(from)?);
    let [level] = take_array(from)?;
    let mut site = SiteNote {
        id,
        level: Level::from_number(level)?,
        line: u32::from_le_bytes(take_array(from)?),
        file: take_str(from)?.to_owned(),
        module: take_str(from)?.to_owned(),
        template: take_str(from)?.to_owned(),
        names: Vec::new(),
        simple_names: false,
        pieces: Vec::new(),
    };
    for _ in 0..u16::from_le_bytes(take_array(from)?) {
        site.names.push(take_str(from)?.to_owned());
    }
    site.simple_names = are_simple(&site.names);
    for _ in 0..u16::from_le_bytes(take_array(from)?) {
        let [kind] = take_array(from)?;
        site.pieces.push(if kind == 0 {
            let text = take_str(from)?.to_owned();
            match is_bare(text.as_bytes()) {
                true => Piece::Bare(text),
                false => Piece::Literal(text),
            }
        } else {
            let index = u16::from_le_bytes(take_array(from)?);
            match Spec::parse(take_str(from)?)? {
                Spec::PLAIN => Piece::Plain(index),
                spec => Piece::Argument(index, spec),
            }
        });
    }
    Some(site)
}

/// Says what [`SiteNote::simple_names`] tells. Empty names are no fields.
fn are_simple(names: &[String]) -> bool {
    let mut seen = HashSet::new();
    names.iter().filter(|name| !name.is_empty()).all(|name| {
        name.len() <= SIMPLE_NAME_BYTES_MAX
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            && !name.ends_with('_')
            && !OWN_NAMES.contains(&name.as_str())
            && seen.insert(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A call site's note comes back as written; cut short anywhere it is refused.
    #[test]
    fn site_round_trips() {
        let raw = RawSite {
            level: Level::Info,
            line: 7,
            file: "src/main.rs",
            module: "app::main",
            template: "user {id:>4} in",
            names: &["id", "tenant"],
            pieces: &[
                RawPiece::Literal("user "),
                RawPiece::Argument(0, ">4"),
                RawPiece::Literal(" in"),
            ],
        };
        let mut bytes = Vec::new();
        raw.put(9, &mut bytes);
        let Some(Note::Site(site)) = Note::read(&bytes) else {
            panic!("not read")
        };
        assert_eq!((site.id, site.names.len(), site.pieces.len()), (9, 2, 3));
        assert_eq!(site.template, raw.template);
        for cut in 0..bytes.len() {
            assert_eq!(Note::read(&bytes[..cut]), None);
        }
    }

    /// Layer, thread and origin notes come back as written.
    #[test]
    fn others_round_trip() {
        let mut bytes = Vec::new();
        LayerNote::put(3, "PAYMENTS", "DEFAULT", &mut bytes);
        let layer = LayerNote {
            id: 3,
            name: "PAYMENTS".into(),
            route: "DEFAULT".into(),
            takers: None,
        };
        assert_eq!(Note::read(&bytes), Some(Note::Layer(layer.clone())));
        bytes.clear();
        let key = Taker::key_of("DEFAULT|file|/a");
        let takers = vec![Taker { key, level: 20 }, Taker { key: 1, level: 50 }];
        LayerNote::put_with_takers(3, "PAYMENTS", "DEFAULT", &takers, &mut bytes);
        let takers = Some(takers);
        assert_eq!(Note::read(&bytes), Some(Note::Layer(LayerNote { takers, ..layer })));
        assert_eq!(Note::read(&bytes[..bytes.len() - 1]), None);
        bytes.clear();
        ThreadNote::put(77, "worker", &mut bytes);
        assert_eq!(
            Note::read(&bytes),
            Some(Note::Thread(ThreadNote {
                id: 77,
                name: "worker".into()
            }))
        );
        bytes.clear();
        let origin = Origin {
            process: 1,
            program: "app".into(),
            host: "h".into(),
            instance: [7; 16],
        };
        origin.put(&mut bytes);
        assert_eq!(Note::read(&bytes), Some(Note::Origin(origin)));
    }
}
