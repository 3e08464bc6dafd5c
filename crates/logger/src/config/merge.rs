//! One configuration laid over another.

use std::collections::BTreeMap;

use super::{CENTRALIZED, LogLayer, LoggingConfig};
use crate::error::Error;

impl LoggingConfig {
    /// Lays `over` on this configuration: layers and other tables merge by name, lists of destinations and single
    /// values are replaced. What `over` leaves at its default does not replace; the layer of the zero configuration,
    /// which a configuration without layers has, is not laid over other layers.
    ///
    /// # Errors
    /// Names everything that is wrong with the result; see [`Error::report`].
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::config::{LogLayer, LoggingConfig};
    /// use hydra_logger::Level;
    /// # fn main() -> Result<(), hydra_logger::error::Error> {
    /// let base = LoggingConfig::builder().layer("A", LogLayer::new(Level::Info)).build()?;
    /// let over = LoggingConfig::builder().default_level(Level::Debug).layer("B", LogLayer::default()).build()?;
    /// let merged = base.merge(over)?;
    /// assert_eq!(merged.level_of("A"), Some(Level::Info));
    /// assert_eq!(merged.level_of("B"), Some(Level::Debug));
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge(self, over: LoggingConfig) -> Result<LoggingConfig, Error> {
        let usual = LoggingConfig::default();
        let layers = layers(self.layers, over.layers, &usual);
        let mut guarantees = self.guarantees;
        guarantees.levels.extend(over.guarantees.levels);
        guarantees.layers.extend(over.guarantees.layers);
        let (mut targets, mut colors, mut journal) = (self.targets, self.colors, self.journal);
        targets.extend(over.targets);
        colors.extend(over.colors);
        journal.dir = over.journal.dir.or(journal.dir);
        journal.segment_size = over.journal.segment_size.or(journal.segment_size);
        journal.max_size = pick(journal.max_size, over.journal.max_size, &usual.journal.max_size);
        journal.allow_network |= over.journal.allow_network;
        journal.overflow = pick(journal.overflow, over.journal.overflow, &usual.journal.overflow);
        let merged = LoggingConfig {
            default_level: pick(self.default_level, over.default_level, &usual.default_level),
            journal,
            guarantees,
            layers,
            targets,
            date_format: over.date_format.or(self.date_format),
            time_format: over.time_format.or(self.time_format),
            logger_name_format: over.logger_name_format.or(self.logger_name_format),
            message_format: over.message_format.or(self.message_format),
            colors,
            shutdown_timeout: pick(self.shutdown_timeout, over.shutdown_timeout, &usual.shutdown_timeout),
            on_timeout: pick(self.on_timeout, over.on_timeout, &usual.on_timeout),
            emergency_file: over.emergency_file.or(self.emergency_file),
        };
        merged.validate()?;
        Ok(merged)
    }
}

fn pick<T: PartialEq>(base: T, over: T, usual: &T) -> T {
    if over == *usual { base } else { over }
}

type Layers = BTreeMap<String, LogLayer>;

fn layers(mut base: Layers, mut over: Layers, usual: &LoggingConfig) -> Layers {
    if over == usual.layers {
        return base;
    }
    if base == usual.layers && !over.contains_key(CENTRALIZED) {
        base.clear();
    }
    for (name, layer) in std::mem::take(&mut over) {
        let merged = base.entry(name).or_default();
        merged.level = layer.level.or(merged.level);
        merged.suppression = layer.suppression.over(std::mem::take(&mut merged.suppression));
        if !layer.destinations.is_empty() {
            merged.destinations = layer.destinations;
        }
    }
    base
}
