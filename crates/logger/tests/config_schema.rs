//! The JSON Schema says what the reader does.
#![cfg(all(feature = "toml", feature = "yaml"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use hydra_logger::config::{DestinationType, Format, LoggingConfig, Syntax, json_schema};
use serde_json::Value;

fn schema() -> Value {
    serde_json::from_str(&json_schema()).unwrap()
}

/// It is a draft 2020-12 schema whose references all lead somewhere, and which allows no unknown key.
#[test]
fn it_is_closed_and_whole() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    walk(&schema, &mut |value| {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(schema.pointer(pointer).is_some(), "{reference}");
        }
        let is_table = value.get("properties").is_some() && value.get("type").is_some_and(|kind| kind == "object");
        if is_table {
            assert_eq!(value["additionalProperties"], false, "{value}");
        }
    });
}

fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    visit(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, visit)),
        Value::Object(entries) => entries.values().for_each(|item| walk(item, visit)),
        _ => {}
    }
}

/// The reader knows each key of the schema, and the schema each key that the reader knows.
#[test]
fn it_has_the_keys_of_the_reader() {
    let schema = schema();
    for (table, before, after) in [
        ("/properties", "", ""),
        ("/$defs/journal/properties", "journal: {", "}"),
        ("/$defs/guarantees/properties", "guarantees: {", "}"),
        ("/$defs/layer/properties", "layers: {A: {", "}}"),
    ] {
        for key in schema.pointer(table).unwrap().as_object().unwrap().keys() {
            let text = format!("{before}{key}: [[]]{after}");
            let error = LoggingConfig::from_text(&text, Syntax::Yaml).unwrap_err().to_string();
            assert!(!error.contains("unknown key"), "{error}");
        }
    }
    let error = LoggingConfig::from_text("nobody: 1", Syntax::Yaml)
        .unwrap_err()
        .to_string();
    let root = schema["properties"].as_object().unwrap();
    for key in error.split("are ").last().unwrap().split(", ") {
        assert!(root.contains_key(key), "{key}");
    }
}

/// A key of a destination is known to exactly those types of destination that the schema allows it.
#[test]
fn it_knows_what_belongs_where() {
    let schema = schema();
    let keys = schema["$defs"]["destination"]["properties"].as_object().unwrap();
    let rules = schema["$defs"]["destination"]["allOf"].as_array().unwrap();
    assert_eq!(rules.len(), DestinationType::ALL.len());
    for (rule, on) in rules.iter().zip(DestinationType::ALL) {
        for key in keys.keys().filter(|key| *key != "type") {
            let text = format!("layers: {{A: {{destinations: [{{type: {on}, {key}: [[]]}}]}}}}");
            let error = LoggingConfig::from_text(&text, Syntax::Yaml).unwrap_err().to_string();
            let is_forbidden = rule["then"]["properties"].get(key).is_some();
            assert_eq!(
                error.contains(&format!("`{key}` does not belong")),
                is_forbidden,
                "{on} {key}: {error}"
            );
        }
        let text = format!("layers: {{A: {{destinations: [{{type: {on}}}]}}}}");
        let error = LoggingConfig::from_text(&text, Syntax::Yaml)
            .err()
            .map_or(String::new(), |error| error.to_string());
        for key in rule["then"]["required"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
        {
            assert!(
                key == "type" || error.contains(&format!("needs a `{key}`")),
                "{on} {key}: {error}"
            );
        }
    }
}

/// The words to choose from are those of the code.
#[test]
fn it_offers_the_words() {
    let schema = schema();
    let words = &schema["$defs"]["destination"]["properties"]["format"]["anyOf"][0]["anyOf"][0]["enum"];
    let words: Vec<&str> = words.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(
        words,
        Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>()
    );
}
