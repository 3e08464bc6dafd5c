//! What is wrong with a call, and where.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// An error that the compiler shows at `span`.
#[derive(Debug)]
pub(crate) struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Error {
        Error {
            span,
            message: message.into(),
        }
    }

    /// Returns `::core::compile_error! { "message" }`.
    pub(crate) fn into_tokens(self) -> TokenStream {
        // A module of the program's that is called `core` must not stand in the way; the name is looked up as in the
        // edition of this crate, where `::core` can only be the crate.
        let names = self.span.resolved_at(Span::mixed_site());
        let punct = |letter, spacing| TokenTree::Punct(Punct::new(letter, spacing));
        let message: TokenTree = Literal::string(&self.message).into();
        let tokens = [
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            Ident::new("core", names).into(),
            punct(':', Spacing::Joint),
            punct(':', Spacing::Alone),
            Ident::new("compile_error", names).into(),
            punct('!', Spacing::Alone),
            Group::new(Delimiter::Brace, message.into()).into(),
        ];
        let spanned = tokens.map(|mut token| {
            token.set_span(names);
            token
        });
        spanned.into_iter().collect()
    }
}
