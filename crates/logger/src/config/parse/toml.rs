//! TOML.

use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::{DEPTH_MAX, NODES_MAX};
use crate::config::node::{At, Entry, Node, Value};
use crate::error::Finding;

/// Parses a document; all syntax errors are found, not only the first.
pub(super) fn document(text: &str, file: &Arc<str>) -> Result<Node, Vec<Finding>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut places = Places {
        file,
        text,
        lines: line_starts(text),
        count: 0,
    };
    let mut findings: Vec<Finding> = errors
        .iter()
        .map(|error| {
            let span = error.span().unwrap_or_default();
            let at = places.at(span.start);
            match (error.message(), text.get(span)) {
                ("duplicate key", Some(key)) => at.finding(key, "the key is given twice").suggest("remove one of them"),
                (message, _) => at.finding("", format!("this is not TOML: {message}")),
            }
        })
        .collect();
    if findings.is_empty() {
        let at = places.at(0);
        match places.table(table.get_ref(), at, 0) {
            Ok(node) => return Ok(node),
            Err(finding) => findings.push(finding),
        }
    }
    Err(findings)
}

struct Places<'t> {
    file: &'t Arc<str>,
    text: &'t str,
    /// The offset of the first byte of each line.
    lines: Vec<usize>,
    count: usize,
}

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0).chain(breaks.map(|(at, _)| at + 1)).collect()
}

impl Places<'_> {
    fn at(&self, offset: usize) -> At {
        let line = self.lines.partition_point(|start| *start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count()) + 1;
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        At {
            file: Arc::clone(self.file),
            line: small(line),
            column: small(column),
        }
    }

    fn table(&mut self, table: &DeTable<'_>, at: At, depth: usize) -> Result<Node, Finding> {
        let mut entries = Vec::with_capacity(table.len());
        for (key, value) in table {
            let key_at = self.at(key.span().start);
            let node = self.value(value.get_ref(), self.at(value.span().start), depth + 1)?;
            entries.push(Entry {
                key: key.get_ref().to_string(),
                at: key_at,
                node,
            });
        }
        Ok(Node {
            at,
            value: Value::Map(entries),
        })
    }

    fn value(&mut self, value: &DeValue<'_>, at: At, depth: usize) -> Result<Node, Finding> {
        self.count += 1;
        if depth > DEPTH_MAX || self.count > NODES_MAX {
            let message = format!("the document has more than {NODES_MAX} values or {DEPTH_MAX} levels");
            return Err(at.finding("", message));
        }
        let value = match value {
            DeValue::String(text) => Value::text(text.as_ref()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Value::Integer(number),
                Err(_) => return Err(at.finding("", format!("the number {number} is too large"))),
            },
            DeValue::Float(number) => match number.as_str().parse() {
                Ok(number) => Value::Float(number),
                Err(_) => return Err(at.finding("", format!("`{number}` is not a number"))),
            },
            DeValue::Boolean(switch) => Value::Bool(*switch),
            DeValue::Datetime(time) => {
                let finding = at.finding("", format!("no key is a date, and `{time}` is one"));
                return Err(finding.suggest("put it in quotes if a text is meant"));
            }
            DeValue::Array(values) => {
                let mut nodes = Vec::with_capacity(values.len());
                for value in values.iter() {
                    nodes.push(self.value(value.get_ref(), self.at(value.span().start), depth + 1)?);
                }
                Value::List(nodes)
            }
            DeValue::Table(table) => return self.table(table, at, depth),
        };
        Ok(Node { at, value })
    }
}
