//! Tokens become a call.

use proc_macro::{Delimiter, Ident, Literal, Spacing, Span, TokenStream, TokenTree};

use crate::error::Error;
use crate::literal;
use crate::misuse;
use crate::plan::FieldForm;
use crate::split::{Part, at_commas};

/// The tokens of one expression.
pub(crate) type Expression = Vec<TokenTree>;

/// What was written between the brackets of `info!(...)`.
pub(crate) struct Call {
    /// Path of the crate that has `__private`.
    pub(crate) home: TokenStream,
    pub(crate) level: Level,
    pub(crate) log: Expression,
    pub(crate) layer: Option<Expression>,
    pub(crate) literal: Literal,
    /// The literal's text.
    pub(crate) text: String,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) fields: Vec<Field>,
}

/// Where the level comes from.
pub(crate) enum Level {
    /// The macro's name.
    Fixed(TokenStream),
    /// `level: ...`.
    Given(Expression),
}

/// An argument of the template.
pub(crate) struct Argument {
    pub(crate) name: Option<Ident>,
    pub(crate) value: Expression,
}

/// A field behind the semicolon.
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) form: FieldForm,
    pub(crate) value: Expression,
}

impl Call {
    pub(crate) fn parse(input: TokenStream) -> Result<Call, Error> {
        let mut tokens = input.into_iter();
        let (Some(TokenTree::Group(home)), Some(TokenTree::Group(level))) = (tokens.next(), tokens.next()) else {
            return Err(Error::new(
                Span::call_site(),
                "use the macros of hydra_logger, which call this one",
            ));
        };
        let mut sections = Sections::cut(tokens)?;
        let mut parts = at_commas(sections.message).into_iter();
        let log = logger(parts.next())?;

        let (mut layer, mut given, mut part) = (None, None, parts.next());
        while let Some((name, value)) = part.as_ref().and_then(|part| option(&part.tokens)) {
            let place = match name.to_string().as_str() {
                "layer" => &mut layer,
                "level" if level.stream().is_empty() => &mut given,
                "level" => return Err(Error::new(name.span(), "the macro's name is the level; use `log!`")),
                _ => {
                    return Err(Error::new(
                        name.span(),
                        format!("unknown option `{name}`: expected `layer:`"),
                    ));
                }
            };
            filled(&value, name.span())?;
            if place.replace(value).is_some() {
                return Err(Error::new(name.span(), format!("`{name}:` is given twice")));
            }
            part = parts.next();
        }
        let level = match given {
            Some(value) => Level::Given(value),
            None if level.stream().is_empty() => {
                let message = "`log!` needs a level behind the logger: `log!(log, level: Level::Info, \"...\")`";
                return Err(Error::new(
                    part.map_or_else(|| span_of(&log), |part| part.span()),
                    message,
                ));
            }
            None => Level::Fixed(level.stream()),
        };

        if let Some(part) = &part {
            misuse::message(&part.tokens, parts.as_slice())?;
        }
        let (literal, text) = template(part.as_ref().map(|part| part.tokens.as_slice()), &log)?;
        let arguments = parts.map(Argument::parse).collect::<Result<_, _>>()?;
        let fields = std::mem::take(&mut sections.fields);
        let fields = at_commas(fields)
            .into_iter()
            .map(Field::parse)
            .collect::<Result<_, _>>()?;
        Ok(Call {
            home: home.stream(),
            level,
            log,
            layer,
            literal,
            text,
            arguments,
            fields,
        })
    }
}

fn logger(part: Option<Part>) -> Result<Expression, Error> {
    match part {
        Some(part) if !part.tokens.is_empty() => {
            misuse::logger(&part.tokens)?;
            Ok(part.tokens)
        }
        other => {
            let span = other.map_or_else(Span::call_site, |part| part.span());
            let message = "expected a logger, then a message: `info!(log, \"...\")`";
            Err(Error::new(span, message))
        }
    }
}

/// What stands before the semicolon, and what behind it.
struct Sections {
    message: Vec<TokenTree>,
    fields: Vec<TokenTree>,
}

impl Sections {
    fn cut(tokens: impl Iterator<Item = TokenTree>) -> Result<Sections, Error> {
        let mut sections = Sections {
            message: Vec::new(),
            fields: Vec::new(),
        };
        let mut behind = false;
        for token in tokens {
            match (is_mark(&token, ';'), behind) {
                (true, false) => behind = true,
                (true, true) => return Err(Error::new(token.span(), "expected `,`: fields stand behind one `;`")),
                (false, true) => sections.fields.push(token),
                (false, false) => sections.message.push(token),
            }
        }
        Ok(sections)
    }
}

impl Argument {
    pub(crate) fn name_text(&self) -> Option<String> {
        self.name.as_ref().map(plain)
    }

    fn parse(part: Part) -> Result<Argument, Error> {
        match part.tokens.as_slice() {
            [] => Err(Error::new(part.span(), "expected an argument before this comma")),
            [TokenTree::Ident(name), equals, value @ ..] if is_equals(equals, value) => {
                filled(value, name.span())?;
                Ok(Argument {
                    name: Some(name.clone()),
                    value: value.to_vec(),
                })
            }
            _ => Ok(Argument {
                name: None,
                value: part.tokens,
            }),
        }
    }
}

impl Field {
    fn parse(part: Part) -> Result<Field, Error> {
        let (span, part) = (part.span(), part.tokens.as_slice());
        if part.is_empty() {
            return Err(Error::new(span, "expected a field before this comma"));
        }
        if let Some((name, value)) = named(part)? {
            let (form, value) = sigil(value);
            filled(value, span)?;
            return Ok(Field {
                name,
                span,
                form,
                value: value.to_vec(),
            });
        }
        // `user`, `user.id`, `%error`: a place whose path is its name.
        let (form, place) = sigil(part);
        match path(place) {
            Some((name, [])) => Ok(Field {
                name,
                span,
                form,
                value: place.to_vec(),
            }),
            _ => Err(misuse::field(part, span)),
        }
    }
}

/// Takes `name =` from the front, where the name is a path or a string.
pub(crate) fn named(part: &[TokenTree]) -> Result<Option<(String, &[TokenTree])>, Error> {
    if let Some((name, [equals, value @ ..])) = path(part)
        && is_equals(equals, value)
    {
        return Ok(Some((name, value)));
    }
    let [TokenTree::Literal(literal), equals, value @ ..] = part else {
        return Ok(None);
    };
    let Some(name) = literal::text(&literal.to_string()).filter(|_| is_equals(equals, value)) else {
        return Ok(None);
    };
    if name.is_empty() {
        return Err(Error::new(literal.span(), "a field needs a name"));
    }
    Ok(Some((name, value)))
}

/// Takes `a.b.c` from the front.
pub(crate) fn path(part: &[TokenTree]) -> Option<(String, &[TokenTree])> {
    let [TokenTree::Ident(first), rest @ ..] = part else {
        return None;
    };
    let (mut name, mut rest) = (plain(first), rest);
    while let [point, TokenTree::Ident(next), after @ ..] = rest
        && is_mark(point, '.')
    {
        name = format!("{name}.{}", plain(next));
        rest = after;
    }
    Some((name, rest))
}

/// Takes the mark that chooses a field's form from the front.
pub(crate) fn sigil(value: &[TokenTree]) -> (FieldForm, &[TokenTree]) {
    match value {
        [mark, value @ ..] if is_mark(mark, '?') => (FieldForm::Debug, value),
        [mark, value @ ..] if is_mark(mark, '%') => (FieldForm::Display, value),
        _ => (FieldForm::Best, value),
    }
}

/// Reads `name: value`; `name::path` is something else.
pub(crate) fn option(part: &[TokenTree]) -> Option<(Ident, Expression)> {
    match part {
        [TokenTree::Ident(name), TokenTree::Punct(colon), value @ ..] if colon.as_char() == ':' => {
            let path = colon.spacing() == Spacing::Joint && value.first().is_some_and(|next| is_mark(next, ':'));
            (!path).then(|| (name.clone(), value.to_vec()))
        }
        _ => None,
    }
}

/// Reads the message template.
fn template(part: Option<&[TokenTree]>, log: &[TokenTree]) -> Result<(Literal, String), Error> {
    let Some(part) = part.filter(|part| !part.is_empty()) else {
        return Err(Error::new(
            span_of(log),
            "expected a message behind the logger: `info!(log, \"...\")`",
        ));
    };
    // A literal that came through another macro stands in a group without brackets.
    if let [TokenTree::Group(group)] = part
        && group.delimiter() == Delimiter::None
    {
        let inner: Vec<_> = group.stream().into_iter().collect();
        return template(Some(&inner), log);
    }
    if let [TokenTree::Literal(literal)] = part
        && let Some(text) = literal::text(&literal.to_string())
    {
        return Ok((literal.clone(), text));
    }
    let message = match part {
        [TokenTree::Literal(literal), _, ..] if literal::text(&literal.to_string()).is_some() => {
            "expected `,` or `;` behind the message"
        }
        _ => {
            "the message must be a string literal, because its fields are found when the program is compiled; \
             pass any other text as an argument: `info!(log, \"{}\", text)`"
        }
    };
    Err(Error::new(span_of(part), message))
}

/// Refuses a name without a value.
fn filled(value: &[TokenTree], span: Span) -> Result<(), Error> {
    match value {
        [] => Err(Error::new(span, "expected a value")),
        _ => Ok(()),
    }
}

/// Whether the token is a `=` of its own, not the start of `==` or `=>`.
pub(crate) fn is_equals(token: &TokenTree, after: &[TokenTree]) -> bool {
    let joint = matches!(token, TokenTree::Punct(mark) if mark.spacing() == Spacing::Joint);
    let longer = after
        .first()
        .is_some_and(|next| is_mark(next, '=') || is_mark(next, '>'));
    is_mark(token, '=') && !(joint && longer)
}

pub(crate) fn is_mark(token: &TokenTree, letter: char) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == letter)
}

/// Returns the name without the mark of a raw identifier.
fn plain(name: &Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map(str::to_owned).unwrap_or(name)
}

pub(crate) fn span_of(part: &[TokenTree]) -> Span {
    part.first().map_or_else(Span::call_site, TokenTree::span)
}
