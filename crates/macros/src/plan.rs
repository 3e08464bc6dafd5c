//! Which values a record takes from its call, in which form, and under which names.

use crate::template::{Class, Reference, Segment, Spec};

/// How a value is put into the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form<'t> {
    /// Typed, or as its `Display` shows it.
    Display,
    /// Typed, or as its `Debug` shows it.
    Debug,
    /// Typed, or as text in that form.
    With(&'t Spec),
    /// The bits of a number, or text in that form.
    Bits(&'t Spec),
    /// As text in that form; the arguments give its width and precision.
    Text(&'t Spec),
    /// A field that the message does not name.
    Field(FieldForm),
}

/// What the call asks for a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldForm {
    /// `name = value`: typed, else as `Display`, else as `Debug` shows it.
    Best,
    /// `name = %value`: as `Display` shows it.
    Display,
    /// `name = ?value`: as `Debug` shows it.
    Debug,
}

/// A field behind the semicolon.
#[derive(Clone, Debug)]
pub(crate) struct FieldNote {
    pub(crate) name: String,
    pub(crate) form: FieldForm,
}

/// A value that the record takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry<'t> {
    /// Name of the field; empty for a further form of a value that is a field already.
    pub(crate) name: String,
    /// Number of the value: first the arguments, then the fields, then the captured variables.
    pub(crate) value: usize,
    pub(crate) form: Form<'t>,
    /// Numbers of the values that give width and precision.
    pub(crate) counts: Vec<usize>,
}

/// A piece of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'t> {
    Literal(&'t str),
    /// The entry with that number, in that form.
    Entry(usize, &'t str),
}

/// Two fields of one name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Duplicate {
    pub(crate) name: String,
    /// Number of the second one, among the fields behind the semicolon.
    pub(crate) field: usize,
}

/// What the record takes.
#[derive(Debug, Default)]
pub(crate) struct Plan<'t> {
    /// Variables that the template names and no argument does.
    pub(crate) captures: Vec<String>,
    pub(crate) entries: Vec<Entry<'t>>,
    pub(crate) pieces: Vec<Piece<'t>>,
}

impl<'t> Plan<'t> {
    /// Plans for a template, the names of the arguments behind it (`None`: by place) and the fields behind those.
    pub(crate) fn make(
        segments: &'t [Segment],
        arguments: &[Option<String>],
        fields: &[FieldNote],
    ) -> Result<Plan<'t>, Duplicate> {
        let mut plan = Plan::default();
        let names = Names {
            arguments,
            fields: fields.len(),
        };
        for segment in segments {
            match segment {
                Segment::Literal(text) => plan.pieces.push(Piece::Literal(text)),
                Segment::Value(reference, spec) => plan.place(&names, reference, spec),
            }
        }
        plan.keep_counts(&names, segments);
        for (number, field) in fields.iter().enumerate() {
            if plan.entries.iter().any(|entry| entry.name == field.name) {
                return Err(Duplicate {
                    name: field.name.clone(),
                    field: number,
                });
            }
            plan.entries.push(Entry {
                name: field.name.clone(),
                value: arguments.len() + number,
                form: Form::Field(field.form),
                counts: Vec::new(),
            });
        }
        Ok(plan)
    }

    /// Adds a placeholder's piece, and the entries it needs.
    fn place(&mut self, names: &Names<'_>, reference: &Reference, spec: &'t Spec) {
        // An argument that is not there and an unknown form are errors of std's.
        let value = names.find(reference, &mut self.captures);
        let (Some(value), Some(class)) = (value, spec.class()) else {
            return;
        };
        let (form, text) = match (class, spec.text.as_str()) {
            (Class::Typed, "") => (Form::Display, ""),
            (Class::Typed, "?") => (Form::Debug, "?"),
            (Class::Typed, text) => (Form::With(spec), text),
            (Class::Bits, text) => (Form::Bits(spec), text),
            (Class::Layout | Class::Text, _) => (Form::Text(spec), ""),
        };
        let counts: Vec<_> = spec
            .counts()
            .filter_map(|count| names.find(count, &mut self.captures))
            .collect();
        // The field keeps the number, whatever the message makes of it: a negative one's bits are another number.
        if matches!(class, Class::Bits | Class::Layout) && !self.has(value) {
            let counts = counts.clone();
            self.entry(
                names,
                Entry {
                    name: String::new(),
                    value,
                    form: Form::With(spec),
                    counts,
                },
            );
        }
        let entry = self.entry(
            names,
            Entry {
                name: String::new(),
                value,
                form,
                counts,
            },
        );
        self.pieces.push(Piece::Entry(entry, text));
    }

    /// Keeps an argument as a field that is only a width or a precision. A variable so used is no field.
    fn keep_counts(&mut self, names: &Names<'_>, segments: &'t [Segment]) {
        for segment in segments {
            let Segment::Value(_, spec) = segment else { continue };
            for count in spec.counts() {
                let value = names.find(count, &mut self.captures);
                if let Some(value) = value.filter(|&value| value < names.arguments.len() && !self.has(value)) {
                    let form = Form::Display;
                    self.entry(
                        names,
                        Entry {
                            name: String::new(),
                            value,
                            form,
                            counts: Vec::new(),
                        },
                    );
                }
            }
        }
    }

    fn has(&self, value: usize) -> bool {
        self.entries.iter().any(|entry| entry.value == value)
    }

    /// Returns the number of the entry, which is added if there is none like it; the first of a value gets its name.
    fn entry(&mut self, names: &Names<'_>, mut entry: Entry<'t>) -> usize {
        let same = |old: &Entry<'_>| (old.value, old.form, &old.counts) == (entry.value, entry.form, &entry.counts);
        if let Some(at) = self.entries.iter().position(same) {
            return at;
        }
        if !self.has(entry.value) {
            entry.name = names.name_of(entry.value, &self.captures);
        }
        self.entries.push(entry);
        self.entries.len() - 1
    }
}

/// Numbers the values of a call.
struct Names<'c> {
    arguments: &'c [Option<String>],
    fields: usize,
}

impl Names<'_> {
    /// Returns the value's number; a name that no argument has is a variable, which is captured now.
    fn find(&self, reference: &Reference, captures: &mut Vec<String>) -> Option<usize> {
        let name = match reference {
            Reference::Index(index) => return Some(*index).filter(|&index| index < self.arguments.len()),
            Reference::Name(name) => name,
        };
        let is = |other: &Option<String>| other.as_ref() == Some(name);
        if let Some(index) = self.arguments.iter().position(is) {
            return Some(index);
        }
        if !is_variable(name) {
            return None;
        }
        let captured = captures.iter().position(|other| other == name).unwrap_or_else(|| {
            captures.push(name.clone());
            captures.len() - 1
        });
        Some(self.arguments.len() + self.fields + captured)
    }

    fn name_of(&self, value: usize, captures: &[String]) -> String {
        match self.arguments.get(value) {
            Some(Some(name)) => name.clone(),
            Some(None) => value.to_string(),
            None => captures
                .get(value - self.arguments.len() - self.fields)
                .cloned()
                .unwrap_or_default(),
        }
    }
}

/// Whether a variable may have that name; std refuses all else.
fn is_variable(name: &str) -> bool {
    name != "_"
        && !name.starts_with(|letter: char| letter.is_numeric())
        && name.chars().all(|letter| letter == '_' || letter.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::parse;

    type Shown = (Vec<String>, Vec<(usize, String)>);

    /// Shows the names of the entries, and the entries and forms that the message uses.
    fn shown(template: &str, arguments: &[Option<&str>]) -> Shown {
        let segments = parse(template);
        let arguments: Vec<_> = arguments.iter().map(|name| name.map(str::to_owned)).collect();
        let plan = Plan::make(&segments, &arguments, &[]).expect("no duplicates");
        let pieces = plan.pieces.iter().filter_map(|piece| match piece {
            Piece::Entry(entry, text) => Some((*entry, (*text).to_owned())),
            Piece::Literal(_) => None,
        });
        let names = plan.entries.iter().map(|entry| entry.name.clone());
        (names.collect(), pieces.collect())
    }

    fn expected(names: &[&str], pieces: &[(usize, &str)]) -> Shown {
        (
            names.iter().map(|&name| name.to_owned()).collect(),
            pieces.iter().map(|&(entry, text)| (entry, text.to_owned())).collect(),
        )
    }

    /// Every value is a field once, under its name, in the order of first use.
    #[test]
    fn one_field_for_each_value() {
        assert_eq!(
            shown("{id} {} {captured} {id}", &[None, Some("id")]),
            expected(&["id", "0", "captured"], &[(0, ""), (1, ""), (2, ""), (0, "")])
        );
        assert_eq!(
            shown("{x} {x:?} {x:.2} {x:?}", &[]),
            expected(&["x", "", ""], &[(0, ""), (1, "?"), (2, ".2"), (1, "?")])
        );
    }

    /// Where the message shows bits, or a width from elsewhere, the field is a value of its own.
    #[test]
    fn fields_keep_their_type() {
        assert_eq!(
            shown("{x:#x} {x:x} {x}", &[]),
            expected(&["x", "", "", ""], &[(1, "#x"), (2, "x"), (3, "")])
        );
        assert_eq!(shown("{x:w$}", &[]), expected(&["x", ""], &[(1, "")]));
        assert_eq!(shown("{:.*}", &[None, None]), expected(&["1", "", "0"], &[(1, "")]));
        assert_eq!(shown("{p:p}", &[]), expected(&["p"], &[(0, "")]));
    }

    /// What std refuses leaves nothing behind that could fail later.
    #[test]
    fn leaves_errors_to_std() {
        assert_eq!(shown("{5} {a.b} {_} {a-b}", &[]), expected(&[], &[]));
    }

    /// A field that has the name of an argument, of a variable or of another field is refused by name.
    #[test]
    fn refuses_duplicates() {
        let fields = ["a", "x", "a"].map(|name| FieldNote {
            name: name.to_owned(),
            form: FieldForm::Best,
        });
        let refused = |template: &str| Plan::make(&parse(template), &[], &fields).expect_err("a duplicate");
        assert_eq!(
            refused(""),
            Duplicate {
                name: "a".to_owned(),
                field: 2
            }
        );
        assert_eq!(
            refused("{x}"),
            Duplicate {
                name: "x".to_owned(),
                field: 1
            }
        );
    }
}
