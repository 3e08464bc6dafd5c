//! What a line says: level, layer, message, fields.

use std::borrow::Cow;
use std::fmt;

use hydra_logger::{Level, Value};
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::logfmt;

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// The line is the message.
    #[default]
    Text,
    /// A JSON object.
    Json,
    /// `key=value` pairs.
    Logfmt,
}

impl std::str::FromStr for Syntax {
    type Err = String;

    fn from_str(text: &str) -> Result<Syntax, String> {
        match text {
            "text" => Ok(Syntax::Text),
            "json" => Ok(Syntax::Json),
            "logfmt" => Ok(Syntax::Logfmt),
            _ => Err("known are: text, json, logfmt".to_owned()),
        }
    }
}

/// A line taken apart.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Parsed<'l> {
    pub(crate) level: Option<Level>,
    pub(crate) layer: Option<Cow<'l, str>>,
    pub(crate) message: Option<Cow<'l, str>>,
    /// Everything else, in the line's order.
    pub(crate) fields: Vec<(Cow<'l, str>, Datum<'l>)>,
}

/// A field's value; text may have been unescaped.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'l> {
    Text(Cow<'l, str>),
    Other(Value<'l>),
}

impl Datum<'_> {
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Datum::Text(text) => Value::Str(text),
            Datum::Other(value) => *value,
        }
    }
}

impl<'l> Parsed<'l> {
    /// Takes in a member: as level, layer or message if it is one, else as a field.
    pub(crate) fn put(&mut self, name: Cow<'l, str>, datum: Datum<'l>) {
        match (&*name, datum) {
            ("level", datum) if self.level.is_none() => match level(&datum) {
                Some(level) => self.level = Some(level),
                // A word that is no level of ours still says something.
                None => self.fields.push((name, datum)),
            },
            ("layer" | "logger", Datum::Text(text)) if self.layer.is_none() => self.layer = Some(text),
            ("message" | "msg", Datum::Text(text)) if self.message.is_none() => self.message = Some(text),
            (_, datum) => self.fields.push((name, datum)),
        }
    }
}

fn level(datum: &Datum<'_>) -> Option<Level> {
    match datum {
        Datum::Text(name) => name.parse().ok(),
        Datum::Other(Value::I64(number)) => u8::try_from(*number).ok().and_then(Level::from_number),
        Datum::Other(_) => None,
    }
}

/// Takes a line apart; `None` if it is not in the syntax.
pub(crate) fn parse(line: &str, syntax: Syntax) -> Option<Parsed<'_>> {
    match syntax {
        Syntax::Text => None,
        Syntax::Json => json(line),
        Syntax::Logfmt => logfmt::parse(line),
    }
}

fn json(line: &str) -> Option<Parsed<'_>> {
    let mut reader = serde_json::Deserializer::from_str(line);
    let parsed = reader.deserialize_map(Members).ok()?;
    reader.end().ok()?;
    Some(parsed)
}

/// Takes an object's members in their order, each as it is written.
struct Members;

impl<'l> Visitor<'l> for Members {
    type Value = Parsed<'l>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'l>>(self, mut members: A) -> Result<Parsed<'l>, A::Error> {
        let mut parsed = Parsed::default();
        while let Some((name, raw)) = members.next_entry::<String, &'l RawValue>()? {
            parsed.put(Cow::Owned(name), datum(raw.get()));
        }
        Ok(parsed)
    }
}

/// Types a JSON value. What no type of ours holds exactly stays JSON.
fn datum(raw: &str) -> Datum<'_> {
    match raw.as_bytes().first() {
        Some(b'"') => text(raw),
        Some(b't') => Datum::Other(Value::Bool(true)),
        Some(b'f') => Datum::Other(Value::Bool(false)),
        Some(b'n') => Datum::Other(Value::Null),
        Some(b'{' | b'[') | None => Datum::Other(Value::Json(raw)),
        Some(_) => Datum::Other(number(raw).unwrap_or(Value::Json(raw))),
    }
}

fn text(raw: &str) -> Datum<'_> {
    let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
    if !inside.contains('\\') {
        return Datum::Text(Cow::Borrowed(inside));
    }
    match serde_json::from_str(raw) {
        Ok(text) => Datum::Text(Cow::Owned(text)),
        // A lone surrogate, which is no text.
        Err(_) => Datum::Other(Value::Json(raw)),
    }
}

/// Types a number: whole ones by size, others as floating point.
pub(crate) fn number(text: &str) -> Option<Value<'_>> {
    if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())
            .map(Value::F64);
    }
    if let Ok(number) = text.parse() {
        return Some(Value::I64(number));
    }
    if let Ok(number) = text.parse() {
        return Some(Value::U64(number));
    }
    text.parse()
        .map(Value::I128)
        .or_else(|_| text.parse().map(Value::U128))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(line: &str, syntax: Syntax) -> Vec<String> {
        let parsed = parse(line, syntax).expect("it is in the syntax");
        parsed
            .fields
            .iter()
            .map(|(name, datum)| format!("{name}={:?}", datum.value()))
            .collect()
    }

    /// Members keep their order and their types; what no type holds stays as it is written.
    #[test]
    fn json_members_are_typed() {
        let line = r#"{"timestamp":"2026-01-02","a":-1,"b":18446744073709551615,"c":1.5e3,"d":"x\ty","e":[1, {"f":2}],
            "g":null,"h":true,"i":1e999,"j":"\ud800","k":123456789012345678901234567890}"#;
        assert_eq!(
            fields(line, Syntax::Json),
            [
                "timestamp=Str(\"2026-01-02\")",
                "a=I64(-1)",
                "b=U64(18446744073709551615)",
                "c=F64(1500.0)",
                "d=Str(\"x\\ty\")",
                "e=Json(\"[1, {\\\"f\\\":2}]\")",
                "g=Null",
                "h=Bool(true)",
                "i=Json(\"1e999\")",
                "j=Json(\"\\\"\\\\ud800\\\"\")",
                "k=I128(123456789012345678901234567890)",
            ]
        );
    }

    /// Level, layer and message are taken from either of their names; a level that is none of ours stays a field.
    #[test]
    fn json_names_are_known() {
        let parsed = parse(r#"{"level":"warn","logger":"API","msg":"hi \"you\""}"#, Syntax::Json).unwrap();
        assert_eq!(
            (parsed.level, parsed.layer.as_deref()),
            (Some(Level::Warning), Some("API"))
        );
        assert_eq!(parsed.message.as_deref(), Some("hi \"you\""));
        let parsed = parse(r#"{"level":40,"layer":"DB","message":"m","msg":"other"}"#, Syntax::Json).unwrap();
        assert_eq!(
            (parsed.level, parsed.message.as_deref()),
            (Some(Level::Error), Some("m"))
        );
        assert_eq!(parsed.fields.len(), 1);
        assert_eq!(fields(r#"{"level":"loud"}"#, Syntax::Json), ["level=Str(\"loud\")"]);
    }

    /// What is no object, or more than one, is not taken apart.
    #[test]
    fn other_lines_are_refused() {
        for line in [
            "",
            "hello",
            "[1]",
            "{\"a\":1",
            "{\"a\":1} {\"b\":2}",
            "{\"a\":01}",
            "{a:1}",
        ] {
            assert_eq!(parse(line, Syntax::Json), None, "{line}");
        }
    }
}
