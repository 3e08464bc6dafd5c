//! What one log event is, and its byte form.
//!
//! A program *encodes* an event once, into the bytes of one journal frame ([`encode`]); a head *decodes* those bytes
//! into a borrowed [`Record`] ([`decode`]), from which a format makes text. What all events of one call site, layer or
//! thread have in common (template, field names, source location, layer name, thread name) travels apart, as a
//! [`note`]: the journal guarantees that a note stands in the same segment as every frame that needs it, so a reader
//! needs nothing from the process that wrote the bytes.
//!
//! This room is pure data: no file, no clock, no lock, and it cannot fail because of the world.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod bare;
pub mod chain;
mod convert;
pub mod decode;
pub mod digits;
pub mod encode;
pub mod float;
pub mod level;
pub mod list;
pub mod note;
pub mod record;
mod scratch;
pub mod spec;
pub mod value;

pub use arguments::{Argument, Arguments};
pub use decode::{DecodeError, Dictionary, Peek};
pub use encode::{Encoder, Head, Scratch};
pub use level::Level;
pub use list::FieldList;
pub use note::{LayerNote, Origin, Piece, SiteNote, Taker, ThreadNote};
pub use record::{Fields, Location, Record, TextOut};
pub use spec::Spec;
pub use value::{Stored, Value};
