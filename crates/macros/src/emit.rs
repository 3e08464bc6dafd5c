//! The code of a call.
//!
//! All names of ours are hygienic or stand where no expression of the program's can see them. The program's expressions
//! stand outside every closure, so that `?`, `return` and `.await` work in them, and each stands in the code once.

use std::iter::once;

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

use crate::input::{Call, Expression, Level};
use crate::plan::{Entry, FieldForm, Form, Piece, Plan};

/// The whole call. The receipt is bound before it is returned: the expressions' temporaries end at the semicolon, so
/// that none of them is alive when the caller awaits the receipt (in editions before 2024 they would be).
const CALL: &str = "{
    let hydra_site = {
        static HYDRA_SITE: HOME::__private::Site = HOME::__private::Site::new(HOME::__private::RawSite {
            level: HOME::__private::Level::SITE_LEVEL,
            line: HOME::__private::line!(),
            file: HOME::__private::file!(),
            module: HOME::__private::module_path!(),
            template: TEMPLATE,
            names: &[NAMES],
            pieces: &[PIECES],
        });
        &HYDRA_SITE
    };
    let hydra_receipt = match HOME::__private::Target::open(&LOG, LEVEL, hydra_site, LAYER) {
        HOME::__private::Some(hydra_pass) => TAKEN,
        HOME::__private::None => HOME::__private::Receipt::disabled(),
    };
    hydra_receipt
}";

/// What an enabled call does.
const TAKEN: &str = "match (VALUES) {
    (BINDINGS) => {
        CHECK
        hydra_pass.record(hydra_site, move |hydra_encoder| {
            #[allow(unused_imports)]
            use HOME::__private::forms::*;
            CAPTURES
        })
    }
}";

/// Likewise, for a call without values.
const TAKEN_BARE: &str = "{
    CHECK
    hydra_pass.record(hydra_site, |_| {})
}";

/// Lets std check the template and its arguments. It is never run and leaves nothing behind.
const CHECK: &str = "if false {
    HOME::__private::check(HOME::__private::format_args!(LITERAL, ARGUMENTS));
}";

/// Returns the code of a call.
pub(crate) fn code(call: &Call, plan: &Plan<'_>) -> TokenStream {
    let home = || ("HOME", call.home.clone());
    let (site_level, level) = match &call.level {
        Level::Fixed(name) => (
            name.clone(),
            fill("HOME::__private::Level::NAME", &[home(), ("NAME", name.clone())]),
        ),
        // Each record has its own; the site's is the least.
        Level::Given(value) => (fill("Trace", &[]), in_brackets(value)),
    };
    let layer = match &call.layer {
        Some(name) => fill("HOME::__private::layer(&NAME)", &[home(), ("NAME", in_brackets(name))]),
        None => fill("HOME::__private::None", &[home()]),
    };
    let names = plan.entries.iter().map(|entry| text(&entry.name));
    let pieces = plan.pieces.iter().map(|piece| match piece {
        Piece::Literal(literal) => fill(
            "HOME::__private::RawPiece::Literal(TEXT)",
            &[home(), ("TEXT", text(literal))],
        ),
        Piece::Entry(entry, spec) => {
            let index = TokenTree::Literal(Literal::u16_suffixed(*entry as u16)).into();
            let holes = [home(), ("INDEX", index), ("SPEC", text(spec))];
            fill("HOME::__private::RawPiece::Argument(INDEX, SPEC)", &holes)
        }
    });
    let holes = [
        home(),
        ("SITE_LEVEL", site_level),
        ("TEMPLATE", text(&call.text)),
        ("NAMES", listed(names)),
        ("PIECES", listed(pieces)),
        ("LOG", in_brackets(&call.log)),
        ("LEVEL", level),
        ("LAYER", layer),
        ("TAKEN", taken(call, plan)),
    ];
    fill(CALL, &holes)
}

fn taken(call: &Call, plan: &Plan<'_>) -> TokenStream {
    let variables = plan.captures.iter().map(|name| variable(name, call.literal.span()));
    let expressions = call.arguments.iter().map(|argument| &argument.value);
    let expressions = expressions.chain(call.fields.iter().map(|field| &field.value));
    let values: Vec<TokenStream> = expressions
        .map(in_brackets)
        .chain(variables.map(TokenStream::from))
        .map(|value| fill("&VALUE", &[("VALUE", value)]))
        .collect();
    let check = check(call, plan);
    if values.is_empty() {
        return fill(TAKEN_BARE, &[("CHECK", check)]);
    }
    let bindings = (0..values.len()).map(|number| binding(number, Span::call_site()));
    let holes = [
        ("HOME", call.home.clone()),
        ("CHECK", check),
        ("BINDINGS", listed(bindings)),
        ("VALUES", listed(values)),
        (
            "CAPTURES",
            plan.entries.iter().map(|entry| captured(call, entry)).collect(),
        ),
    ];
    fill(TAKEN, &holes)
}

/// Returns the check; nothing if there is nothing to check.
fn check(call: &Call, plan: &Plan<'_>) -> TokenStream {
    if call.arguments.is_empty() && !call.text.contains(['{', '}']) {
        return TokenStream::new();
    }
    // The arguments are shown at the place of the program's, where std's errors will point.
    let arguments = call.arguments.iter().enumerate().map(|(number, argument)| {
        let name = argument.name.clone().map(TokenTree::Ident);
        named(name, dereferenced(number, &argument.value))
    });
    let first = call.arguments.len() + call.fields.len();
    let variables = plan.captures.iter().enumerate().map(|(number, name)| {
        let variable = variable(name, call.literal.span());
        named(Some(variable.clone()), dereferenced(first + number, &[variable]))
    });
    let holes = [
        ("HOME", call.home.clone()),
        ("LITERAL", TokenTree::Literal(call.literal.clone()).into()),
        ("ARGUMENTS", listed(arguments.chain(variables))),
    ];
    fill(CHECK, &holes)
}

fn named(name: Option<TokenTree>, value: TokenStream) -> TokenStream {
    match name {
        Some(name) => fill("NAME = VALUE", &[("NAME", name.into()), ("VALUE", value)]),
        None => value,
    }
}

/// Returns the statement that puts one value into the record.
fn captured(call: &Call, entry: &Entry<'_>) -> TokenStream {
    let span = Span::call_site();
    let rendered = |template: &str| {
        let mut literal = Literal::string(template);
        literal.set_span(call.literal.span().resolved_at(Span::mixed_site()));
        let values = once(&entry.value).chain(&entry.counts);
        let values = values.map(|&value| dereferenced_at(value, span, span));
        let holes = [
            ("HOME", call.home.clone()),
            ("TEXT", TokenTree::Literal(literal).into()),
            ("VALUES", listed(values)),
        ];
        fill("HOME::__private::format_args!(TEXT, VALUES)", &holes)
    };
    let holes = |text| {
        [
            ("HOME", call.home.clone()),
            ("VALUE", binding(entry.value, span)),
            ("TEXT", text),
        ]
    };
    let none = TokenStream::new;
    match entry.form {
        Form::Display => fill(
            "(&HOME::__private::Argument(VALUE)).display(hydra_encoder);",
            &holes(none()),
        ),
        Form::Debug => fill(
            "(&HOME::__private::Argument(VALUE)).debug(hydra_encoder);",
            &holes(none()),
        ),
        Form::With(spec) => {
            let statement = "(&HOME::__private::Argument(VALUE)).form(hydra_encoder, TEXT);";
            fill(statement, &holes(rendered(&spec.alone())))
        }
        Form::Bits(spec) => {
            let statement = "(&HOME::__private::Argument(VALUE)).bits(hydra_encoder, TEXT);";
            fill(statement, &holes(rendered(&spec.alone())))
        }
        Form::Text(spec) => fill("hydra_encoder.rendered(TEXT);", &holes(rendered(&spec.alone()))),
        Form::Field(FieldForm::Best) => fill("(&HOME::__private::Field(VALUE)).field(hydra_encoder);", &holes(none())),
        Form::Field(FieldForm::Display) => fill("hydra_encoder.rendered(TEXT);", &holes(rendered("{}"))),
        Form::Field(FieldForm::Debug) => fill("hydra_encoder.rendered(TEXT);", &holes(rendered("{:?}"))),
    }
}

/// Returns `*binding`, shown at the place of an expression of the program's.
fn dereferenced(number: usize, place: &[TokenTree]) -> TokenStream {
    let span = |token: Option<&TokenTree>| token.map_or_else(Span::call_site, TokenTree::span);
    dereferenced_at(number, span(place.first()), span(place.last()))
}

fn dereferenced_at(number: usize, first: Span, last: Span) -> TokenStream {
    let mut star = Punct::new('*', Spacing::Alone);
    star.set_span(Span::mixed_site().located_at(first));
    once(TokenStream::from(TokenTree::Punct(star)))
        .chain(once(binding(number, last)))
        .collect()
}

/// Returns the name that a value is bound to. It is hygienic, wherever it is shown.
fn binding(number: usize, shown: Span) -> TokenStream {
    let span = Span::mixed_site().located_at(shown);
    TokenTree::Ident(Ident::new(&format!("hydra_value{number}"), span)).into()
}

/// Returns a variable that the template names, seen from where the template stands. It may have the name of a keyword.
fn variable(name: &str, span: Span) -> TokenTree {
    TokenTree::Ident(match name {
        "self" | "Self" | "super" | "crate" => Ident::new(name, span),
        _ => Ident::new_raw(name, span),
    })
}

fn text(text: &str) -> TokenStream {
    TokenTree::Literal(Literal::string(text)).into()
}

fn in_brackets(expression: &Expression) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, expression.iter().cloned().collect());
    group.set_span(Span::mixed_site());
    TokenTree::Group(group).into()
}

/// Puts a comma behind each.
fn listed(parts: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let comma = || TokenStream::from(TokenTree::Punct(Punct::new(',', Spacing::Alone)));
    parts.into_iter().flat_map(|part| [part, comma()]).collect()
}

/// Reads code, and puts tokens in the place of each name of a hole. Names in the code are hygienic.
fn fill(code: &str, holes: &[(&str, TokenStream)]) -> TokenStream {
    let tokens = code.parse().expect("the code above is well formed");
    replace(tokens, holes)
}

fn replace(tokens: TokenStream, holes: &[(&str, TokenStream)]) -> TokenStream {
    let mut filled = TokenStream::new();
    for mut token in tokens {
        if let TokenTree::Ident(name) = &token {
            let name = name.to_string();
            if let Some((_, tokens)) = holes.iter().find(|(hole, _)| *hole == name) {
                filled.extend(tokens.clone());
                continue;
            }
        }
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), replace(group.stream(), holes)).into();
        }
        token.set_span(Span::mixed_site());
        filled.extend([token]);
    }
    filled
}
