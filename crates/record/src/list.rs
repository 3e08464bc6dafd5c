//! Fields that many records carry, encoded once.

use std::fmt;

use crate::encode::{FIELDS_CUT, put_rendered};
use crate::value::{Value, put_str, take_str};

/// The most fields of a list.
pub const LIST_FIELDS_MAX: usize = 256;
/// What is allocated for the first field: enough for most lists, which would grow three times otherwise.
const FIRST_BYTES: usize = 96;

/// Fields with unlike names, in the byte form in which records carry them.
///
/// Putting the list into a record ([`crate::Encoder::context_list`]) is one copy of its bytes. What goes over
/// [`LIST_FIELDS_MAX`] is counted in a field [`FIELDS_CUT`].
///
/// # Examples
/// ```
/// use hydra_record::{FieldList, Value};
/// let mut list = FieldList::new();
/// list.set("tenant", Value::Str("acme"));
/// list.set("attempt", Value::U64(1));
/// list.set("attempt", Value::U64(2));
/// assert_eq!(list.get("attempt"), Some(Value::U64(2)));
/// assert_eq!(list.iter().count(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldList {
    bytes: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
    cut: u64,
}

impl FieldList {
    /// Makes an empty one.
    pub const fn new() -> FieldList {
        FieldList {
            bytes: Vec::new(),
            ends: Vec::new(),
            cut: 0,
        }
    }

    /// Puts a field at the end; one of the same name goes.
    pub fn set(&mut self, name: &str, value: Value<'_>) {
        if self.begin(name) {
            value.put(&mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    /// Likewise, with the text that `text` renders as its value; a panic inside is caught and told in its place.
    pub fn set_rendered(&mut self, name: &str, text: fmt::Arguments<'_>) {
        if self.begin(name) {
            put_rendered(&mut self.bytes, text);
            self.ends.push(self.bytes.len());
        }
    }

    /// Puts all fields of another list behind these; those of the same names go.
    pub fn extend(&mut self, other: &FieldList) {
        if self.is_empty() {
            self.clone_from(other);
            return;
        }
        other.iter().for_each(|(name, value)| self.set(name, value));
    }

    /// Returns the value of that name.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// Iterates over names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || Some((take_str(&mut rest)?, Value::take(&mut rest)?)))
    }

    /// Returns the number of fields.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes room for a field and writes its name; says whether its value may follow.
    fn begin(&mut self, name: &str) -> bool {
        self.remove(name);
        // The last place is for the count of what is left out.
        if self.len() + 1 >= LIST_FIELDS_MAX && name != FIELDS_CUT {
            self.cut += 1;
            self.set(FIELDS_CUT, Value::U64(self.cut));
            return false;
        }
        if self.bytes.capacity() == 0 {
            self.bytes.reserve_exact(FIRST_BYTES);
        }
        put_str(&mut self.bytes, name);
        true
    }

    fn remove(&mut self, name: &str) {
        let Some(index) = self.iter().position(|(known, _)| known == name) else {
            return;
        };
        let end = self.ends.remove(index);
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or(0);
        self.bytes.drain(start..end);
        for later in self.ends.iter_mut().skip(index) {
            *later -= end - start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dictionary, Encoder, Head, LayerNote, Level, Scratch};

    /// The last value of a name is the one kept, the others stay as they are, in order.
    #[test]
    fn names_are_unlike() {
        let mut list = FieldList::new();
        list.set("a", Value::U64(1));
        list.set("b", Value::Str("two"));
        list.set("c", Value::Bool(true));
        list.set("b", Value::Null);
        list.set_rendered("d", format_args!("{:?}", [1]));
        list.set("a", Value::U64(9));
        let fields: Vec<_> = list.iter().collect();
        assert_eq!(
            fields,
            [
                ("c", Value::Bool(true)),
                ("b", Value::Null),
                ("d", Value::Rendered("[1]")),
                ("a", Value::U64(9)),
            ]
        );
        assert_eq!(list.len(), 4);
    }

    /// A record carries the list as its context, and what goes over the limit is counted.
    #[test]
    fn goes_into_a_record_whole() {
        let mut list = FieldList::new();
        for number in 0..LIST_FIELDS_MAX + 5 {
            list.set(&format!("f{number}"), Value::U64(number as u64));
        }
        let head = Head {
            time_ns: 0,
            site: 0,
            thread: 1,
            layer: 1,
            level: Level::Info,
        };
        let (mut notes, mut note, mut bytes) = (Dictionary::new(), Vec::new(), Scratch::new());
        LayerNote::put(1, "API", "API", &mut note);
        notes.learn(&note);
        let mut encoder = Encoder::message(&mut bytes, head, "text", None);
        encoder.field("own", Value::U64(1));
        encoder.context_list(&list);
        encoder.finish();
        let record = notes.decode(&bytes, 1).expect("a record");
        assert_eq!(record.fields().collect::<Vec<_>>(), [("own", Value::U64(1))]);
        let context: Vec<_> = record.context().collect();
        assert_eq!(context.len(), LIST_FIELDS_MAX);
        assert_eq!(context.last(), Some(&(FIELDS_CUT, Value::U64(6))));
    }
}
