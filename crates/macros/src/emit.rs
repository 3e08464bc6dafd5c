//! The code of a call.
//!
//! All names of ours are hygienic or stand where no expression of the program's can see them. The program's expressions
//! stand outside every closure, so that `?`, `return` and `.await` work in them, and each stands in the code once.

use std::iter::once;

use proc_macro::{Ident, Literal, Span, TokenStream, TokenTree};

use crate::code::{fill, in_brackets, joined, listed, name, text};
use crate::input::{Call, Level};
use crate::plan::{Entry, FieldForm, Form, Piece, Plan};

/// The whole call. The receipt is bound before it is returned: the expressions' temporaries end at the semicolon, so
/// that none of them is alive when the caller awaits the receipt (in editions before 2024 they would be).
const CALL: &str = "{
    use HOME::__private as hydra_home;
    let hydra_site = {
        static HYDRA_SITE: hydra_home::Site = hydra_home::Site::new(hydra_home::RawSite {
            level: hydra_home::Level::SITE_LEVEL,
            line: hydra_home::line!(),
            file: hydra_home::file!(),
            module: hydra_home::module_path!(),
            template: TEMPLATE,
            names: &[NAMES],
            pieces: &[PIECES],
        });
        &HYDRA_SITE
    };
    let hydra_receipt = match hydra_home::Target::open(LOG, LEVEL, hydra_site, LAYER) {
        hydra_home::Some(hydra_pass) => TAKEN,
        hydra_home::None => hydra_home::Receipt::disabled(),
    };
    hydra_receipt
}";

/// What an enabled call does.
const TAKEN: &str = "match (VALUES) {
    (BINDINGS) => {
        CHECK
        hydra_pass.record(hydra_site, move |hydra_encoder| {
            use hydra_home::forms::*;
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
    hydra_home::check(hydra_home::format_args!(LITERAL, ARGUMENTS));
}";

/// Returns the code of a call.
pub(crate) fn code(call: &Call, plan: &Plan<'_>) -> TokenStream {
    Emitter {
        call,
        plan,
        here: Span::call_site(),
    }
    .call()
}

struct Emitter<'c> {
    call: &'c Call,
    plan: &'c Plan<'c>,
    /// The place of the whole call, where what is nobody's is shown.
    here: Span,
}

impl Emitter<'_> {
    fn call(&self) -> TokenStream {
        let (site_level, level) = match &self.call.level {
            Level::Fixed(name) => {
                let level = "hydra_home::Level::NAME";
                (name.clone(), fill(level, self.here, &[("NAME", name.clone())]))
            }
            // Each record has its own; the site's is the least.
            Level::Given(value) => (fill("Trace", self.here, &[]), in_brackets(value)),
        };
        let layer = match &self.call.layer {
            Some(name) => {
                let (at, _) = ends(name).unwrap_or((self.here, self.here));
                let holes = [("NAME", in_brackets(name))];
                fill("hydra_home::layer(&NAME)", at, &holes)
            }
            None => fill("hydra_home::None", self.here, &[]),
        };
        let (at, _) = ends(&self.call.log).unwrap_or((self.here, self.here));
        let log = fill("&LOG", at, &[("LOG", in_brackets(&self.call.log))]);
        let names = self.plan.entries.iter().map(|entry| text(&entry.name));
        let holes = [
            ("HOME", self.call.home.clone()),
            ("SITE_LEVEL", site_level),
            ("TEMPLATE", text(&self.call.text)),
            ("NAMES", listed(names)),
            ("PIECES", listed(self.plan.pieces.iter().map(|piece| self.piece(piece)))),
            ("LOG", log),
            ("LEVEL", level),
            ("LAYER", layer),
            ("TAKEN", self.taken()),
        ];
        fill(CALL, self.here, &holes)
    }

    fn piece(&self, piece: &Piece<'_>) -> TokenStream {
        match piece {
            Piece::Literal(literal) => {
                let holes = [("TEXT", text(literal))];
                fill("hydra_home::RawPiece::Literal(TEXT)", self.here, &holes)
            }
            Piece::Entry(entry, spec) => {
                let index = TokenTree::Literal(Literal::usize_unsuffixed(*entry)).into();
                let holes = [("INDEX", index), ("SPEC", text(spec))];
                fill("hydra_home::RawPiece::Argument(INDEX, SPEC)", self.here, &holes)
            }
        }
    }

    fn taken(&self) -> TokenStream {
        let variables = self.plan.captures.iter().map(|name| self.variable(name).into());
        let values: Vec<TokenStream> = self
            .given()
            .map(in_brackets)
            .chain(variables)
            .map(|value| fill("&VALUE", self.here, &[("VALUE", value)]))
            .collect();
        if values.is_empty() {
            return fill(TAKEN_BARE, self.here, &[("CHECK", self.check())]);
        }
        let captures = self.plan.entries.iter().map(|entry| self.capture(entry));
        let holes = [
            ("CHECK", self.check()),
            (
                "BINDINGS",
                listed((0..values.len()).map(|value| binding(value, self.here))),
            ),
            ("VALUES", listed(values)),
            ("CAPTURES", joined(captures)),
        ];
        fill(TAKEN, self.here, &holes)
    }

    /// Returns the check; nothing if there is nothing to check.
    fn check(&self) -> TokenStream {
        let call = self.call;
        if call.arguments.is_empty() && !call.text.contains(['{', '}']) {
            return TokenStream::new();
        }
        let arguments = call.arguments.iter().enumerate().map(|(value, argument)| {
            let name = argument.name.clone().map(TokenTree::Ident);
            self.checked(name, value)
        });
        let first = call.arguments.len() + call.fields.len();
        let variables = self.plan.captures.iter().enumerate();
        let variables = variables.map(|(number, name)| self.checked(Some(self.variable(name)), first + number));
        let holes = [
            ("LITERAL", TokenTree::Literal(call.literal.clone()).into()),
            ("ARGUMENTS", listed(arguments.chain(variables))),
        ];
        fill(CHECK, self.here, &holes)
    }

    fn checked(&self, name: Option<TokenTree>, value: usize) -> TokenStream {
        match name {
            Some(name) => {
                let holes = [("NAME", name.into()), ("VALUE", self.dereferenced(value))];
                fill("NAME = VALUE", self.here, &holes)
            }
            None => self.dereferenced(value),
        }
    }

    /// Returns the statement that puts one value into the record.
    fn capture(&self, entry: &Entry<'_>) -> TokenStream {
        let (statement, template) = match entry.form {
            Form::Display => ("(&hydra_home::Argument(VALUE)).display(hydra_encoder);", None),
            Form::Debug => ("(&hydra_home::Argument(VALUE)).debug(hydra_encoder);", None),
            Form::Field(FieldForm::Best) => ("(&&hydra_home::Field(VALUE)).field(hydra_encoder);", None),
            Form::With(spec) => {
                let statement = "(&hydra_home::Argument(VALUE)).form(hydra_encoder, TEXT);";
                (statement, Some(spec.alone()))
            }
            Form::Bits(spec) => {
                let statement = "(&hydra_home::Argument(VALUE)).bits(hydra_encoder, TEXT);";
                (statement, Some(spec.alone()))
            }
            Form::Text(spec) => ("hydra_encoder.rendered(TEXT);", Some(spec.alone())),
            Form::Field(FieldForm::Display) => ("hydra_encoder.rendered(TEXT);", Some("{}".to_owned())),
            Form::Field(FieldForm::Debug) => ("hydra_encoder.rendered(TEXT);", Some("{:?}".to_owned())),
        };
        let (at, _) = self.shown(entry.value);
        let rendered = template.map(|template| {
            let values = once(&entry.value).chain(&entry.counts);
            let values = listed(values.map(|&value| self.dereferenced(value)));
            let mut literal = Literal::string(&template);
            literal.set_span(Span::mixed_site().located_at(at));
            let literal = TokenTree::Literal(literal).into();
            let holes = [("TEMPLATE", literal), ("VALUES", values)];
            fill("hydra_home::format_args!(TEMPLATE, VALUES)", at, &holes)
        });
        let holes = [
            ("VALUE", binding(entry.value, at)),
            ("TEXT", rendered.unwrap_or_default()),
        ];
        fill(statement, at, &holes)
    }

    /// Returns `*binding`, where the compiler will show that something is wrong with the value.
    fn dereferenced(&self, value: usize) -> TokenStream {
        let (first, last) = self.shown(value);
        fill("*VALUE", first, &[("VALUE", binding(value, last))])
    }

    /// Returns where in the program a value stands: its first and its last token.
    fn shown(&self, value: usize) -> (Span, Span) {
        let literal = self.call.literal.span();
        self.given().nth(value).and_then(ends).unwrap_or((literal, literal))
    }

    /// Returns the expressions of the program's: arguments, then fields.
    fn given(&self) -> impl Iterator<Item = &[TokenTree]> {
        let arguments = self.call.arguments.iter().map(|argument| argument.value.as_slice());
        arguments.chain(self.call.fields.iter().map(|field| field.value.as_slice()))
    }

    /// Returns a variable that the template names, seen from where the template stands.
    fn variable(&self, name: &str) -> TokenTree {
        let span = self.call.literal.span();
        TokenTree::Ident(match name {
            "self" | "Self" | "super" | "crate" => Ident::new(name, span),
            // It may have the name of a keyword, which std's own macros allow too.
            _ => Ident::new_raw(name, span),
        })
    }
}

/// Returns the name that a value is bound to. It is hygienic, wherever it is shown.
fn binding(value: usize, shown: Span) -> TokenStream {
    name(&format!("hydra_value{value}"), shown)
}

fn ends(tokens: &[TokenTree]) -> Option<(Span, Span)> {
    Some((tokens.first()?.span(), tokens.last()?.span()))
}
