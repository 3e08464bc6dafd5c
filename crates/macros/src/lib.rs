//! The proc macro behind `info!`, `error!` and their kin.
//!
//! `hydra_logger::info!(log, layer: "API", "user {id}", id = 42; tenant = "acme")` is a `macro_rules!` macro that
//! passes its tokens to [`record!`] with the path of its crate and the level in front, so that a program may rename the
//! crate. A call becomes a static that describes the call site and a closure that copies typed values into a record:
//! nothing is rendered where the call stands, unless a value has no type that a record knows.
//!
//! | module | does |
//! |--------|------|
//! | `input` | tokens become a call: logger, layer, template, arguments, fields |
//! | `split` | cuts tokens at the commas between expressions |
//! | `literal` | the text of a string literal |
//! | `template` | the text becomes literals and placeholders |
//! | `plan` | which values a record takes, in which form, under which names |
//! | `misuse` | calls that mean something else: what to write instead |
//! | `emit` | the code of the call |
//! | `code` | texts with holes become tokens |
//!
//! What `std` checks is left to `std`: the code holds a `format_args!` of the same template and arguments, never run,
//! so that a wrong template or an argument too many gives the error that everybody knows, at its place in the literal.
//! Nothing here depends on another crate; `hydra_logger::__private` holds everything that the code names.
#![forbid(unsafe_code)]

mod code;
mod emit;
mod error;
mod input;
mod literal;
mod misuse;
mod plan;
mod split;
mod template;

use proc_macro::TokenStream;

use crate::error::Error;
use crate::input::Call;
use crate::plan::{FieldNote, Plan};

/// The most values that one record takes from its call: arguments, captured variables and fields together.
const VALUES_MAX: usize = 64;

/// Makes one record. Not called by programs: they use `hydra_logger::info!` and its kin.
///
/// The input is `[PATH] [LEVEL] LOG, ...`, where `PATH` is the path of the crate that has `__private`, and `LEVEL` the
/// name of a level, or nothing if the call has a `level:` of its own.
#[proc_macro]
pub fn record(input: TokenStream) -> TokenStream {
    expand(input).unwrap_or_else(Error::into_tokens)
}

fn expand(input: TokenStream) -> Result<TokenStream, Error> {
    let call = Call::parse(input)?;
    let names: Vec<_> = call.arguments.iter().map(|argument| argument.name_text()).collect();
    let fields: Vec<_> = call
        .fields
        .iter()
        .map(|field| FieldNote {
            name: field.name.clone(),
            form: field.form,
        })
        .collect();
    let segments = template::parse(&call.text);
    misuse::arguments(&call, &segments)?;
    let plan = Plan::make(&segments, &names, &fields).map_err(|duplicate| {
        let field = call.fields.get(duplicate.field);
        let span = field.map_or_else(|| call.literal.span(), |field| field.span);
        Error::new(
            span,
            format!(
                "the record has a field `{}` already: choose another name",
                duplicate.name
            ),
        )
    })?;
    let values = names.len() + fields.len() + plan.captures.len();
    if values > VALUES_MAX {
        let message = format!("a record takes at most {VALUES_MAX} arguments and fields; this one has {values}");
        return Err(Error::new(call.literal.span(), message));
    }
    Ok(emit::code(&call, &plan))
}
