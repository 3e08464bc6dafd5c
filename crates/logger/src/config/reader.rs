//! Takes values out of the tree, by the key tables: a value is either of its key's shape or reported, with its place.

use std::str::FromStr;
use std::time::Duration;

use hydra_record::Level;

use super::choice::Choice;
use super::keys::{EXTRA, Key, Shape, Table};
use super::node::{At, Entry, KeyPath, Node, Text, Value};
use super::options::DestinationType;
use super::secret::Secret;
use super::size::{BadSize, ByteSize};
use super::suppression::{BAD_SPAN, BadRate, Rate, parse_span};
use super::{keys, suggest};
use crate::error::Finding;

/// Collects everything that is wrong; reading goes on after each.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) findings: Vec<Finding>,
}

/// The entries of one table of the file.
#[derive(Clone)]
pub(crate) struct Fields<'n> {
    table: &'static Table,
    entries: &'n [Entry],
    pub(crate) path: KeyPath,
}

/// A value that is there, with its key.
pub(crate) struct Item<'n> {
    pub(crate) key: &'static Key,
    pub(crate) node: &'n Node,
    pub(crate) path: KeyPath,
}

impl<'n> Fields<'n> {
    /// Returns the value of a key; nothing and null are the same.
    pub(crate) fn get(&self, name: &'static str) -> Option<Item<'n>> {
        let key = self.table.key(name);
        debug_assert!(key.is_some(), "the table of {} lacks `{name}`", self.table.name);
        let entry = self.entries.iter().find(|entry| entry.key == name)?;
        let there = !matches!(entry.node.value, Value::Null);
        there.then_some(Item {
            key: key?,
            node: &entry.node,
            path: self.path.key(name),
        })
    }

    /// Whether the key is written, if only with null.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.entries
            .iter()
            .any(|entry| entry.key == name && matches!(entry.node.value, Value::Null))
    }
}

impl Reader {
    /// Reports something at a place.
    pub(crate) fn report(
        &mut self,
        at: &At,
        path: &KeyPath,
        message: impl Into<String>,
        suggestion: impl Into<String>,
    ) {
        self.findings.push(at.finding(path, message).suggest(suggestion));
    }

    /// Reports a value that is not what its key wants.
    pub(crate) fn wrong(&mut self, item: &Item<'_>, expected: &str) {
        let message = format!("expected {expected}, found {}", item.node.value.kind());
        let suggestion = format!("for example `{} = {}`", item.key.name, item.key.example);
        self.report(&item.node.at, &item.path, message, suggestion);
    }

    /// Opens a table and reports keys that do not belong there; `on` is the type of the destination, if it is one.
    pub(crate) fn table<'n>(
        &mut self,
        node: &'n Node,
        path: &KeyPath,
        table: &'static Table,
        on: Option<DestinationType>,
    ) -> Option<Fields<'n>> {
        let entries: &[Entry] = match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            other => {
                let keys: Vec<&str> = table.keys.iter().map(|key| key.name).collect();
                let message = format!("expected a table, found {}", other.kind());
                self.report(
                    &node.at,
                    path,
                    message,
                    format!("the keys of {} are {}", table.name, keys.join(", ")),
                );
                return None;
            }
        };
        for entry in entries {
            self.known(entry, path, table, on);
        }
        Some(Fields {
            table,
            entries,
            path: path.clone(),
        })
    }

    /// Reports an entry whose key does not belong into the table.
    fn known(&mut self, entry: &Entry, path: &KeyPath, table: &'static Table, on: Option<DestinationType>) {
        let fits = |key: &Key| on.is_none_or(|on| key.belongs_to(on));
        let here = path.key(&entry.key);
        let name = on.map_or("", DestinationType::name);
        match table.key(&entry.key) {
            Some(key) if fits(key) || matches!(entry.node.value, Value::Null) => return,
            Some(key) => {
                let message = format!("`{}` does not belong to a destination of type `{name}`", key.name);
                self.report(&entry.at, &here, message, keys::where_it_belongs(key.name));
                return;
            }
            None => {}
        }
        let is_finer = std::ptr::eq(table, &raw const keys::DESTINATION) && EXTRA.key(&entry.key).is_some();
        let names = || table.keys.iter().filter(|key| fits(key)).map(|key| key.name);
        let suggestion = match suggest::nearest(&entry.key, names()) {
            _ if is_finer => format!("it belongs into `extra = {{ {} = … }}`", entry.key),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "the keys of {} are {}",
                table.name,
                names().collect::<Vec<_>>().join(", ")
            ),
        };
        self.report(&entry.at, &here, "unknown key", suggestion);
    }

    /// Returns the entries of a free table.
    pub(crate) fn map<'n>(&mut self, fields: &Fields<'n>, name: &'static str) -> Vec<(&'n Entry, Item<'n>)> {
        let Some(item) = fields.get(name) else {
            return Vec::new();
        };
        debug_assert!(matches!(item.key.shape, Shape::Map(..)));
        let Value::Map(entries) = &item.node.value else {
            self.wrong(&item, "a table");
            return Vec::new();
        };
        let with_item = |entry: &'n Entry| {
            let path = item.path.key(&entry.key);
            (
                entry,
                Item {
                    key: item.key,
                    node: &entry.node,
                    path,
                },
            )
        };
        entries.iter().map(with_item).collect()
    }

    /// Reads a text that is not blank.
    pub(crate) fn text<'n>(&mut self, item: &Item<'n>) -> Option<&'n Text> {
        match &item.node.value {
            Value::Text(text) if text.text.trim().is_empty() => {
                let suggestion = format!("for example `{} = {}`", item.key.name, item.key.example);
                self.report(&item.node.at, &item.path, "the text is blank", suggestion);
                None
            }
            Value::Text(text) => Some(text),
            _ => {
                self.wrong(item, "a text");
                None
            }
        }
    }

    /// Reads the text of a key.
    pub(crate) fn text_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<String> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Text));
        self.text(&item).map(|text| text.text.clone())
    }

    /// Reads a secret.
    pub(crate) fn secret(&mut self, item: &Item<'_>) -> Option<Secret> {
        self.text(item)
            .map(|text| Secret::with_template(&text.text, text.template.as_deref()))
    }

    /// Reads the secret of a key.
    pub(crate) fn secret_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<Secret> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Secret));
        self.secret(&item)
    }

    /// Reads a level's name.
    pub(crate) fn level(&mut self, item: &Item<'_>) -> Option<Level> {
        let Value::Text(text) = &item.node.value else {
            self.wrong(item, "a level's name");
            return None;
        };
        let level = level_named(&text.text);
        if let Err((message, suggestion)) = &level {
            self.report(&item.node.at, &item.path, message, suggestion);
        }
        level.ok()
    }

    /// Reads the level of a key.
    pub(crate) fn level_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<Level> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Level));
        self.level(&item)
    }

    /// Reads one of several words.
    pub(crate) fn choice<C: Choice>(&mut self, item: &Item<'_>) -> Option<C> {
        let Value::Text(text) = &item.node.value else {
            self.wrong(item, &format!("one of {}", C::NAMES.join(", ")));
            return None;
        };
        match C::find(&text.text) {
            Ok(choice) => Some(choice),
            Err(error) => {
                self.report(&item.node.at, &item.path, error.message(), error.suggestion());
                None
            }
        }
    }

    /// Reads the word of a key.
    pub(crate) fn choice_of<C: Choice>(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<C> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Choice(names) if names == C::NAMES));
        self.choice(&item)
    }

    /// Reads the list of words of a key.
    pub(crate) fn choices_of<C: Choice>(&mut self, fields: &Fields<'_>, name: &'static str) -> Vec<C> {
        let Some(item) = fields.get(name) else {
            return Vec::new();
        };
        debug_assert!(matches!(item.key.shape, Shape::Choices(names) if names == C::NAMES));
        let Value::List(nodes) = &item.node.value else {
            self.wrong(&item, &format!("a list of some of {}", C::NAMES.join(", ")));
            return Vec::new();
        };
        let items = nodes.iter().enumerate();
        let items = items.map(|(index, node)| Item {
            key: item.key,
            node,
            path: item.path.index(index),
        });
        items.filter_map(|item| self.choice(&item)).collect()
    }

    /// Reads the size of a key; `none` is 0 where a limit may be lifted.
    pub(crate) fn size_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<ByteSize> {
        let item = fields.get(name)?;
        let may_be_none = matches!(item.key.shape, Shape::Limit);
        debug_assert!(may_be_none || matches!(item.key.shape, Shape::Size));
        let text = match &item.node.value {
            Value::Integer(number) => number.to_string(),
            Value::Float(number) => number.to_string(),
            Value::Text(text) if may_be_none && text.text.eq_ignore_ascii_case("none") => {
                return Some(ByteSize::new(0));
            }
            Value::Text(text) => text.text.clone(),
            _ => {
                self.wrong(&item, "a size");
                return None;
            }
        };
        match ByteSize::from_str(&text) {
            Ok(size) => Some(size),
            Err(error) => {
                self.report(&item.node.at, &item.path, error.message(), BadSize::SUGGESTION);
                None
            }
        }
    }

    /// Reads the whole number of a key.
    pub(crate) fn count_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<u32> {
        let item = fields.get(name)?;
        let &Shape::Count { min, max } = &item.key.shape else {
            debug_assert!(false, "`{name}` is no count");
            return None;
        };
        let expected = format!("a whole number from {min} to {max}");
        let number = match &item.node.value {
            Value::Integer(number) => Some(*number),
            Value::Text(text) if text.template.is_some() => text.text.trim().parse().ok(),
            _ => None,
        };
        let within = number
            .and_then(|number| u64::try_from(number).ok())
            .filter(|number| (min..=max).contains(number));
        match (within.and_then(|number| u32::try_from(number).ok()), number) {
            (Some(count), _) => Some(count),
            (None, Some(number)) => {
                let message = format!("{number} is out of bounds");
                self.report(&item.node.at, &item.path, message, format!("write {expected}"));
                None
            }
            (None, None) => {
                self.wrong(&item, &expected);
                None
            }
        }
    }

    /// Reads the seconds of a key.
    pub(crate) fn seconds_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<Duration> {
        let item = fields.get(name)?;
        let &Shape::Seconds { min, max } = &item.key.shape else {
            debug_assert!(false, "`{name}` is no number of seconds");
            return None;
        };
        let seconds = match &item.node.value {
            // Whole seconds within the bounds are far below 2^53, so the conversion is exact; others fail the bounds.
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Text(text) if text.template.is_some() => text.text.trim().parse().ok(),
            _ => None,
        };
        let Some(seconds) = seconds else {
            self.wrong(&item, &format!("a number of seconds from {min} to {max}"));
            return None;
        };
        let duration = Duration::try_from_secs_f64(seconds)
            .ok()
            .filter(|_| (min..=max).contains(&seconds));
        if duration.is_none() {
            let message = format!("{seconds} seconds are out of bounds");
            self.report(
                &item.node.at,
                &item.path,
                message,
                format!("write a number from {min} to {max}"),
            );
        }
        duration
    }

    /// Reads a number from 0 to 1.
    pub(crate) fn share_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<f64> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Share));
        let share = match &item.node.value {
            Value::Integer(number) => Some(*number as f64),
            Value::Float(number) => Some(*number),
            Value::Text(text) if text.template.is_some() => text.text.trim().parse().ok(),
            _ => None,
        };
        if share.is_none() {
            self.wrong(&item, "a number from 0 to 1");
        }
        // Its bounds are checked with the whole.
        share
    }

    /// Reads a number of records in a stretch of time.
    pub(crate) fn rate_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<Rate> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Rate));
        match self.text(&item)?.text.parse() {
            Ok(rate) => Some(rate),
            Err(error) => {
                let error: BadRate = error;
                self.report(&item.node.at, &item.path, error.message(), BadRate::SUGGESTION);
                None
            }
        }
    }

    /// Reads a stretch of time with its unit.
    pub(crate) fn span_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<Duration> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Span));
        let text = &self.text(&item)?.text;
        let span = parse_span(text);
        if span.is_none() {
            let message = format!("`{text}` is no stretch of time");
            self.report(&item.node.at, &item.path, message, BAD_SPAN);
        }
        span
    }

    /// Reads the switch of a key.
    pub(crate) fn switch_of(&mut self, fields: &Fields<'_>, name: &'static str) -> Option<bool> {
        let item = fields.get(name)?;
        debug_assert!(matches!(item.key.shape, Shape::Switch));
        let switch = match &item.node.value {
            Value::Bool(switch) => Some(*switch),
            Value::Text(text) if text.template.is_some() => super::env::switch(&text.text),
            _ => None,
        };
        if switch.is_none() {
            self.wrong(&item, "true or false");
        }
        switch
    }
}

/// Reads a level's name; else what is wrong and what to do.
pub(crate) fn level_named(text: &str) -> Result<Level, (String, String)> {
    Level::from_str(text).map_err(|_| {
        let names = Level::ALL.map(Level::name);
        let list = format!("the levels are {}", names.join(", "));
        let suggestion = match suggest::nearest(text, names) {
            Some(near) => format!("did you mean `{near}`? {list}"),
            None => list,
        };
        (format!("unknown level `{text}`"), suggestion)
    })
}
