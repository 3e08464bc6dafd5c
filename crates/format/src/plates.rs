//! What a format makes once of a layer and of a call site, and prints from for each of their records.
//!
//! A [`Front`] is a layer's text on a level; a [`Plate`] is a call site's text, with places for its arguments. Both
//! are made from notes, and hold on to them: while the note of a record has the same address it is the same note. They
//! spare work and change nothing: what has no plate is written piece by piece, to the same bytes.

use std::sync::Arc;

use hydra_record::arguments::ARGUMENTS_MAX;
use hydra_record::{Argument, Arguments, LayerNote, Level, Origin, Piece as Part, Record, SiteNote};

use crate::escape::{Escaped, Rule};
use crate::format::of_level_mut;
use crate::pen::{EMPTY_PAGE, Page, Pen, Prepared};

/// Where there are more layers or call sites than this, some have to share a place.
const FRONTS_MAX: usize = 4096;
const PLATES_MAX: usize = 8192;

/// What can be told beforehand of a format's text.
pub(crate) trait Layout {
    /// Whether the context stands apart from the other fields: then it does not matter to their names.
    const CONTEXT_APART: bool;

    /// Tells this format, with its options, from all others.
    fn identity(&self) -> &Identity;

    /// Returns what stands before and after the time, or before the message and before the fields.
    fn front(&self, layer: &LayerNote, origin: &Origin, level: Level) -> [Vec<u8>; 2];

    /// Writes a part of the message that is no argument.
    fn put_literal(&self, text: &str, out: &mut Vec<u8>);

    /// Writes what stands before a field's value.
    fn put_key(&self, name: &str, is_first: bool, out: &mut Vec<u8>);

    /// Writes what stands after the last field.
    fn put_end(&self, out: &mut Vec<u8>);

    /// Writes a field's value.
    fn put_field(argument: &Argument, values: &[u8], pen: &mut Pen<'_>);
}

/// A thing of which there are no two alike, save for copies.
#[derive(Clone, Debug)]
pub(crate) struct Identity(Arc<()>);

impl Identity {
    pub(crate) fn new() -> Identity {
        Identity(Arc::new(()))
    }

    #[inline]
    fn is(&self, other: &Identity) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// All that a format writes with, and has made beforehand. One for each thread that formats.
#[derive(Clone, Debug)]
pub(crate) struct Press {
    page: Page,
    arguments: Arguments,
    plates: Plates,
}

/// What is at hand for one record.
pub(crate) struct Setting<'s> {
    /// The layer's text on the record's level.
    pub(crate) front: &'s [Prepared; 2],
    pub(crate) page: &'s mut Page,
    pub(crate) text: Text<'s>,
}

/// A record's own text.
pub(crate) struct Text<'s> {
    plate: Option<&'s Plate>,
    arguments: &'s Arguments,
    has_fields: bool,
}

impl Press {
    pub(crate) fn new() -> Press {
        Press {
            page: EMPTY_PAGE,
            arguments: Arguments::new(),
            plates: Plates::default(),
        }
    }

    /// Makes ready for a record.
    #[inline(always)]
    pub(crate) fn set<'s, L: Layout>(&'s mut self, layout: &L, record: &Record<'_>, with_fields: bool) -> Setting<'s> {
        let Press {
            page,
            arguments,
            plates,
        } = self;
        let (front, plate) = plates.find(layout, record);
        let apart = !record.has_own_names() && (L::CONTEXT_APART || !record.has_context());
        let text = match plate {
            Some(plate) => {
                let has_fields = with_fields && apart && plate.has_fields && record.arguments() == plate.arguments;
                let count = if has_fields { plate.in_all } else { plate.in_message };
                let is_read = arguments.read(record.values(), count);
                Text {
                    plate: is_read.then_some(plate),
                    arguments,
                    has_fields: has_fields && is_read,
                }
            }
            None => Text {
                plate: None,
                arguments,
                has_fields: false,
            },
        };
        Setting {
            front: &front.text,
            page,
            text,
        }
    }
}

impl Text<'_> {
    /// Says whether [`Text::put_fields`] writes all fields that there are.
    #[inline(always)]
    pub(crate) fn has_fields(&self) -> bool {
        self.has_fields
    }

    /// Says whether there is any field that it writes.
    #[inline(always)]
    pub(crate) fn has_any_field(&self) -> bool {
        self.plate.is_some_and(|plate| !plate.fields.is_empty())
    }

    /// Writes the message.
    #[inline(always)]
    pub(crate) fn put_message<R: Rule>(&self, record: &Record<'_>, pen: &mut Pen<'_>) {
        match self.plate {
            Some(plate) => plate.put_message::<R>(self.arguments, record, pen),
            None => record.write_message(&mut Escaped::<R>::new(pen.vec())),
        }
    }

    /// Writes the fields with what stands before and after them; nothing if there are none.
    #[inline(always)]
    pub(crate) fn put_fields<L: Layout>(&self, record: &Record<'_>, pen: &mut Pen<'_>) {
        if let Some(plate) = self.plate {
            plate.put_fields::<L>(self.arguments, record, pen);
        }
    }

    /// Says whether the message is known to be one line that is not blank.
    #[inline(always)]
    pub(crate) fn is_line(&self) -> bool {
        self.plate.is_some_and(|plate| plate.is_line) && self.arguments.are_plain()
    }
}

/// A layer's text on a level.
#[derive(Clone, Debug)]
struct Front {
    layer: Arc<LayerNote>,
    origin: Arc<Origin>,
    text: [Prepared; 2],
}

impl Front {
    fn new<L: Layout>(layout: &L, record: &Record<'_>) -> Front {
        let (layer, origin) = (record.layer_note(), record.origin());
        let text = layout.front(layer, origin, record.level);
        Front {
            layer: Arc::clone(layer),
            origin: Arc::clone(origin),
            text: text.map(|text| Prepared::new(&text)),
        }
    }
}

/// A call site's text.
#[derive(Clone, Debug)]
struct Plate {
    note: Arc<SiteNote>,
    message: Vec<Step>,
    message_end: Prepared,
    fields: Vec<Step>,
    fields_end: Prepared,
    /// How many arguments have names.
    arguments: usize,
    /// How many the message needs, and how many message and fields.
    in_message: usize,
    in_all: usize,
    has_fields: bool,
    /// The message has text of its own and no line break in it.
    is_line: bool,
}

/// An argument, and what stands before it.
#[derive(Clone, Debug)]
struct Step {
    before: Prepared,
    argument: usize,
    /// The part of the template that says in which form it is shown, if that is not the plain one.
    part: Option<usize>,
}

impl Plate {
    fn new<L: Layout>(layout: &L, note: &Arc<SiteNote>) -> Plate {
        let arguments = note.names.len();
        let mut plate = Plate {
            note: Arc::clone(note),
            message: Vec::new(),
            message_end: Prepared::default(),
            fields: Vec::new(),
            fields_end: Prepared::default(),
            arguments,
            in_message: 0,
            in_all: 0,
            has_fields: note.simple_names && arguments <= ARGUMENTS_MAX,
            is_line: false,
        };
        plate.add_message(layout);
        plate.in_all = arguments.max(plate.in_message);
        let mut key = Vec::new();
        for (argument, name) in note.names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
            key.clear();
            layout.put_key(name, plate.fields.is_empty(), &mut key);
            let before = Prepared::new(&key);
            plate.fields.push(Step {
                before,
                argument,
                part: None,
            });
        }
        key.clear();
        layout.put_end(&mut key);
        plate.fields_end = Prepared::new(&key);
        plate
    }

    fn add_message<L: Layout>(&mut self, layout: &L) {
        let note = Arc::clone(&self.note);
        let (mut literal, mut is_blank, mut has_break) = (Vec::new(), true, false);
        for (index, part) in note.pieces.iter().enumerate() {
            let (argument, part) = match part {
                Part::Bare(text) | Part::Literal(text) => {
                    layout.put_literal(text, &mut literal);
                    is_blank &= text.chars().all(char::is_whitespace);
                    has_break |= text.contains(['\n', '\r']);
                    continue;
                }
                Part::Plain(argument) => (usize::from(*argument), None),
                Part::Argument(argument, _) => (usize::from(*argument), Some(index)),
            };
            let before = Prepared::new(&literal);
            literal.clear();
            self.in_message = self.in_message.max(argument + 1);
            self.message.push(Step { before, argument, part });
        }
        self.message_end = Prepared::new(&literal);
        self.is_line = !is_blank && !has_break;
    }

    #[inline(always)]
    fn put_message<R: Rule>(&self, arguments: &Arguments, record: &Record<'_>, pen: &mut Pen<'_>) {
        for step in &self.message {
            pen.prepared(&step.before);
            let Some(argument) = arguments.of(step.argument) else {
                continue;
            };
            if argument.is_short() && step.part.is_none() {
                pen.block(argument.place(), argument.len());
            } else {
                self.put_uncommon::<R>(step, argument, record.values(), pen.vec());
            }
        }
        pen.prepared(&self.message_end);
    }

    #[inline(never)]
    fn put_uncommon<R: Rule>(&self, step: &Step, argument: &Argument, values: &[u8], out: &mut Vec<u8>) {
        let part = step.part.and_then(|part| self.note.pieces.get(part));
        let mut out = Escaped::<R>::new(out);
        match part {
            Some(Part::Argument(_, spec)) => {
                if let Some(value) = argument.value(values) {
                    spec.write(value, &mut out);
                }
            }
            _ => {
                if let Some(value) = argument.stored(values) {
                    value.write_text(&mut out);
                }
            }
        }
    }

    #[inline(always)]
    fn put_fields<L: Layout>(&self, arguments: &Arguments, record: &Record<'_>, pen: &mut Pen<'_>) {
        if self.fields.is_empty() {
            return;
        }
        for step in &self.fields {
            pen.prepared(&step.before);
            if let Some(argument) = arguments.of(step.argument) {
                L::put_field(argument, record.values(), pen);
            }
        }
        pen.prepared(&self.fields_end);
    }
}

/// The fronts and plates of one format.
#[derive(Clone, Debug, Default)]
struct Plates {
    owner: Option<Identity>,
    /// For each level.
    fronts: [Vec<Option<Box<Front>>>; Level::ALL.len()],
    plates: Vec<Option<Box<Plate>>>,
}

impl Plates {
    #[inline(always)]
    fn find<L: Layout>(&mut self, layout: &L, record: &Record<'_>) -> (&Front, Option<&Plate>) {
        if !self.owner.as_ref().is_some_and(|owner| owner.is(layout.identity())) {
            *self = Plates {
                owner: Some(layout.identity().clone()),
                ..Plates::default()
            };
        }
        let layer = record.layer_note();
        let fronts = of_level_mut(&mut self.fronts, record.level);
        let front = place(fronts, usize::from(layer.id) % FRONTS_MAX);
        let is_of = |front: &Front| Arc::ptr_eq(&front.layer, layer) && Arc::ptr_eq(&front.origin, record.origin());
        if !front.as_deref().is_some_and(is_of) {
            *front = None;
        }
        let front = front.get_or_insert_with(|| new_front(layout, record));
        let plate = record.site_note().map(|note| {
            let plate = place(&mut self.plates, note.id as usize % PLATES_MAX);
            if !plate.as_ref().is_some_and(|plate| Arc::ptr_eq(&plate.note, note)) {
                *plate = None;
            }
            &**plate.get_or_insert_with(|| new_plate(layout, note))
        });
        (front, plate)
    }
}

#[cold]
#[inline(never)]
fn new_front<L: Layout>(layout: &L, record: &Record<'_>) -> Box<Front> {
    Box::new(Front::new(layout, record))
}

#[cold]
#[inline(never)]
fn new_plate<L: Layout>(layout: &L, note: &Arc<SiteNote>) -> Box<Plate> {
    Box::new(Plate::new(layout, note))
}

/// Returns the place in a list, which is made long enough.
#[inline(always)]
fn place<T>(list: &mut Vec<Option<T>>, index: usize) -> &mut Option<T> {
    if list.len() <= index {
        list.resize_with(index + 1, || None);
    }
    list.get_mut(index).expect("the list was made long enough")
}
