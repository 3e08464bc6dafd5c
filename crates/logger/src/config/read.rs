//! The tree becomes the model.

use hydra_record::Level;

use super::choice::Choice;
use super::keys::{DESTINATION, EXTRA, ROOT, Shape, Table};
use super::node::{KeyPath, Node, Value};
use super::options::{DestinationType, FormatKey};
use super::reader::{Fields, Item, Reader, level_named};
use super::secret::Url;
use super::{Kind, LogDestination, LogLayer, LoggingConfig};
use crate::error::Finding;

/// Reads a whole configuration and checks it; else everything that is wrong, by its key, with its place.
///
/// `findings` is what is known to be wrong already.
pub(crate) fn config(tree: &Node, findings: Vec<Finding>) -> Result<LoggingConfig, Vec<Finding>> {
    let mut reader = Reader { findings };
    let mut config = root(&mut reader, tree).completed();
    let mut findings = reader.findings;
    if findings.iter().any(|finding| is_at_or_below(&finding.key, "journal")) {
        // A directory that could not be read is not a missing one.
        config.journal.dir.get_or_insert_default().push("unread");
    }
    let checked = config
        .problems()
        .into_iter()
        .map(|problem| problem.into_finding(Some(tree)));
    let checked: Vec<Finding> = checked
        .filter(|new| !findings.iter().any(|old| explains(old, new)))
        .collect();
    findings.extend(checked);
    match findings.is_empty() {
        true => Ok(config),
        false => Err(findings),
    }
}

/// Whether what the reader found explains what the check found: it could not read the value, or a value around it, or
/// the type of the destination, which was then stood in for.
fn explains(old: &Finding, new: &Finding) -> bool {
    is_at_or_below(&new.key, &old.key) || old.key.strip_suffix(".type").is_some_and(|key| key == new.key)
}

fn is_at_or_below(key: &str, place: &str) -> bool {
    key.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn root(reader: &mut Reader, tree: &Node) -> LoggingConfig {
    let mut config = LoggingConfig::without_layers();
    let Some(fields) = reader.table(tree, &KeyPath::default(), &ROOT, None) else {
        return config;
    };
    let set = &mut config;
    put(&mut set.default_level, reader.level_of(&fields, "default_level"));
    set.date_format = reader.text_of(&fields, "date_format");
    set.time_format = reader.text_of(&fields, "time_format");
    set.logger_name_format = reader.text_of(&fields, "logger_name_format");
    set.message_format = reader.text_of(&fields, "message_format");
    put(
        &mut set.shutdown_timeout,
        reader.seconds_of(&fields, "shutdown_timeout"),
    );
    put(&mut set.on_timeout, reader.choice_of(&fields, "on_timeout"));
    set.emergency_file = reader.text_of(&fields, "emergency_file").map(Into::into);
    if let Some(journal) = part(reader, &fields, "journal") {
        set.journal.dir = reader.text_of(&journal, "dir").map(Into::into);
        put(&mut set.journal.max_size, reader.size_of(&journal, "max_size"));
        set.journal.segment_size = reader.size_of(&journal, "segment_size");
        put(
            &mut set.journal.allow_network,
            reader.switch_of(&journal, "allow_network"),
        );
        put(&mut set.journal.overflow, reader.choice_of(&journal, "overflow"));
    }
    if let Some(guarantees) = part(reader, &fields, "guarantees") {
        set.guarantees.levels.extend(by_level(reader, &guarantees, "levels"));
        for (entry, item) in reader.map(&guarantees, "layers") {
            let guarantee = reader.choice(&item);
            set.guarantees
                .layers
                .extend(guarantee.map(|guarantee| (entry.key.clone(), guarantee)));
        }
    }
    for (entry, item) in reader.map(&fields, "layers") {
        set.layers.insert(entry.key.clone(), layer(reader, &item));
    }
    for (entry, item) in reader.map(&fields, "targets") {
        let layer = reader.text(&item);
        set.targets
            .extend(layer.map(|layer| (entry.key.clone(), layer.text.clone())));
    }
    set.colors.extend(by_level(reader, &fields, "colors"));
    config
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// Opens the table of a key.
fn part<'n>(reader: &mut Reader, fields: &Fields<'n>, name: &'static str) -> Option<Fields<'n>> {
    let item = fields.get(name)?;
    reader.table(item.node, &item.path, table_of(&item)?, None)
}

fn table_of(item: &Item<'_>) -> Option<&'static Table> {
    match &item.key.shape {
        Shape::Table(table) | Shape::Tables(table) | Shape::Map(_, Shape::Table(table)) => Some(table),
        _ => None,
    }
}

fn by_level<C: Choice>(reader: &mut Reader, fields: &Fields<'_>, name: &'static str) -> Vec<(Level, C)> {
    let mut found: Vec<(Level, C)> = Vec::new();
    for (entry, item) in reader.map(fields, name) {
        let choice = reader.choice(&item);
        match level_named(&entry.key) {
            Ok(level) if found.iter().any(|(other, _)| *other == level) => {
                let message = format!("the level {level} is given twice");
                reader.report(&entry.at, &item.path, message, "give it once");
            }
            Ok(level) => found.extend(choice.map(|choice| (level, choice))),
            Err((message, suggestion)) => reader.report(&entry.at, &item.path, message, suggestion),
        }
    }
    found
}

fn layer(reader: &mut Reader, item: &Item<'_>) -> LogLayer {
    let mut layer = LogLayer::default();
    let fields = table_of(item).and_then(|table| reader.table(item.node, &item.path, table, None));
    let Some(fields) = fields else { return layer };
    layer.level = reader.level_of(&fields, "level");
    let held_back = &mut layer.suppression;
    held_back.limit = reader.rate_of(&fields, "limit");
    held_back.site_limit = reader.rate_of(&fields, "site_limit");
    held_back.sample = reader.share_of(&fields, "sample");
    held_back.dedup = reader.span_of(&fields, "dedup");
    put(
        &mut held_back.guaranteed,
        reader.switch_of(&fields, "suppress_guaranteed"),
    );
    let Some(list) = fields.get("destinations") else {
        return layer;
    };
    let Value::List(nodes) = &list.node.value else {
        reader.wrong(&list, "a list of destinations");
        return layer;
    };
    for (index, node) in nodes.iter().enumerate() {
        layer
            .destinations
            .push(destination(reader, node, &list.path.index(index)));
    }
    layer
}

/// Reads a destination; one that cannot be read is stood in for, so that the others keep their places in the list.
fn destination(reader: &mut Reader, node: &Node, path: &KeyPath) -> LogDestination {
    let destination_type = type_of(reader, node, path);
    let mut destination = LogDestination::of_type(destination_type.unwrap_or(DestinationType::Console));
    let Some(fields) = reader.table(node, path, &DESTINATION, destination_type) else {
        return destination;
    };
    let extra = fields.get("extra");
    let extra = extra.and_then(|extra| reader.table(extra.node, &extra.path, &EXTRA, destination_type));
    let set = &mut destination;
    set.level = reader.level_of(&fields, "level");
    put(&mut set.format, reader.choice_of(&fields, "format"));
    put(&mut set.color_mode, reader.choice_of(&fields, "color_mode"));
    set.overflow = reader.choice_of(&fields, "overflow");
    set.guarantee = reader.choice_of(&fields, "guarantee");
    if let Some(fallback) = fields.get("fallback") {
        set.fallback = Some(Box::new(self::destination(reader, fallback.node, &fallback.path)));
    }
    if let Some(place) = either(reader, &fields, extra.as_ref(), "replay") {
        set.replay = reader.switch_of(place, "replay");
    }
    if let Some(place) = either(reader, &fields, extra.as_ref(), "include_extra") {
        set.format_options.include_extra = reader.switch_of(place, "include_extra");
    }
    kind(reader, &fields, extra.as_ref(), &mut set.kind);
    if let Some(extra) = &extra {
        finer(reader, extra, set);
    }
    destination
}

/// Reads the type, on which the other keys depend.
fn type_of(reader: &mut Reader, node: &Node, path: &KeyPath) -> Option<DestinationType> {
    let is_table = matches!(node.value, Value::Map(_));
    match node
        .entry("type")
        .filter(|entry| !matches!(entry.node.value, Value::Null))
    {
        Some(entry) => {
            let key = DESTINATION.key("type")?;
            reader.choice(&Item {
                key,
                node: &entry.node,
                path: path.key("type"),
            })
        }
        None if is_table => {
            let names = DestinationType::NAMES.join(", ");
            reader.report(
                &node.at,
                &path.key("type"),
                "a destination needs a `type`",
                format!("it is one of {names}"),
            );
            None
        }
        None => None,
    }
}

/// Returns the table, of the destination or its `extra`, in which a key stands that may stand in both.
fn either<'f, 'n>(
    reader: &mut Reader,
    fields: &'f Fields<'n>,
    extra: Option<&'f Fields<'n>>,
    name: &'static str,
) -> Option<&'f Fields<'n>> {
    let finer = extra.filter(|extra| extra.get(name).is_some());
    let Some(outer) = fields.get(name) else { return finer };
    if let Some(inner) = finer.and_then(|extra| extra.get(name)) {
        let message = format!("`{name}` is given twice: here and in {}", outer.path);
        reader.report(&inner.node.at, &inner.path, message, "give it once");
    }
    Some(fields)
}

fn kind(reader: &mut Reader, fields: &Fields<'_>, extra: Option<&Fields<'_>>, kind: &mut Kind) {
    match kind {
        Kind::Console(console) => {
            if let Some(place) = either(reader, fields, extra, "stream") {
                put(&mut console.stream, reader.choice_of(place, "stream"));
            }
        }
        Kind::File(file) => {
            put(&mut file.path, reader.text_of(fields, "path").map(Into::into));
            if fields.is_null("max_size") {
                file.max_size = None;
            } else if let Some(size) = reader.size_of(fields, "max_size") {
                file.max_size = Some(size).filter(|size| size.bytes() > 0);
            }
            put(&mut file.backup_count, reader.count_of(fields, "backup_count"));
            if let Some(place) = either(reader, fields, extra, "rotate") {
                put(&mut file.rotate, reader.choice_of(place, "rotate"));
            }
            if let Some(place) = either(reader, fields, extra, "compress") {
                put(&mut file.compress, reader.choice_of(place, "compress"));
            }
            if let Some(extra) = extra {
                put(&mut file.fsync, reader.choice_of(extra, "fsync"));
                put(&mut file.force_sync_io, reader.switch_of(extra, "force_sync_io"));
                encoding(reader, extra);
            }
        }
        Kind::NotBuilt(remote) => {
            remote.url = reader.secret_of(fields, "url").map(Url::from_secret);
            remote.connection_string = reader.secret_of(fields, "connection_string");
            remote.queue_url = reader.secret_of(fields, "queue_url").map(Url::from_secret);
            remote.service_type = reader.choice_of(fields, "service_type");
            for (entry, item) in reader.map(fields, "credentials") {
                let secret = reader.secret(&item);
                remote
                    .credentials
                    .extend(secret.map(|secret| (entry.key.clone(), secret)));
            }
            put(&mut remote.retry_count, reader.count_of(fields, "retry_count"));
            put(&mut remote.retry_delay, reader.seconds_of(fields, "retry_delay"));
            put(&mut remote.timeout, reader.seconds_of(fields, "timeout"));
            put(&mut remote.max_connections, reader.count_of(fields, "max_connections"));
        }
    }
}

/// There is only one encoding; the key is read so that no other is asked for in vain.
fn encoding(reader: &mut Reader, extra: &Fields<'_>) {
    let Some(item) = extra.get("encoding") else { return };
    let Some(text) = reader.text(&item) else { return };
    if !["utf-8", "utf8"]
        .iter()
        .any(|name| text.text.eq_ignore_ascii_case(name))
    {
        let message = format!("unknown encoding `{}`", text.text);
        reader.report(&item.node.at, &item.path, message, "it is always `utf-8`");
    }
}

fn finer(reader: &mut Reader, extra: &Fields<'_>, set: &mut LogDestination) {
    put(&mut set.force_flush, reader.switch_of(extra, "force_flush"));
    set.buffer_size = reader.size_of(extra, "buffer_size");
    let options = &mut set.format_options;
    options.keys.extend(reader.choices_of::<FormatKey>(extra, "keys"));
    put(
        &mut options.escape_backslash,
        reader.switch_of(extra, "escape_backslash"),
    );
    put(&mut options.keep_controls, reader.switch_of(extra, "keep_controls"));
    put(&mut options.multiline, reader.switch_of(extra, "multiline"));
    put(&mut options.escape_newlines, reader.switch_of(extra, "escape_newlines"));
    put(&mut options.guard_formulas, reader.switch_of(extra, "guard_formulas"));
    let facility = reader
        .count_of(extra, "facility")
        .and_then(|number| u8::try_from(number).ok());
    put(&mut options.facility, facility);
    options.app_name = reader.text_of(extra, "app_name");
    put(
        &mut options.structured_data_id,
        reader.text_of(extra, "structured_data_id"),
    );
    put(&mut options.bom, reader.switch_of(extra, "bom"));
    options.host = reader.text_of(extra, "host");
}
