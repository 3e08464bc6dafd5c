//! Code is written as text with holes, into which tokens are put.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// A name in the text, and what takes its place.
pub(crate) type Hole = (&'static str, TokenStream);

/// Reads code, and puts tokens in the place of each name of a hole. What the code names itself is hygienic; the
/// compiler shows it at the place `at`.
pub(crate) fn fill(code: &str, at: Span, holes: &[Hole]) -> TokenStream {
    let tokens = code.parse().expect("the texts in this crate are well formed");
    replace(tokens, Span::mixed_site().located_at(at), holes)
}

fn replace(tokens: TokenStream, span: Span, holes: &[Hole]) -> TokenStream {
    let mut filled = Vec::new();
    for mut token in tokens {
        if let TokenTree::Ident(name) = &token {
            let name = name.to_string();
            if let Some((_, tokens)) = holes.iter().find(|(hole, _)| *hole == name) {
                filled.extend(tokens.clone());
                continue;
            }
        }
        if let TokenTree::Group(group) = &token {
            token = Group::new(group.delimiter(), replace(group.stream(), span, holes)).into();
        }
        token.set_span(span);
        filled.push(token);
    }
    filled.into_iter().collect()
}

/// Returns a hygienic name, shown at the place `at`.
pub(crate) fn name(name: &str, at: Span) -> TokenStream {
    TokenTree::Ident(Ident::new(name, Span::mixed_site().located_at(at))).into()
}

/// Returns a string literal.
pub(crate) fn text(text: &str) -> TokenStream {
    TokenTree::Literal(Literal::string(text)).into()
}

/// Returns an expression of the program's in brackets, so that nothing around it binds more tightly.
pub(crate) fn in_brackets(expression: &[TokenTree]) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, expression.iter().cloned().collect());
    let at = expression.first().map_or_else(Span::call_site, TokenTree::span);
    group.set_span(Span::mixed_site().located_at(at));
    TokenTree::Group(group).into()
}

/// Puts one behind the other.
pub(crate) fn joined(parts: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    parts.into_iter().flatten().collect()
}

/// Puts a comma behind each.
pub(crate) fn listed(parts: impl IntoIterator<Item = TokenStream>) -> TokenStream {
    let comma = || TokenStream::from(TokenTree::Punct(Punct::new(',', Spacing::Alone)));
    joined(parts.into_iter().flat_map(|part| [part, comma()]))
}
