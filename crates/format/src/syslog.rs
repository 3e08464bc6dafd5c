//! Syslog after RFC 5424, one message a line.
//!
//! ```text
//! <14>1 2026-01-31T12:00:00.000001Z host app 4711 API [hydra@32473 id="42"] user 42
//! ```
//!
//! MSGID is the layer; the structured data hold the record's fields, then its context's. Control characters become
//! visible text in message and values, as in plain text. A sink that frames messages (RFC 6587, UDP) takes the line
//! end off.

use hydra_record::{Argument, LayerNote, Level, Origin, Record};

use crate::error::{Error, ErrorKind};
use crate::escape::{Escaped, Line, Param, Word, escape};
use crate::format::{Formatter, all_fields};
use crate::names::{Names, cleaned};
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting};
use crate::scan::{append, append_clean};
use crate::time::ClockFace;

const FACILITY_MAX: u8 = 23;
const HOST_BYTES_MAX: usize = 255;
const APP_BYTES_MAX: usize = 48;
const MESSAGE_ID_BYTES_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 32;
/// The byte order mark that tells a reader the message is UTF-8.
const MARK: &[u8; 3] = b"\xEF\xBB\xBF";

/// Options of [`Syslog`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogOptions {
    /// 0 to 23; 1 is "user-level messages".
    pub facility: u8,
    /// APP-NAME; if absent, the program's name.
    pub app_name: Option<String>,
    /// SD-ID of the element that holds the fields: at most 32 printable ASCII characters, without `=`, `]`, `"` and
    /// space. The number after the `@` should be an enterprise number; 32473 is the one for documentation.
    pub structured_data_id: String,
    /// Puts a byte order mark before the message.
    pub bom: bool,
}

impl Default for SyslogOptions {
    fn default() -> SyslogOptions {
        SyslogOptions {
            facility: 1,
            app_name: None,
            structured_data_id: "hydra@32473".to_owned(),
            bom: false,
        }
    }
}

/// Writes RFC 5424 messages.
#[derive(Clone, Debug)]
pub struct Syslog {
    identity: Identity,
    options: SyslogOptions,
}

impl Syslog {
    /// Makes the format.
    ///
    /// # Errors
    /// [`ErrorKind::Facility`] above 23, [`ErrorKind::StructuredDataId`] for a name that RFC 5424 does not allow.
    pub fn new(options: SyslogOptions) -> Result<Syslog, Error> {
        let facility = u16::from(options.facility);
        if options.facility > FACILITY_MAX {
            let text = format!("syslog facility {facility} is out of range; it must be 0 to {FACILITY_MAX}");
            return Err(Error::new(ErrorKind::Facility, text));
        }
        let id = options.structured_data_id.as_str();
        if id.is_empty() || id.len() > NAME_BYTES_MAX || !id.bytes().all(is_name_byte) {
            let text = format!(
                "structured_data_id `{}` is not allowed; it must be 1 to {NAME_BYTES_MAX} printable ASCII characters \
                 without space, `=`, `]` and `\"`, such as hydra@32473",
                id.escape_debug()
            );
            return Err(Error::new(ErrorKind::StructuredDataId, text));
        }
        Ok(Syslog {
            identity: Identity::new(),
            options,
        })
    }

    #[inline(never)]
    fn put_data(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'[');
        out.extend_from_slice(self.options.structured_data_id.as_bytes());
        let bare = out.len();
        let mut names = Names::within(NAME_BYTES_MAX).of(record);
        for list in all_fields(record) {
            for (name, value) in list.stored() {
                out.push(b' ');
                names.put(name, |name| cleaned(name, NAME_BYTES_MAX, is_name_byte), out);
                out.extend_from_slice(b"=\"");
                value.write_text(&mut Escaped::<Param>::new(out));
                out.push(b'"');
            }
        }
        if out.len() == bare {
            out.truncate(start);
            out.push(b'-');
        } else {
            out.push(b']');
        }
    }
}

impl Layout for Syslog {
    const CONTEXT_APART: bool = false;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        let app = self.options.app_name.as_deref().unwrap_or(&origin.program);
        let priority = u16::from(self.options.facility) * 8 + u16::from(level.severity());
        let mut second = Vec::new();
        put_header(&origin.host, HOST_BYTES_MAX, &mut second);
        put_header(app, APP_BYTES_MAX, &mut second);
        put_header(&origin.process.to_string(), usize::MAX, &mut second);
        put_header(&layer.name, MESSAGE_ID_BYTES_MAX, &mut second);
        second.push(b' ');
        [format!("<{priority}>1 ").into_bytes(), second]
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        escape::<Line>(text, out);
    }

    fn put_key(&self, name: &str, is_first: bool, out: &mut Vec<u8>) {
        if is_first {
            out.push(b'[');
            out.extend_from_slice(self.options.structured_data_id.as_bytes());
        } else {
            out.push(b'"');
        }
        out.push(b' ');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
    }

    fn put_end(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\"]");
    }

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        if argument.is_short() {
            pen.block(argument.place(), argument.len());
        } else {
            put_argument(argument, values, pen.vec());
        }
    }
}

impl Formatter for Syslog {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [before, after],
            page,
            text,
        } = press.set(self, record, true);
        let mut pen = Pen::new(page, out);
        pen.prepared(before);
        clock.rfc3339(record.time_ns, &mut pen);
        pen.prepared(after);
        if text.has_fields() && text.has_any_field() {
            text.put_fields::<Syslog>(record, &mut pen);
        } else {
            self.put_data(record, pen.vec());
        }
        let end = pen.position();
        pen.put(b" ");
        if self.options.bom {
            pen.put(MARK);
        }
        let begun = pen.position();
        text.put_message::<Line>(record, &mut pen);
        if pen.position() == begun {
            pen.vec().truncate(end);
        }
        pen.put(b"\n");
        pen.end();
    }
}

#[inline(never)]
fn put_argument(argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
    if let Some(value) = argument.stored(values) {
        value.write_text(&mut Escaped::<Param>::new(out));
    }
}

/// Writes a space and a field of the header, `-` if it is empty.
fn put_header(text: &str, bytes_max: usize, out: &mut Vec<u8>) {
    out.push(b' ');
    if text.is_empty() {
        out.push(b'-');
    } else if !append_clean::<Word>(text.as_bytes(), out) {
        let other = cleaned(text, bytes_max, |byte| byte.is_ascii_graphic());
        append(other.as_deref().unwrap_or(text).as_bytes(), out);
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'=' | b']' | b'"')
}
