//! A document becomes a tree: one parser for TOML, one for YAML and JSON.

use std::sync::Arc;

use super::file::Syntax;
use super::node::{At, Node, Value};
use crate::error::Finding;

#[cfg(feature = "toml")]
mod toml;
#[cfg(feature = "yaml")]
mod yaml;

/// The deepest that lists and tables may nest.
const DEPTH_MAX: usize = 32;
/// The most values of a document, those that an alias repeats included.
const NODES_MAX: usize = 10_000;

/// Parses a document; `file` is what it is called in findings.
pub(crate) fn document(text: &str, syntax: Syntax, file: &Arc<str>) -> Result<Node, Vec<Finding>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let node = tree(text, syntax, file)?;
    match &node.value {
        Value::Map(entries) if !entries.is_empty() => Ok(node),
        Value::Map(_) | Value::Null => Err(vec![empty(file)]),
        other => {
            let finding = node
                .at
                .finding("", format!("expected a table of keys, found {}", other.kind()));
            Err(vec![finding.suggest("write keys and values, such as `default_level`")])
        }
    }
}

fn tree(text: &str, syntax: Syntax, file: &Arc<str>) -> Result<Node, Vec<Finding>> {
    match syntax {
        #[cfg(feature = "toml")]
        Syntax::Toml => toml::document(text, file),
        #[cfg(feature = "yaml")]
        Syntax::Yaml => yaml::document(text, syntax, file),
        #[cfg(feature = "yaml")]
        Syntax::Json => yaml::document(&yaml::join_surrogates(text), syntax, file),
        #[allow(unreachable_patterns, reason = "which syntaxes are missing is a matter of features")]
        _ => {
            let message = format!("this program is built without {}", syntax.name());
            let suggestion = "build hydra-logger with its feature `toml` or `yaml` (which reads JSON, too)";
            let _ = text;
            Err(vec![Finding::new("", message).in_file(&**file).suggest(suggestion)])
        }
    }
}

/// The finding of a document that says nothing.
fn empty(file: &Arc<str>) -> Finding {
    let at = At {
        file: Arc::clone(file),
        line: 1,
        column: 1,
    };
    at.finding("", "the document is empty")
        .suggest("write at least one key, such as `default_level`")
}
