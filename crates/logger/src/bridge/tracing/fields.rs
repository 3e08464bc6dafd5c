//! The values of an event or a span.

use std::fmt;

use hydra_record::{Encoder, FieldList, Value};
use tracing_core::Event;
use tracing_core::field::{Field, Visit};

use super::Message;
use crate::capture::ToValue;

const MESSAGE: &str = "message";

/// Puts an event's values into a record: the message as the site's argument, the others as fields.
pub(super) struct Fields<'f, 'b> {
    encoder: &'f mut Encoder<'b>,
    message: Message,
    /// The message has not been put in yet; it must stand before all fields.
    is_due: bool,
}

impl<'f, 'b> Fields<'f, 'b> {
    pub(super) fn new(encoder: &'f mut Encoder<'b>, message: Message) -> Fields<'f, 'b> {
        Fields {
            encoder,
            message,
            is_due: message != Message::Absent,
        }
    }

    /// For a record that has its message already.
    pub(super) fn besides_message(encoder: &'f mut Encoder<'b>) -> Fields<'f, 'b> {
        Fields {
            encoder,
            message: Message::OfLog,
            is_due: false,
        }
    }

    /// For the message alone.
    pub(super) fn message_only(&mut self) -> MessageOnly<'_, 'f, 'b> {
        MessageOnly(self)
    }

    /// Puts in an empty message if there was none: the event's field had no value.
    pub(super) fn end(&mut self) {
        if self.is_due {
            self.is_due = false;
            self.encoder.argument(Value::Str(""));
        }
    }

    fn is_message(&self, field: &Field) -> bool {
        match self.message {
            Message::First => field.index() == 0,
            Message::Later => field.name() == MESSAGE,
            Message::Absent => false,
            Message::OfLog => field.name() == MESSAGE || field.name().starts_with("log."),
        }
    }

    #[inline]
    fn put(&mut self, field: &Field, value: Value<'_>) {
        if !self.is_message(field) {
            self.end();
            self.encoder.field(name(field), value);
        } else if self.is_due {
            self.is_due = false;
            self.encoder.argument(value);
        }
    }

    #[inline]
    fn put_rendered(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        if !self.is_message(field) {
            self.end();
            self.encoder.field_rendered(name(field), text);
        } else if self.is_due {
            self.is_due = false;
            self.encoder.rendered(text);
        }
    }
}

/// Returns a field's name; one that is a keyword of Rust's has been written with `r#`.
#[inline]
fn name(field: &Field) -> &'static str {
    let name = field.name();
    name.strip_prefix("r#").unwrap_or(name)
}

macro_rules! typed {
    ($($method:ident $type:ty => $kind:ident;)*) => {$(
        #[inline]
        fn $method(&mut self, field: &Field, value: $type) {
            self.put(field, Value::$kind(value));
        }
    )*};
}

macro_rules! visits {
    () => {
        typed! {
            record_f64 f64 => F64;
            record_i64 i64 => I64;
            record_u64 u64 => U64;
            record_i128 i128 => I128;
            record_u128 u128 => U128;
            record_bool bool => Bool;
            record_str &str => Str;
        }

        #[inline]
        fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
            self.put_rendered(field, format_args!("{value:?}"));
        }

        fn record_error(&mut self, field: &Field, error: &(dyn std::error::Error + 'static)) {
            self.put(field, crate::chain(error).to_value());
        }
    };
}

impl Visit for Fields<'_, '_> {
    visits!();
}

/// Puts in the message, wherever it stands among the values.
pub(super) struct MessageOnly<'m, 'f, 'b>(&'m mut Fields<'f, 'b>);

impl Visit for MessageOnly<'_, '_, '_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        if self.0.is_message(field) {
            self.0.put(field, Value::Str(value));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if self.0.is_message(field) {
            self.0.put_rendered(field, format_args!("{value:?}"));
        }
    }
}

/// The values of a span.
pub(super) struct SpanValues(pub(super) FieldList);

impl SpanValues {
    fn put(&mut self, field: &Field, value: Value<'_>) {
        self.0.set(name(field), value);
    }

    fn put_rendered(&mut self, field: &Field, text: fmt::Arguments<'_>) {
        self.0.set_rendered(name(field), text);
    }
}

impl Visit for SpanValues {
    visits!();
}

/// What an event tells of itself in its fields: an event that `tracing-log` has made of a record of `log` brings its
/// target and place along.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) message: String,
    pub(super) target: Option<String>,
    pub(super) file: Option<String>,
    pub(super) module: Option<String>,
    pub(super) line: Option<u32>,
    /// The message's `Debug`, which is the program's, is not called.
    is_quiet: bool,
}

impl Parts {
    pub(super) fn of(event: &Event<'_>) -> Parts {
        let mut parts = Parts::default();
        event.record(&mut parts);
        parts
    }

    pub(super) fn but_message(event: &Event<'_>) -> Parts {
        let mut parts = Parts {
            is_quiet: true,
            ..Parts::default()
        };
        event.record(&mut parts);
        parts
    }
}

impl Visit for Parts {
    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "log.line" {
            self.line = u32::try_from(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            MESSAGE => self.message = value.to_owned(),
            "log.target" => self.target = Some(value.to_owned()),
            "log.file" => self.file = Some(value.to_owned()),
            "log.module_path" => self.module = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == MESSAGE && !self.is_quiet {
            self.message = crate::pass::rendered(format_args!("{value:?}"));
        }
    }
}
