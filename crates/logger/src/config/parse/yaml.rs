//! YAML 1.2 with its core schema, and JSON, which is a part of it.
//!
//! Nothing is ever constructed but plain values: a tag is an error. Aliases are followed, within the limit of values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::{DEPTH_MAX, NODES_MAX};
use crate::config::file::Syntax;
use crate::config::node::{At, Entry, KeyPath, Node, Value};
use crate::error::Finding;

/// Parses a document. A document without a value is null.
pub(super) fn document(text: &str, syntax: Syntax, file: &Arc<str>) -> Result<Node, Vec<Finding>> {
    let mut builder = Builder {
        file,
        open: Vec::new(),
        root: None,
        anchors: BTreeMap::new(),
        findings: Vec::new(),
        count: 0,
    };
    for event in Parser::new_from_str(text) {
        let result = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let marker = error.marker();
                Err(builder
                    .at(marker.line(), marker.col())
                    .finding("", format!("this is not {}: {}", syntax.name(), error.info())))
            }
        };
        if let Err(finding) = result {
            builder.findings.push(finding);
            break;
        }
    }
    match builder.root {
        _ if !builder.findings.is_empty() => Err(builder.findings),
        Some(root) => Ok(root),
        None => Ok(Node {
            at: builder.at(1, 0),
            value: Value::Null,
        }),
    }
}

/// Writes the two halves of a character beyond the first plane (`\ud83d\ude00`, as JSON has it) as YAML has it.
pub(super) fn join_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\ud") && !text.contains("\\uD") {
        return Cow::Borrowed(text);
    }
    let mut joined = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        joined.push_str(before);
        let high = unit(escape).filter(|unit| (0xd800..0xdc00).contains(unit));
        let low = escape
            .get(6..)
            .and_then(unit)
            .filter(|unit| (0xdc00..0xe000).contains(unit));
        let length = match (high, low) {
            (Some(high), Some(low)) => {
                let point = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                joined.push_str(&format!("\\U{point:08x}"));
                12
            }
            // A backslash and what it escapes: the second of two backslashes begins nothing.
            _ => {
                let length = 1 + escape.chars().nth(1).map_or(0, char::len_utf8);
                joined.push_str(escape.get(..length).unwrap_or_default());
                length
            }
        };
        rest = escape.get(length..).unwrap_or_default();
    }
    joined.push_str(rest);
    Cow::Owned(joined)
}

/// Reads `\uXXXX` at the beginning.
fn unit(escape: &str) -> Option<u32> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// A list or map that is not yet closed.
struct Open {
    at: At,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    /// The entries, and a key whose value is awaited.
    Map(Vec<Entry>, Option<(String, At)>),
}

struct Builder<'t> {
    file: &'t Arc<str>,
    open: Vec<Open>,
    root: Option<Node>,
    anchors: BTreeMap<usize, Node>,
    findings: Vec<Finding>,
    count: usize,
}

impl Builder<'_> {
    /// Lines of the parser count from 1, columns from 0.
    fn at(&self, line: usize, column: usize) -> At {
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        At {
            file: Arc::clone(self.file),
            line: small(line.max(1)),
            column: small(column + 1),
        }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Finding> {
        let at = self.at(span.start.line(), span.start.col());
        let has_tag = match &event {
            Event::Scalar(_, _, _, tag) | Event::SequenceStart(_, tag) | Event::MappingStart(_, tag) => tag.is_some(),
            _ => false,
        };
        if has_tag {
            let finding = at.finding("", "a tag (`!…`) is not read");
            return Err(finding.suggest("write the value without it"));
        }
        match event {
            Event::DocumentStart(_) if self.root.is_some() => {
                let finding = at.finding("", "a second document begins");
                Err(finding.suggest("put it into a file of its own, and name it in `extends`"))
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => {
                    self.count += size(&node) - 1;
                    self.place(Node { at, ..node }, 0)
                }
                None => Err(at.finding("", "this alias stands for itself")),
            },
            Event::Scalar(text, style, anchor, _) => {
                let value = scalar(text, style);
                self.place(Node { at, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => self.begin(Open {
                at,
                anchor,
                content: Content::List(Vec::new()),
            }),
            Event::MappingStart(anchor, _) => self.begin(Open {
                at,
                anchor,
                content: Content::Map(Vec::new(), None),
            }),
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open {
                    at,
                    anchor,
                    content: Content::List(nodes),
                }) => self.place(
                    Node {
                        at,
                        value: Value::List(nodes),
                    },
                    anchor,
                ),
                Some(Open {
                    at,
                    anchor,
                    content: Content::Map(entries, _),
                }) => self.place(
                    Node {
                        at,
                        value: Value::Map(entries),
                    },
                    anchor,
                ),
                None => Ok(()),
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {
                Ok(())
            }
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), Finding> {
        if self.open.len() >= DEPTH_MAX {
            return Err(open
                .at
                .finding("", format!("the document has more than {DEPTH_MAX} levels")));
        }
        self.open.push(open);
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn place(&mut self, node: Node, anchor: usize) -> Result<(), Finding> {
        self.count += 1;
        if self.count > NODES_MAX {
            return Err(node
                .at
                .finding("", format!("the document has more than {NODES_MAX} values")));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let path = self.path();
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(Content::List(nodes)) => nodes.push(node),
            Some(Content::Map(entries, awaited)) => match awaited.take() {
                Some((key, at)) if entries.iter().any(|entry| entry.key == key) => {
                    // Reported here and not at once, so that all of them are found.
                    let finding = at.finding(path, "the key is given twice").suggest("remove one of them");
                    self.findings.push(finding);
                }
                Some((key, at)) => entries.push(Entry { key, at, node }),
                None => *awaited = Some((key_of(&node)?, node.at)),
            },
        }
        Ok(())
    }

    /// The way to the value that comes next.
    fn path(&self) -> KeyPath {
        let step = |path: KeyPath, open: &Open| match &open.content {
            Content::List(nodes) => path.index(nodes.len()),
            Content::Map(_, Some((key, _))) => path.key(key),
            Content::Map(_, None) => path,
        };
        self.open.iter().fold(KeyPath::default(), step)
    }
}

fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(nodes) => 1 + nodes.iter().map(size).sum::<usize>(),
        Value::Map(entries) => 1 + entries.iter().map(|entry| size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}

/// A key is a text; numbers and the like are taken as they are written.
fn key_of(node: &Node) -> Result<String, Finding> {
    match &node.value {
        Value::Text(text) => Ok(text.text.clone()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Float(number) => Ok(number.to_string()),
        Value::Bool(switch) => Ok(switch.to_string()),
        other => {
            let finding = node
                .at
                .finding("", format!("a key must be a text, found {}", other.kind()));
            Err(finding.suggest("put it in quotes"))
        }
    }
}

/// The core schema of YAML 1.2: what stands without quotes may be null, a switch or a number.
fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::text(text);
    }
    match text.as_ref() {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        other => number(other).unwrap_or_else(|| Value::text(other)),
    }
}

fn number(text: &str) -> Option<Value> {
    let radix = |digits: &str, radix| i64::from_str_radix(digits, radix).ok().map(Value::Integer);
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_number = digits
        .chars()
        .all(|letter| letter.is_ascii_digit() || ".eE+-".contains(letter));
    if !is_number || !digits.contains(|letter: char| letter.is_ascii_digit()) {
        return None;
    }
    match text.parse::<i64>() {
        Ok(number) => Some(Value::Integer(number)),
        Err(_) => text.parse().ok().map(Value::Float),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only a pair of halves is joined, and an escaped backslash begins no pair.
    #[test]
    fn surrogates_are_joined() {
        assert_eq!(join_surrogates(r#""\ud83d\uDE00!""#), r#""\U0001f600!""#);
        assert_eq!(join_surrogates(r#""\\ud83d\\ude00""#), r#""\\ud83d\\ude00""#);
        assert_eq!(join_surrogates(r#""\ud83d x é\n""#), r#""\ud83d x é\n""#);
    }

    /// Plain scalars follow the core schema: yes and no are texts.
    #[test]
    fn plain_scalars_have_types() {
        let kind = |text: &'static str| scalar(Cow::Borrowed(text), ScalarStyle::Plain).kind();
        assert_eq!(kind("yes"), "a text");
        assert_eq!(kind("True"), "true or false");
        assert_eq!(kind("0x1f"), "a whole number");
        assert_eq!(kind("-1.5e3"), "a decimal number");
        assert_eq!(kind("1.5KB"), "a text");
        assert_eq!(kind("e"), "a text");
        assert_eq!(kind("~"), "nothing");
    }
}
