//! Puts environment variables into the texts of a tree: `${NAME}`, `${NAME:-default}`, and `$$` for a dollar sign.

use super::node::{KeyPath, Node, Text, Value};
use crate::error::Finding;

/// Looks a variable up.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// Expands every text of the tree; what cannot be expanded is reported and becomes null.
pub(crate) fn tree(node: &mut Node, path: &KeyPath, environment: Environment<'_>, findings: &mut Vec<Finding>) {
    match &mut node.value {
        Value::Text(text) => {
            if let Err((message, suggestion)) = expand(text, environment) {
                findings.push(node.at.finding(path, message).suggest(suggestion));
                // What it would have been is not known, so nothing more is said about it.
                node.value = Value::Null;
            }
        }
        Value::List(nodes) => {
            for (index, node) in nodes.iter_mut().enumerate() {
                tree(node, &path.index(index), environment, findings);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                tree(&mut entry.node, &path.key(&entry.key), environment, findings);
            }
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_) => {}
    }
}

/// What is wrong, and what to do. Neither holds a value: it may be a secret.
type Problem = (String, String);

fn expand(text: &mut Text, environment: Environment<'_>) -> Result<(), Problem> {
    if !text.text.contains('$') {
        return Ok(());
    }
    let mut expanded = String::with_capacity(text.text.len());
    let mut has_variable = false;
    let mut rest = text.text.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some(inner) = after.strip_prefix('{') {
            let Some((variable, after)) = inner.split_once('}') else {
                return Err((
                    "`${` without `}`".to_owned(),
                    "close it, or write `$$` for a dollar sign".to_owned(),
                ));
            };
            expanded.push_str(&lookup(variable, environment)?);
            has_variable = true;
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    let template = std::mem::replace(&mut text.text, expanded);
    text.template = has_variable.then_some(template);
    Ok(())
}

fn lookup(variable: &str, environment: Environment<'_>) -> Result<String, Problem> {
    let (name, default) = match variable.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (variable, None),
    };
    let is_name = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    if name.is_empty() || !name.chars().all(is_name) || name.starts_with(|letter: char| letter.is_ascii_digit()) {
        let suggestion = "write `${NAME}` or `${NAME:-default}`, or `$$` for a dollar sign";
        return Err((
            "`${…}` does not hold the name of an environment variable".to_owned(),
            suggestion.to_owned(),
        ));
    }
    match (environment(name), default) {
        (Some(value), Some(default)) if value.is_empty() => Ok(default.to_owned()),
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err((
            format!("the environment variable `{name}` is not set"),
            format!("set it, or write a default: `${{{name}:-…}}`"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let environment = |name: &str| match name {
            "HOME" => Some("/h/me".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let mut text = Text {
            text: text.to_owned(),
            template: None,
        };
        expand(&mut text, &environment)
            .map(|()| text.text)
            .map_err(|problem| problem.0)
    }

    /// Variables, defaults and doubled dollar signs are replaced; other dollar signs stay.
    #[test]
    fn texts_expand() {
        assert_eq!(expanded("${HOME}/a").as_deref(), Ok("/h/me/a"));
        assert_eq!(expanded("${NONE:-x y}${EMPTY:-z}${EMPTY}").as_deref(), Ok("x yz"));
        assert_eq!(
            expanded("$${HOME} costs 5$ or $x").as_deref(),
            Ok("${HOME} costs 5$ or $x")
        );
        assert_eq!(
            expanded("${NONE}"),
            Err("the environment variable `NONE` is not set".to_owned())
        );
        assert_eq!(expanded("${HOME"), Err("`${` without `}`".to_owned()));
        assert!(expanded("${}").is_err() && expanded("${1A}").is_err() && expanded("${a b}").is_err());
    }
}
