//! What a configuration file says, before anyone asks what it means: values, each with its place.
//!
//! TOML, YAML and JSON all become this tree; everything above it is written once.

use std::fmt;
use std::sync::Arc;

use crate::error::Finding;

/// A place in a file.
#[derive(Clone, Debug)]
pub(crate) struct At {
    pub(crate) file: Arc<str>,
    /// From 1.
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
}

impl At {
    /// Makes a finding of this place.
    pub(crate) fn finding(&self, key: impl fmt::Display, message: impl Into<String>) -> Finding {
        let mut finding = Finding::new(key, message).in_file(&*self.file);
        finding.line = Some(self.line);
        finding.column = Some(self.column);
        finding
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) at: At,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A text, and what it was before environment variables were put in.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) template: Option<String>,
}

/// A key of a map, its place, and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) at: At,
    pub(crate) node: Node,
}

impl fmt::Debug for Value {
    /// Names the kind alone: a value may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())
    }
}

impl Value {
    /// Makes a text as it was written.
    pub(crate) fn text(text: impl Into<String>) -> Value {
        Value::Text(Text {
            text: text.into(),
            template: None,
        })
    }

    /// Says what it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Integer(_) => "a whole number",
            Value::Float(_) => "a decimal number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a table",
        }
    }
}

impl Node {
    /// Returns the entry of that key, if this is a map.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// Takes the entry of that key out, if this is a map.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        match &mut self.value {
            Value::Map(entries) => {
                let index = entries.iter().position(|entry| entry.key == key)?;
                Some(entries.remove(index))
            }
            _ => None,
        }
    }

    /// Lays `over` on top of this: maps merge key by key, everything else is replaced.
    pub(crate) fn merge(self, over: Node) -> Node {
        let (Value::Map(base), Value::Map(top)) = (self.value, &over.value) else {
            return over;
        };
        let mut merged = base;
        for entry in top {
            let index = merged.iter().position(|other| other.key == entry.key);
            match index.map(|index| merged.remove(index)) {
                Some(under) => {
                    let node = under.node.merge(entry.node.clone());
                    merged.push(Entry { node, ..entry.clone() });
                }
                None => merged.push(entry.clone()),
            }
        }
        Node {
            at: over.at,
            value: Value::Map(merged),
        }
    }

    /// Returns the place of what `path` names, or of the nearest thing around it that is written.
    pub(crate) fn locate(&self, path: &KeyPath) -> At {
        let mut here = self;
        for step in &path.0 {
            let next = match (step, &here.value) {
                (Step::Key(key), Value::Map(_)) => here.entry(key).map(|entry| &entry.node),
                (Step::Index(index), Value::List(nodes)) => nodes.get(*index),
                _ => None,
            };
            match next {
                Some(node) => here = node,
                None => break,
            }
        }
        here.at.clone()
    }
}

/// The way from the root to a value; prints as `layers.API.destinations[0].path`.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyPath(Vec<Step>);

#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl KeyPath {
    /// Goes to a key.
    pub(crate) fn key(&self, key: &str) -> KeyPath {
        let mut path = self.clone();
        path.0.push(Step::Key(key.to_owned()));
        path
    }

    /// Goes to a place in a list.
    pub(crate) fn index(&self, index: usize) -> KeyPath {
        let mut path = self.clone();
        path.0.push(Step::Index(index));
        path
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) => {
                    let dot = if position == 0 { "" } else { "." };
                    match is_bare(key) {
                        true => write!(f, "{dot}{key}")?,
                        false => write!(f, "{dot}{key:?}")?,
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether a key can stand in TOML without quotes.
pub(crate) fn is_bare(key: &str) -> bool {
    !key.is_empty()
        && key
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A path prints as a person would write it.
    #[test]
    fn paths_print() {
        let path = KeyPath::default()
            .key("layers")
            .key("a.b")
            .key("destinations")
            .index(2)
            .key("path");
        assert_eq!(path.to_string(), "layers.\"a.b\".destinations[2].path");
    }
}
