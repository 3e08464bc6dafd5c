//! Calls that are wrong in the way of other loggers, or in haste: the error says what to write instead.
//!
//! Nothing here accepts a call. What is let through is refused by the grammar, or by `std`.

use proc_macro::{Span, TokenTree};

use crate::error::Error;
use crate::input::{Call, is_equals, is_mark, option, sigil, span_of};
use crate::literal;
use crate::split::Part;
use crate::template::{Reference, Segment, is_well_formed};

/// Refuses what cannot be the logger that comes first.
pub(crate) fn logger(part: &[TokenTree]) -> Result<(), Error> {
    if let Some((name, _)) = option(part) {
        let message = match name.to_string().as_str() {
            known @ ("layer" | "level") => format!("expected a logger before `{known}:`: `info!(log, {known}: ...)`"),
            _ => "expected a logger, then a message: `info!(log, \"...\")`".to_owned(),
        };
        return Err(Error::new(name.span(), message));
    }
    match part {
        [first] if is_text(first) => {
            let message = "expected a logger before the message: `info!(log, \"...\")`";
            Err(Error::new(first.span(), message))
        }
        [.., last] if part.len() > 1 && is_text(last) => {
            let message = "expected `,` between the logger and the message";
            Err(Error::new(last.span(), message))
        }
        _ => Ok(()),
    }
}

/// Refuses a field, and an option written as one, where the message should be; `rest` comes behind.
pub(crate) fn message(part: &[TokenTree], rest: &[Part]) -> Result<(), Error> {
    let is_message = |part: &Part| matches!(part.tokens.as_slice(), [token] if is_text(token));
    let (_, place) = sigil(part);
    match part {
        [TokenTree::Ident(name), equals, value @ ..] if is_equals(equals, value) => {
            let word = name.to_string();
            let message = match word.as_str() {
                "layer" | "level" => format!("an option is written with a colon: `{word}: ...`"),
                "target" => "unknown option `target`: expected `layer: ...`".to_owned(),
                _ => format!("fields stand behind the message: `info!(log, \"...\"; {word} = ...)`"),
            };
            Err(Error::new(name.span(), message))
        }
        _ if place.len() < part.len() && rest.iter().any(is_message) => {
            let message = "fields stand behind the message: `info!(log, \"...\"; ...)`";
            Err(Error::new(span_of(part), message))
        }
        _ => Ok(()),
    }
}

/// Says what is wrong with a field.
pub(crate) fn field(part: &[TokenTree], span: Span) -> Error {
    let message = match part {
        [TokenTree::Ident(name), mark, ..] if is_mark(mark, ':') || is_mark(mark, '=') => {
            format!("expected a field: `{name} = ...`")
        }
        [TokenTree::Ident(_), ..] => "expected a field: only a variable needs no name; write `name = ...`".to_owned(),
        _ => "expected a field: `name = value`, or a variable".to_owned(),
    };
    Error::new(span, message)
}

/// Refuses arguments that the message has no place for, where something else was meant. A template that is wrong by
/// itself is left to `std`, and so is an argument that is there twice.
pub(crate) fn arguments(call: &Call, segments: &[Segment]) -> Result<(), Error> {
    if !is_well_formed(&call.text) {
        return Ok(());
    }
    let named = call.arguments.iter().filter_map(|argument| argument.name.as_ref());
    for name in named.clone() {
        let text = name.to_string();
        let is_single = named.clone().filter(|other| other.to_string() == text).count() == 1;
        if is_single && !segments.iter().any(|segment| names(segment, &text)) {
            let message = format!("the message does not name `{text}`: such fields stand behind a `;`");
            return Err(Error::new(name.span(), message));
        }
    }
    let has_places = segments.iter().any(|segment| matches!(segment, Segment::Value(..)));
    match call.arguments.first() {
        Some(first) if !has_places && matches!(first.value.as_slice(), [token] if is_text(token)) => {
            let message = "this is the message, and it has no place for an argument; a layer is told by `layer: ...`";
            Err(Error::new(call.literal.span(), message))
        }
        _ => Ok(()),
    }
}

/// Whether a placeholder, its width or its precision names an argument.
fn names(segment: &Segment, name: &str) -> bool {
    let name = name.trim_start_matches("r#");
    let is = |reference: &Reference| matches!(reference, Reference::Name(other) if other == name);
    match segment {
        Segment::Literal(_) => false,
        Segment::Value(reference, spec) => is(reference) || spec.counts().any(is),
    }
}

fn is_text(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Literal(literal) if literal::text(&literal.to_string()).is_some())
}
