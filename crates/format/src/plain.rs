//! Plain text for people: `YYYY-MM-DD HH:MM:SS - LAYER - LEVEL - message`, in local time.
//!
//! In layer and message, line breaks become the two characters `\n` and `\r`, and other controls `\xNN`; tab stays. So
//! a message that holds a backslash and an `n` looks like one that held a line break. Where that matters,
//! [`PlainOptions::escape_backslash`] doubles each backslash, and every text can be had back exactly.

use hydra_record::{Argument, LayerNote, Level, Origin, Record};

use crate::color::{Colors, RESET};
use crate::error::{Error, ErrorKind};
use crate::escape::{Escaped, Line, Shown, escape};
use crate::format::{Formatter, PerLevel};
use crate::logfmt::{put_argument, put_key, put_pairs};
use crate::names::Names;
use crate::pen::Pen;
use crate::plates::{Identity, Layout, Setting, Text};
use crate::strftime::Pattern;
use crate::template::{self, Word};
use crate::time::ClockFace;

const SEPARATOR: &str = " - ";

/// Options of [`Plain`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlainOptions {
    /// How the time is shown, see [`Pattern`]. If neither this nor `time_format` says anything, no time is shown.
    pub date_format: String,
    /// Joined to `date_format` with one space when that has no time of day.
    pub time_format: String,
    /// The layer's part; placeholder `{name}` or `%(name)s`. If empty, the part is left out.
    pub logger_name_format: String,
    /// The rest; placeholders `level` (or `levelname`), `message` and `name`, as `{level}` or `%(level)s`.
    pub message_format: String,
    /// Colours the level's name and the layer.
    pub color: bool,
    /// Which colours.
    pub colors: Colors,
    /// Appends ` key=value` for each field of the record and its context, written as in logfmt.
    pub include_extra: bool,
    /// Keeps the line breaks of the message. The one record is then several lines, and a message can forge a record.
    pub multiline: bool,
    /// Doubles each backslash of layer and message, so that escapes cannot be mistaken for text.
    pub escape_backslash: bool,
}

impl Default for PlainOptions {
    fn default() -> PlainOptions {
        PlainOptions {
            date_format: "%Y-%m-%d %H:%M:%S".to_owned(),
            time_format: "%H:%M:%S".to_owned(),
            logger_name_format: "{name}".to_owned(),
            message_format: "{level} - {message}".to_owned(),
            color: false,
            colors: Colors::default(),
            include_extra: false,
            multiline: false,
            escape_backslash: false,
        }
    }
}

/// Writes plain text.
#[derive(Clone, Debug)]
pub struct Plain {
    identity: Identity,
    /// The time and what follows it.
    time: Pattern,
    /// What stands before the first message and after it, and if there is a second one, what stands after that.
    before: Vec<Part>,
    after: Vec<Part>,
    rest: Option<Vec<Part>>,
    include_extra: bool,
    multiline: bool,
    escape_backslash: bool,
}

/// A part of the line. All that is known beforehand, the level and its colours included, is one piece.
#[derive(Clone, Debug)]
enum Part {
    Fixed(PerLevel),
    Name,
    Message,
}

impl Plain {
    /// Makes the format.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownDirective`] in a date format, [`ErrorKind::UnknownPlaceholder`] in a template,
    /// [`ErrorKind::MessageMissing`] for a `message_format` that would leave every message out.
    pub fn new(options: PlainOptions) -> Result<Plain, Error> {
        let name = template::parse("logger_name_format", &options.logger_name_format, &["name"])?;
        let known = ["levelname", "level", "message", "name"];
        let message = template::parse("message_format", &options.message_format, &known)?;
        if !message.contains(&Word::Message) {
            let text = format!(
                "message_format `{}` has no placeholder {{message}}",
                options.message_format
            );
            return Err(Error::new(ErrorKind::MessageMissing, text));
        }
        let between = if name.is_empty() { "" } else { SEPARATOR };
        let words = name.into_iter().chain([Word::Text(between.to_owned())]).chain(message);
        let mut before = join(words, &options);
        let mut after = split_at_message(&mut before).unwrap_or_default();
        let rest = split_at_message(&mut after);
        Ok(Plain {
            identity: Identity::new(),
            time: time_pattern(&options)?,
            before,
            after,
            rest,
            include_extra: options.include_extra,
            multiline: options.multiline,
            escape_backslash: options.escape_backslash,
        })
    }

    #[inline(always)]
    fn put_message(&self, record: &Record<'_>, text: &Text<'_>, pen: &mut Pen<'_>) {
        match (self.multiline, self.escape_backslash) {
            (false, false) => text.put_message::<Line>(record, pen),
            (true, false) => text.put_message::<Shown<true, false>>(record, pen),
            (false, true) => text.put_message::<Shown<false, true>>(record, pen),
            (true, true) => text.put_message::<Shown<true, true>>(record, pen),
        }
    }

    /// Writes a message that is not the first, and what follows it.
    #[inline(never)]
    fn put_rest(&self, rest: &[Part], record: &Record<'_>, out: &mut Vec<u8>) {
        for part in [Part::Message].iter().chain(rest) {
            match (part, self.multiline, self.escape_backslash) {
                (Part::Message, false, false) => record.write_message(&mut Escaped::<Line>::new(out)),
                (Part::Message, true, false) => record.write_message(&mut Escaped::<Shown<true, false>>::new(out)),
                (Part::Message, false, true) => record.write_message(&mut Escaped::<Shown<false, true>>::new(out)),
                (Part::Message, true, true) => record.write_message(&mut Escaped::<Shown<true, true>>::new(out)),
                (part, ..) => self.put_part(part, record.layer(), record.level, out),
            }
        }
    }

    /// Writes a part that is no message.
    fn put_part(&self, part: &Part, layer: &str, level: Level, out: &mut Vec<u8>) {
        match part {
            Part::Fixed(text) => out.extend_from_slice(text.of(level)),
            Part::Name if self.escape_backslash => escape::<Shown<false, true>>(layer, out),
            Part::Name => escape::<Line>(layer, out),
            Part::Message => {}
        }
    }
}

impl Layout for Plain {
    const CONTEXT_APART: bool = false;

    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn front(&self, layer: &LayerNote, _origin: &Origin, level: Level) -> [Vec<u8>; 2] {
        [&self.before, &self.after].map(|parts| {
            let mut text = Vec::new();
            for part in parts {
                self.put_part(part, &layer.name, level, &mut text);
            }
            text
        })
    }

    fn put_literal(&self, text: &str, out: &mut Vec<u8>) {
        match (self.multiline, self.escape_backslash) {
            (false, false) => escape::<Line>(text, out),
            (true, false) => escape::<Shown<true, false>>(text, out),
            (false, true) => escape::<Shown<false, true>>(text, out),
            (true, true) => escape::<Shown<true, true>>(text, out),
        }
    }

    fn put_key(&self, name: &str, _is_first: bool, out: &mut Vec<u8>) {
        put_key(&mut Names::new(), name, out);
    }

    fn put_end(&self, _out: &mut Vec<u8>) {}

    #[inline(always)]
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>) {
        put_argument(argument, values, pen);
    }
}

impl Formatter for Plain {
    fn write(&self, record: &Record<'_>, face: &mut ClockFace, out: &mut Vec<u8>) {
        let (clock, press) = face.parts();
        let Setting {
            front: [before, after],
            page,
            text,
        } = press.set(self, record, self.include_extra);
        let mut pen = Pen::new(page, out);
        clock.local(record.time_ns, &self.time, &mut pen);
        pen.prepared(before);
        self.put_message(record, &text, &mut pen);
        pen.prepared(after);
        if let Some(rest) = &self.rest {
            self.put_rest(rest, record, pen.vec());
        }
        if text.has_fields() {
            text.put_fields::<Plain>(record, &mut pen);
        } else if self.include_extra {
            put_pairs(record, &mut Names::new().of(record), pen.vec());
        }
        pen.put(b"\n");
        pen.end();
    }
}

/// Takes away the first message and all that follows it; returns what follows.
fn split_at_message(parts: &mut Vec<Part>) -> Option<Vec<Part>> {
    let at = parts.iter().position(|part| matches!(part, Part::Message))?;
    let rest = parts.split_off(at + 1);
    parts.truncate(at);
    Some(rest)
}

/// Reads both date formats as one pattern that also holds the separator after the time.
fn time_pattern(options: &PlainOptions) -> Result<Pattern, Error> {
    let (date, time) = (options.date_format.as_str(), options.time_format.as_str());
    // Read even when it is not used: a mistake in it is a mistake in the configuration.
    Pattern::parse(time)?;
    let mut format = date.to_owned();
    if !Pattern::parse(date)?.has_time() && !time.is_empty() {
        if !date.is_empty() {
            format.push(' ');
        }
        format.push_str(time);
    }
    if !format.is_empty() {
        format.push_str(SEPARATOR);
    }
    let mut line = Vec::new();
    escape::<Line>(&format, &mut line);
    Pattern::parse(&String::from_utf8_lossy(&line))
}

/// Joins what stands fixed for each level between name and message.
fn join(words: impl Iterator<Item = Word>, options: &PlainOptions) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut fixed: Vec<Fixed> = Vec::new();
    let mut flush = |fixed: &mut Vec<Fixed>, part: Option<Part>| {
        let done = std::mem::take(fixed);
        if !done.is_empty() {
            parts.push(Part::Fixed(PerLevel::new(|level| {
                done.iter().map(|piece| piece.of(level, options)).collect()
            })));
        }
        parts.extend(part);
    };
    for word in words {
        match word {
            Word::Text(text) => fixed.push(Fixed::Text(text)),
            Word::Level => fixed.push(Fixed::Level),
            Word::Message => flush(&mut fixed, Some(Part::Message)),
            Word::Name => {
                if options.color {
                    fixed.push(Fixed::Color(options.colors.layer.start()));
                }
                flush(&mut fixed, Some(Part::Name));
                if options.color {
                    fixed.push(Fixed::Color(RESET.to_owned()));
                }
            }
        }
    }
    flush(&mut fixed, None);
    parts
}

/// A piece of what is known beforehand.
enum Fixed {
    Text(String),
    Color(String),
    Level,
}

impl Fixed {
    fn of(&self, level: Level, options: &PlainOptions) -> String {
        match self {
            Fixed::Text(text) => {
                let mut line = Vec::new();
                escape::<Line>(text, &mut line);
                String::from_utf8_lossy(&line).into_owned()
            }
            Fixed::Color(code) => code.clone(),
            Fixed::Level if options.color => options.colors.of(level).paint(level.name()),
            Fixed::Level => level.name().to_owned(),
        }
    }
}
