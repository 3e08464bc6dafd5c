//! The JSON Schema of the configuration file, made from the tables that the reader goes by.

use std::fmt::Write as _;

use hydra_record::Level;

use super::keys::{DESTINATION, Key, MapKey, ROOT, Shape, Table};
use super::options::DestinationType;

/// Returns the JSON Schema (draft 2020-12) of a configuration file, for editors and for checks without this program.
///
/// It is made from the same tables the reader goes by. It accepts what the reader accepts, and a little more: what
/// several keys must have in common is checked by the reader alone.
///
/// # Examples
/// ```
/// let schema = hydra_logger::config::json_schema();
/// assert!(schema.contains("\"default_level\""));
/// ```
pub fn json_schema() -> String {
    let mut tables = Vec::new();
    gather(&ROOT, &mut tables);
    let mut defs: Vec<(String, Json)> = vec![
        (
            "variable".to_owned(),
            object([("type", text("string")), ("pattern", text("\\$\\{"))]),
        ),
        ("level".to_owned(), words(&level_names())),
        ("size".to_owned(), size()),
    ];
    let parts = tables.iter().filter(|table| !std::ptr::eq(**table, &raw const ROOT));
    defs.extend(parts.map(|table| (slug(table), Json::Object(table_schema(table)))));
    let mut schema = vec![
        (
            "$schema".to_owned(),
            text("https://json-schema.org/draft/2020-12/schema"),
        ),
        ("title".to_owned(), text("Hydra-Logger configuration")),
    ];
    schema.extend(table_schema(&ROOT));
    schema.push(("$defs".to_owned(), Json::Object(defs)));
    let mut out = String::new();
    Json::Object(schema).write(0, &mut out);
    out.push('\n');
    out
}

/// What is written: JSON, in the order given.
enum Json {
    Raw(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    fn write(&self, depth: usize, out: &mut String) {
        let (open, close, count) = match self {
            Json::Raw(raw) => return out.push_str(raw),
            Json::List(items) => ('[', ']', items.len()),
            Json::Object(entries) => ('{', '}', entries.len()),
        };
        let line = |depth: usize, out: &mut String| {
            let _ = write!(out, "\n{:width$}", "", width = depth * 2);
        };
        out.push(open);
        for index in 0..count {
            out.push_str(if index == 0 { "" } else { "," });
            line(depth + 1, out);
            match self {
                Json::List(items) => items
                    .iter()
                    .skip(index)
                    .take(1)
                    .for_each(|item| item.write(depth + 1, out)),
                Json::Object(entries) => entries.iter().skip(index).take(1).for_each(|(name, value)| {
                    let _ = write!(out, "{}: ", quoted(name));
                    value.write(depth + 1, out);
                }),
                Json::Raw(_) => {}
            }
        }
        line(depth, out);
        out.push(close);
    }
}

fn quoted(raw: &str) -> String {
    let mut out = String::from("\"");
    for letter in raw.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn text(raw: &str) -> Json {
    Json::Raw(quoted(raw))
}

fn number(raw: impl ToString) -> Json {
    Json::Raw(raw.to_string())
}

fn object<const N: usize>(entries: [(&str, Json); N]) -> Json {
    Json::Object(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn reference(name: &str) -> Json {
    object([("$ref", text(&format!("#/$defs/{name}")))])
}

fn any_of(choices: Vec<Json>) -> Json {
    object([("anyOf", Json::List(choices))])
}

/// Finds all tables below one.
fn gather(table: &'static Table, tables: &mut Vec<&'static Table>) {
    if tables.iter().any(|known| std::ptr::eq(*known, table)) {
        return;
    }
    tables.push(table);
    for key in table.keys {
        match &key.shape {
            Shape::Table(below) | Shape::Tables(below) | Shape::Map(_, Shape::Table(below)) => gather(below, tables),
            _ => {}
        }
    }
}

/// Returns the name of a table's definition: `a destination` is `destination`.
fn slug(table: &Table) -> String {
    let last = table.name.rsplit(' ').next().unwrap_or(table.name);
    last.trim_matches('`').to_owned()
}

fn table_schema(table: &'static Table) -> Vec<(String, Json)> {
    let properties = table
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(key)))
        .collect();
    let mut schema = vec![
        ("type".to_owned(), text("object")),
        ("additionalProperties".to_owned(), Json::Raw("false".to_owned())),
        ("properties".to_owned(), Json::Object(properties)),
    ];
    if std::ptr::eq(table, &raw const DESTINATION) {
        schema.push(("required".to_owned(), Json::List(vec![text("type")])));
        let rules = DestinationType::ALL.iter().map(|on| rule(*on)).collect();
        schema.push(("allOf".to_owned(), Json::List(rules)));
    }
    schema
}

/// What a destination of a type must and must not have.
fn rule(on: DestinationType) -> Json {
    let is_type = object([("type", object([("pattern", text(&any_case(&[on.name()])))]))]);
    let condition = object([("properties", is_type), ("required", Json::List(vec![text("type")]))]);
    let forbidden = DESTINATION.keys.iter().filter(|key| !key.belongs_to(on));
    let forbidden = forbidden
        .map(|key| (key.name.to_owned(), object([("type", text("null"))])))
        .collect();
    let required = DESTINATION
        .keys
        .iter()
        .filter(|key| key.is_required && key.belongs_to(on));
    let required = required.map(|key| text(key.name)).collect();
    let rule = object([
        ("properties", Json::Object(forbidden)),
        ("required", Json::List(required)),
    ]);
    object([("if", condition), ("then", rule)])
}

/// A key that is null is a key that is not there.
fn property(key: &'static Key) -> Json {
    let null = object([("type", text("null"))]);
    object([
        ("description", text(key.about)),
        ("anyOf", Json::List(vec![shape(&key.shape), null])),
    ])
}

fn shape(of: &'static Shape) -> Json {
    match of {
        Shape::Text | Shape::Secret => object([("type", text("string")), ("pattern", text("\\S"))]),
        Shape::Level => reference("level"),
        Shape::Size => reference("size"),
        Shape::Limit => any_of(vec![reference("size"), words(&["none"])]),
        Shape::Count { min, max } => bounded("integer", number(min), number(max)),
        Shape::Seconds { min, max } => bounded("number", number(min), number(max)),
        Shape::Share => bounded("number", number(0), number(1)),
        Shape::Rate => written("^\\s*[0-9]+\\s*/\\s*([0-9]+ ?)?([Mm][Ss]|[SsMmHhDd])\\s*$"),
        Shape::Span => written("^\\s*[0-9]+ ?([Mm][Ss]|[SsMmHhDd])\\s*$"),
        Shape::Switch => any_of(vec![object([("type", text("boolean"))]), reference("variable")]),
        Shape::Choice(names) => words(names),
        Shape::Choices(names) => object([("type", text("array")), ("items", words(names))]),
        Shape::Texts => {
            let one = object([("type", text("string"))]);
            let items = object([("type", text("string"))]);
            any_of(vec![one, object([("type", text("array")), ("items", items)])])
        }
        Shape::Table(table) => reference(&slug(table)),
        Shape::Tables(table) => object([("type", text("array")), ("items", reference(&slug(table)))]),
        Shape::Map(keys, values) => {
            let mut schema = vec![("type".to_owned(), text("object"))];
            if *keys == MapKey::Level {
                let names = object([("pattern", text(&any_case(&level_names())))]);
                schema.push(("propertyNames".to_owned(), names));
            }
            let values = match values {
                Shape::Table(_) => any_of(vec![shape(values), object([("type", text("null"))])]),
                _ => shape(values),
            };
            schema.push(("additionalProperties".to_owned(), values));
            Json::Object(schema)
        }
    }
}

fn bounded(kind: &str, min: Json, max: Json) -> Json {
    any_of(vec![
        object([("type", text(kind)), ("minimum", min), ("maximum", max)]),
        reference("variable"),
    ])
}

fn written(pattern: &str) -> Json {
    let written = object([("type", text("string")), ("pattern", text(pattern))]);
    any_of(vec![written, reference("variable")])
}

fn size() -> Json {
    let pattern = "^\\s*[0-9]+(\\.[0-9]+)? ?([TtGgMmKk]([Ii]?[Bb])?|[Bb])?\\s*$";
    let whole = object([("type", text("number")), ("minimum", number(0))]);
    let written = object([("type", text("string")), ("pattern", text(pattern))]);
    any_of(vec![whole, written, reference("variable")])
}

/// One of some words; the plain ones first, for an editor to offer, then in any case.
fn words(names: &[&str]) -> Json {
    let plain = object([("enum", Json::List(names.iter().map(|name| text(name)).collect()))]);
    let any = object([("type", text("string")), ("pattern", text(&any_case(names)))]);
    any_of(vec![plain, any, reference("variable")])
}

/// The names of levels, those that are only read included.
fn level_names() -> Vec<&'static str> {
    let mut names = Level::ALL.map(Level::name).to_vec();
    names.extend(["WARN", "FATAL"]);
    names
}

/// A pattern for some words in any case: schemas know no switch for it.
fn any_case(names: &[&str]) -> String {
    let pattern_of = |name: &&str| -> String {
        let letter = |letter: char| match letter.is_ascii_alphabetic() {
            true => format!("[{}{}]", letter.to_ascii_uppercase(), letter.to_ascii_lowercase()),
            false => letter.to_string(),
        };
        name.chars().map(letter).collect()
    };
    let patterns: Vec<String> = names.iter().map(pattern_of).collect();
    format!("^\\s*({})\\s*$", patterns.join("|"))
}
