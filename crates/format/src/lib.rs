//! A record becomes text for a reader: plain, json, csv, syslog, gelf, logfmt.
//!
//! A [`Formatter`] is built once from its options and never changes. It takes any record, appends exactly one record's
//! text to a buffer that its caller reuses, and cannot fail. The same record gives the same bytes, always: what depends
//! on the world (the zone of local time) is asked through the [`ClockFace`] that the caller brings.
//!
//! | format | one record is | values come back by |
//! |--------|---------------|---------------------|
//! | [`Plain`] | a line for people | not meant to be parsed; exact with [`PlainOptions::escape_backslash`] |
//! | [`Json`] | a line, one JSON object | any JSON parser |
//! | [`Csv`] | an RFC 4180 record | any CSV parser; line breaks stay inside quotes unless escaped |
//! | [`Syslog`] | a line, one RFC 5424 message | any RFC 5424 parser; controls are shown as in plain |
//! | [`Gelf`] | a line, one GELF 1.1 object | any JSON parser |
//! | [`Logfmt`] | a line of `key=value` | any logfmt parser that knows JSON's escapes |
//!
//! # What a terminal must not obey
//! Whoever shows a log on a terminal must not have it obey a record. So no format lets through what a terminal acts
//! on: C0 controls (tab, and in CSV the line breaks, excepted), DEL, C1 controls, and the invisible characters that
//! reorder text or break lines (U+061C, U+200E, U+200F, U+2028 to U+202E, U+2066 to U+2069). Where JSON's escapes are
//! understood (json, gelf, logfmt, the extra column of csv) they are written as `\uXXXX` and come back when parsed;
//! elsewhere they become visible text such as `\x1b` or `\u{202e}`.
#![forbid(unsafe_code)]

mod color;
mod csv;
mod embed;
mod error;
mod escape;
mod format;
mod gelf;
mod json;
mod keys;
mod logfmt;
mod names;
mod pen;
mod plain;
mod plates;
mod scan;
mod strftime;
mod syslog;
mod template;
mod time;

pub use color::{Color, Colors};
pub use csv::{Csv, CsvOptions};
pub use error::{Error, ErrorKind};
pub use format::{Formatter, WithoutFields};
pub use gelf::{Gelf, GelfOptions};
pub use json::{Json, JsonOptions, put_text as put_json_text};
pub use keys::Keys;
pub use logfmt::{Logfmt, LogfmtOptions};
pub use plain::{Plain, PlainOptions};
pub use strftime::Pattern;
pub use syslog::{Syslog, SyslogOptions};
pub use time::{Civil, ClockFace};
