//! Cuts tokens at the commas between expressions.
//!
//! Brackets of all kinds but `<>` are groups already. A `<` opens a list of types, whose commas separate nothing here,
//! where the grammar expects an operand (`<T as Into<U>>::into`), behind `::` and within a type (`x as Map<K, V>`);
//! anywhere else it compares. The parameters of a closure (`|a, b| ..`) are the other place with commas of its own.

use proc_macro::{Spacing, Span, TokenTree};

/// Words that an operand follows; any other word is an operand or ends one.
const BEFORE_OPERAND: [&str; 18] = [
    "as", "async", "break", "const", "dyn", "else", "for", "if", "impl", "in", "let", "loop", "match", "move", "mut",
    "ref", "return", "while",
];

/// What stands before a comma, or behind the last one.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) tokens: Vec<TokenTree>,
    /// Where the comma is.
    end: Option<Span>,
}

impl Part {
    /// Returns where the compiler shows what is wrong with the part: at its first token, or the comma it lacks one at.
    pub(crate) fn span(&self) -> Span {
        let first = self.tokens.first().map(TokenTree::span);
        first.or(self.end).unwrap_or_else(Span::call_site)
    }
}

/// Cuts at each comma between expressions. A comma at the end is dropped; an empty part elsewhere is kept.
pub(crate) fn at_commas(tokens: Vec<TokenTree>) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut tokens_before = Vec::new();
    let mut walk = Walk::new();
    for token in tokens {
        if walk.step(&token) {
            parts.push(Part {
                tokens: std::mem::take(&mut tokens_before),
                end: Some(token.span()),
            });
            walk = Walk::new();
        } else {
            tokens_before.push(token);
        }
    }
    if !tokens_before.is_empty() {
        parts.push(Part {
            tokens: tokens_before,
            end: None,
        });
    }
    parts
}

/// Where in an expression the walk stands.
struct Walk {
    /// How many lists of types are open.
    lists: usize,
    /// Between the bars of a closure.
    parameters: bool,
    /// An operand is to come, not an operator.
    operand: bool,
    /// Behind `as` or `->`.
    within_type: bool,
    /// The mark before, and whether it touches this one.
    before: Option<(char, Spacing)>,
}

impl Walk {
    fn new() -> Walk {
        Walk {
            lists: 0,
            parameters: false,
            operand: true,
            within_type: false,
            before: None,
        }
    }

    /// Takes one token; returns whether it is a comma between expressions.
    fn step(&mut self, token: &TokenTree) -> bool {
        let before = self.before.take();
        match token {
            TokenTree::Punct(mark) => {
                if mark.as_char() == ',' && self.lists == 0 && !self.parameters {
                    return true;
                }
                self.mark(mark.as_char(), before);
                self.before = Some((mark.as_char(), mark.spacing()));
            }
            TokenTree::Ident(word) => {
                let word = word.to_string();
                self.operand = BEFORE_OPERAND.contains(&word.as_str());
                self.within_type |= word == "as";
            }
            TokenTree::Group(_) | TokenTree::Literal(_) => self.operand = false,
        }
        false
    }

    fn mark(&mut self, mark: char, before: Option<(char, Spacing)>) {
        let opens = self.operand || self.within_type || matches!(before, Some((':', _)));
        let joined = before.and_then(|(mark, spacing)| (spacing == Spacing::Joint).then_some(mark));
        match (mark, joined) {
            // The second mark of `a << b` and of `a || b` opens nothing.
            ('<', Some('<')) if self.lists == 0 && !self.within_type => {}
            ('<', _) if self.lists > 0 || opens => self.lists += 1,
            ('>', Some('-')) => (self.within_type, self.operand) = (self.lists == 0, true),
            ('>', _) if self.lists > 0 => {
                self.lists -= 1;
                self.operand = false;
            }
            ('|', _) if self.parameters => (self.parameters, self.operand) = (false, true),
            ('|', Some('|')) => {}
            ('|', _) if self.operand => self.parameters = true,
            // No operators: `a?`, and what stands within paths and lifetimes.
            ('?' | '\'' | ':', _) => {}
            _ => {
                self.within_type &= self.operand;
                self.operand = true;
            }
        }
    }
}
