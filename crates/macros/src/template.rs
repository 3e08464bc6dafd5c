//! A message template becomes literals and placeholders, as `std::fmt` reads it.
//!
//! Reading never fails. Text that `std` would refuse is taken as it stands: the same template goes through
//! `format_args!`, whose error is the better one.

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    /// Text, with doubled braces made single.
    Literal(String),
    /// A value.
    Value(Reference, Spec),
}

/// Names an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// By its place among all arguments; `{}` counts for itself.
    Index(usize),
    /// By its name, or a variable's.
    Name(String),
}

/// How a placeholder's value gets into the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// As a typed value; the specification is applied when the record is read.
    Typed,
    /// Likewise, but for a number what shows is its bits, in the width that its type has.
    Bits,
    /// As text: width or precision come from other arguments. The field beside it is typed.
    Layout,
    /// As text, which is the field too.
    Text,
}

/// A format specification: what follows the colon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spec {
    /// As written, without white space at the end.
    pub(crate) text: String,
    /// Fill, alignment, sign and flags.
    flags: String,
    width: Count,
    precision: Count,
    kind: String,
}

/// A width or a precision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Count {
    #[default]
    None,
    Fixed(String),
    From(Reference),
}

impl Spec {
    /// Says how a value in this form gets into a record; `None` for a form that std refuses.
    pub(crate) fn class(&self) -> Option<Class> {
        let known = ["", "?", "x?", "X?", "x", "X", "o", "b", "e", "E", "p"];
        known.contains(&self.kind.as_str()).then(|| self.known_class())
    }

    fn known_class(&self) -> Class {
        if self.counts().next().is_some() {
            return Class::Layout;
        }
        let number = |count: &Count| match count {
            // `{:.}` says nothing, which the record's reader would take for a precision of 0.
            Count::Fixed(digits) => digits.parse::<u16>().is_ok(),
            _ => true,
        };
        if !number(&self.width) || !number(&self.precision) || self.flags.contains('-') {
            return Class::Text;
        }
        match self.kind.as_str() {
            "" | "?" => Class::Typed,
            "x" | "X" | "o" | "b" => Class::Bits,
            "e" | "E" if self.precision == Count::None => Class::Typed,
            "e" | "E" => Class::Layout,
            _ => Class::Text,
        }
    }

    /// Lists the arguments that give width and precision.
    pub(crate) fn counts(&self) -> impl Iterator<Item = &Reference> {
        [&self.width, &self.precision]
            .into_iter()
            .filter_map(|count| match count {
                Count::From(reference) => Some(reference),
                _ => None,
            })
    }

    /// Returns a template for this value alone: argument 0, with [`Spec::counts`] as the arguments 1 and 2.
    pub(crate) fn alone(&self) -> String {
        let mut used = 0;
        let mut shown = |count: &Count| match count {
            Count::None => String::new(),
            Count::Fixed(digits) => digits.clone(),
            Count::From(_) => {
                used += 1;
                format!("{used}$")
            }
        };
        let width = shown(&self.width);
        let precision = shown(&self.precision);
        let point = if self.precision == Count::None { "" } else { "." };
        format!("{{0:{}{width}{point}{precision}{}}}", self.flags, self.kind)
    }
}

/// Takes a template apart.
pub(crate) fn parse(template: &str) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut literal = String::new();
    let (mut rest, mut next) = (template, 0);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        literal.push_str(before);
        let (brace, after) = from.split_at(1);
        if let Some(escaped) = after.strip_prefix(brace) {
            literal.push_str(brace);
            rest = escaped;
        } else if let Some((reference, spec, after)) = placeholder(after, &mut next).filter(|_| brace == "{") {
            if !literal.is_empty() {
                segments.push(Segment::Literal(std::mem::take(&mut literal)));
            }
            segments.push(Segment::Value(reference, spec));
            rest = after;
        } else {
            literal.push_str(brace);
            rest = after;
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        segments.push(Segment::Literal(literal));
    }
    segments
}

/// Whether every brace is doubled or belongs to a placeholder: if not, `std` has something to say.
pub(crate) fn is_well_formed(template: &str) -> bool {
    let mut rest = template;
    while let Some((brace, after)) = rest.find(['{', '}']).and_then(|at| rest.get(at..)?.split_at_checked(1)) {
        let is_whole = |reference: &Reference| !matches!(reference, Reference::Name(name) if name.contains('{'));
        let placeholder = || placeholder(after, &mut 0).filter(|(name, ..)| brace == "{" && is_whole(name));
        rest = match after.strip_prefix(brace) {
            Some(after) => after,
            None => match placeholder() {
                Some((_, _, after)) => after,
                None => return false,
            },
        };
    }
    true
}

/// Reads a placeholder from behind its brace; returns what follows it too.
fn placeholder<'t>(text: &'t str, next: &mut usize) -> Option<(Reference, Spec, &'t str)> {
    let end = text.find([':', '}'])?;
    let (argument, rest) = text.split_at_checked(end)?;
    let (spec, rest) = match rest.strip_prefix(':') {
        Some(body) => {
            // The fill may be a brace: it is known by the alignment behind it.
            let fill = fill_of(body).map_or(0, char::len_utf8);
            let end = fill + body.get(fill..)?.find('}')?;
            (spec(body.get(..end)?.trim_end(), next), body.get(end..)?)
        }
        None => (Spec::default(), rest),
    };
    // The star of `{:.*}` takes its argument before the value does.
    let reference = match argument.trim_end() {
        "" => following(next),
        argument => reference(argument),
    };
    Some((reference, spec, rest.strip_prefix('}')?))
}

fn following(next: &mut usize) -> Reference {
    *next += 1;
    Reference::Index(*next - 1)
}

fn reference(text: &str) -> Reference {
    match text.parse() {
        Ok(index) => Reference::Index(index),
        Err(_) => Reference::Name(text.to_owned()),
    }
}

fn fill_of(body: &str) -> Option<char> {
    let mut letters = body.chars();
    letters
        .next()
        .filter(|_| matches!(letters.next(), Some('<' | '^' | '>')))
}

fn spec(text: &str, next: &mut usize) -> Spec {
    let mut rest = text;
    if let Some(fill) = fill_of(rest) {
        rest = rest.get(fill.len_utf8()..).unwrap_or_default();
    }
    for letters in [['<', '^', '>'].as_slice(), &['+', '-'], &['#']] {
        rest = rest.strip_prefix(letters).unwrap_or(rest);
    }
    // `0$` is a width from argument 0, not the flag.
    rest = rest
        .strip_prefix('0')
        .filter(|after| !after.starts_with('$'))
        .unwrap_or(rest);
    let flags = text.strip_suffix(rest).unwrap_or_default().to_owned();
    let (width, rest) = count(rest);
    let (precision, kind) = match rest.strip_prefix('.').map(|after| (after.strip_prefix('*'), after)) {
        Some((Some(after), _)) => (Count::From(following(next)), after),
        Some((None, after)) => match count(after) {
            (Count::None, after) => (Count::Fixed(String::new()), after),
            found => found,
        },
        None => (Count::None, rest),
    };
    Spec {
        text: text.to_owned(),
        flags,
        width,
        precision,
        kind: kind.to_owned(),
    }
}

/// Takes `12`, `1$` or `name$` from the front.
fn count(text: &str) -> (Count, &str) {
    let word = text
        .find(|letter: char| letter != '_' && !letter.is_alphanumeric())
        .unwrap_or(text.len());
    if let Some((name, after)) = text.split_at_checked(word)
        && let Some(after) = after.strip_prefix('$')
    {
        return (Count::From(reference(name)), after);
    }
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    match text.split_at_checked(digits) {
        Some((digits, after)) if !digits.is_empty() => (Count::Fixed(digits.to_owned()), after),
        _ => (Count::None, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(template: &str) -> (Reference, Spec) {
        match parse(template).as_slice() {
            [Segment::Value(reference, spec)] => (reference.clone(), spec.clone()),
            other => panic!("{template}: {other:?}"),
        }
    }

    fn name(text: &str) -> Reference {
        Reference::Name(text.to_owned())
    }

    /// Literals, doubled braces and placeholders come in the order written; `{}` counts on its own.
    #[test]
    fn takes_templates_apart() {
        let plain = || Spec::default();
        let literal = |text: &str| Segment::Literal(text.to_owned());
        assert_eq!(parse("a {{b}} c"), [literal("a {b} c")]);
        assert_eq!(parse(""), []);
        assert_eq!(
            parse("{}{x }, {}{0}"),
            [
                Segment::Value(Reference::Index(0), plain()),
                Segment::Value(name("x"), plain()),
                literal(", "),
                Segment::Value(Reference::Index(1), plain()),
                Segment::Value(Reference::Index(0), plain()),
            ]
        );
    }

    /// Each form gets into the record the way that keeps both its text and its type.
    #[test]
    fn classes() {
        for (template, class) in [
            ("{}", Class::Typed),
            ("{:?}", Class::Typed),
            ("{:>+#08.3}", Class::Typed),
            ("{:}>5}", Class::Typed),
            ("{:e}", Class::Typed),
            ("{:.2e}", Class::Layout),
            ("{:#010x}", Class::Bits),
            ("{:w$}", Class::Layout),
            ("{:0$}", Class::Layout),
            ("{:5.p$}", Class::Layout),
            ("{:.*}", Class::Layout),
            ("{:.}", Class::Text),
            ("{:-5}", Class::Text),
            ("{:p}", Class::Text),
            ("{:02x?}", Class::Text),
            ("{:70000}", Class::Text),
        ] {
            assert_eq!(value(template).1.class(), Some(class), "{template}");
        }
        assert_eq!(value("{:y}").1.class(), None);
    }

    /// A form that is left to the record's reader is one that the reader knows: it would refuse the whole call site.
    #[test]
    fn the_reader_knows_what_is_left_to_it() {
        let mut left = 0;
        for flags in ["", "<", "é^", "}>", " <+#0", "+", "-", "#", "0", ">#", "0+"] {
            for counts in [
                "", "5", "05", "12.3", ".0", ".", "w$", ".p$", ".*", "0$", "65535", "65536", "1.70000",
            ] {
                for kind in ["", "?", "x?", "X?", "x", "X", "o", "b", "e", "E", "p", "y", "5", " "] {
                    let text = format!("{flags}{counts}{kind}");
                    let spec = spec(text.trim_end(), &mut 0);
                    if matches!(spec.class(), Some(Class::Typed | Class::Bits)) {
                        assert!(hydra_record::Spec::parse(&spec.text).is_some(), "{text}");
                        left += 1;
                    }
                }
            }
        }
        assert!(left > 500, "{left}");
    }

    /// A width or precision from an argument is renumbered for the value's own template.
    #[test]
    fn stands_alone() {
        for (template, alone, first) in [
            ("{x:é<+w$.p$?}", "{0:é<+1$.2$?}", Some(name("w"))),
            ("{:.*e}", "{0:.1$e}", Some(Reference::Index(0))),
            ("{:08.3$}", "{0:08.1$}", Some(Reference::Index(3))),
            ("{:0$}", "{0:1$}", Some(Reference::Index(0))),
            ("{:.}", "{0:.}", None),
            ("{:70000 }", "{0:70000}", None),
        ] {
            let (_, spec) = value(template);
            assert_eq!(
                (spec.alone().as_str(), spec.counts().next()),
                (alone, first.as_ref()),
                "{template}"
            );
        }
        assert_eq!(value("{:.*}").0, Reference::Index(1));
    }

    /// What std refuses is taken as text, without a panic.
    #[test]
    fn never_fails() {
        for template in ["{", "}", "{x", "{:", "{:>", "a{b{c}", "{:ü", "}{", "{{{", "{:}"] {
            parse(template);
            assert_eq!(is_well_formed(template), template == "{:}", "{template}");
        }
        for template in ["", "a {{b}} c", "{}{x }{0:>5}", "{{{x}}}"] {
            assert!(is_well_formed(template), "{template}");
        }
    }
}
