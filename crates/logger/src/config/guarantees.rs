//! Which guarantee a record gets: by level, by layer, by destination; the strongest wins.

use std::collections::BTreeMap;

use hydra_journal::FileSystem;
use hydra_record::Level;

use super::{JournalConfig, LoggingConfig};
use crate::guarantee::Guarantee;

/// The guarantees that a configuration asks for.
///
/// # Examples
/// ```
/// use hydra_logger::{Guarantee, Level, LoggingConfig};
///
/// let mut config = LoggingConfig::default();
/// config.guarantees.levels.insert(Level::Warning, Guarantee::Delivered);
/// assert_eq!(config.wanted("API", Level::Error).guarantee, Guarantee::Delivered);
/// assert_eq!(config.wanted("API", Level::Info).guarantee, Guarantee::Queued);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Guarantees {
    /// For this level and above. Levels below the least one named have the default.
    pub levels: BTreeMap<Level, Guarantee>,
    /// For the records of a layer.
    pub layers: BTreeMap<String, Guarantee>,
}

/// What the call that logs a record waits for.
///
/// # Examples
/// ```
/// use hydra_logger::{Guarantee, Level, LoggingConfig};
///
/// let wanted = LoggingConfig::default().wanted("API", Level::Error);
/// assert_eq!((wanted.guarantee, wanted.local_only, wanted.synced), (Guarantee::Delivered, true, false));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The guarantee.
    pub guarantee: Guarantee,
    /// Whether `delivered` means local destinations only: so it is when nobody asked for it.
    pub local_only: bool,
    /// Whether a record to be `delivered` is to be `synced` as well, because another rule says so: each survives what
    /// the other may not.
    pub synced: bool,
}

impl LoggingConfig {
    /// Returns what a call waits for that logs at `level` to the configured layer `layer`.
    ///
    /// The default is `journaled`, and `synced` from ERROR on, with a journal directory; `queued`, and `delivered` to
    /// local destinations from ERROR on, without. Where that directory is in memory (tmpfs), nothing can be synced, and
    /// the default from ERROR on is that of no directory. An entry for a level replaces the default for it and all
    /// above; the entries of the layer and of the destinations that take the record can only make it stronger. Where
    /// one of them, or the default, says `synced` and another `delivered`, the call waits for both.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::config::LoggingConfig;
    /// use hydra_logger::guarantee::Guarantee;
    /// use hydra_logger::Level;
    /// # fn main() -> Result<(), hydra_logger::error::Error> {
    /// let config = LoggingConfig::builder().journal_dir("logs/.journal").build()?;
    /// assert_eq!(config.wanted("API", Level::Info).guarantee, Guarantee::Journaled);
    /// assert_eq!(config.wanted("API", Level::Error).guarantee, Guarantee::Synced);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wanted(&self, layer: &str, level: Level) -> Wanted {
        let by_levels = self.guarantees.levels.range(..=level).map(|(_, guarantee)| *guarantee);
        let has_level = by_levels.clone().next().is_some();
        let by_layer = self.guarantees.layers.get(layer).copied();
        let destinations = self.layers.get(layer).map_or(&[][..], |layer| &layer.destinations);
        let takes = destinations
            .iter()
            .filter(|destination| destination.level.is_none_or(|least| level >= least));
        let by_destination = takes.filter_map(|destination| destination.guarantee);
        let default = self.default_guarantee(level);
        let asked: Vec<Guarantee> = by_levels.chain(by_layer).chain(by_destination).collect();
        let strongest = asked.iter().copied().max();
        match strongest {
            Some(guarantee) if has_level || guarantee >= default => Wanted {
                guarantee,
                local_only: false,
                synced: guarantee == Guarantee::Delivered
                    && (default == Guarantee::Synced || asked.contains(&Guarantee::Synced)),
            },
            _ => Wanted {
                guarantee: default,
                local_only: default == Guarantee::Delivered,
                synced: false,
            },
        }
    }

    fn default_guarantee(&self, level: Level) -> Guarantee {
        match (self.journal.dir.is_some(), level >= Level::Error) {
            (true, false) => Guarantee::Journaled,
            (true, true) if self.journal.is_in_memory() => Guarantee::Delivered,
            (true, true) => Guarantee::Synced,
            (false, false) => Guarantee::Queued,
            (false, true) => Guarantee::Delivered,
        }
    }
}

impl JournalConfig {
    /// Says whether its directory is on a file system that does not outlive a loss of power.
    pub(crate) fn is_in_memory(&self) -> bool {
        let dir = self.dir.as_deref();
        dir.is_some_and(|dir| hydra_journal::file_system_of(dir) == FileSystem::Memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogDestination, LogLayer, LoggingConfigBuilder};

    /// Without a word in the configuration, errors wait for local destinations, everything else for memory.
    #[test]
    fn defaults_follow_the_journal() {
        let memory = LoggingConfig::default();
        assert_eq!(
            memory.wanted("X", Level::Info),
            Wanted {
                guarantee: Guarantee::Queued,
                local_only: false,
                synced: false
            }
        );
        assert_eq!(
            memory.wanted("X", Level::Error),
            Wanted {
                guarantee: Guarantee::Delivered,
                local_only: true,
                synced: false
            }
        );
        let file = LoggingConfig::builder().journal_dir("j").build().unwrap();
        assert_eq!(file.wanted("X", Level::Critical).guarantee, Guarantee::Synced);
    }

    /// Nobody is promised that a journal in memory is synced: not by default, and who asks for it is refused and told
    /// what to do. What survives the process may be asked for.
    #[test]
    fn nothing_is_synced_in_memory() {
        let dir = "/dev/shm/hydra/journal";
        if hydra_journal::file_system_of(dir.as_ref()) != FileSystem::Memory {
            return;
        }
        let build = |guarantee| {
            let config = LoggingConfig::builder().journal_dir(dir);
            config.guarantee(Level::Error, guarantee).build()
        };
        assert!(build(Guarantee::Journaled).is_ok());
        let error = build(Guarantee::Synced).unwrap_err().to_string();
        assert!(
            error.contains("guarantees.levels.ERROR") && error.contains("journal.dir"),
            "{error}"
        );
        let config = LoggingConfig::builder().journal_dir(dir).build().unwrap();
        let wanted = config.wanted("X", Level::Critical);
        assert_eq!((wanted.guarantee, wanted.local_only), (Guarantee::Delivered, true));
        assert_eq!(config.wanted("X", Level::Info).guarantee, Guarantee::Journaled);
    }

    /// `delivered` takes nothing away from `synced`: a record that one rule wants on the device and another at its
    /// destinations gets both.
    #[test]
    fn delivered_does_not_weaken_synced() {
        let wanted = |build: fn(LoggingConfigBuilder) -> LoggingConfigBuilder, level| {
            let config = LoggingConfig::builder().journal_dir("j");
            let wanted = build(config).build().unwrap().wanted("A", level);
            (wanted.guarantee, wanted.synced)
        };
        let both = (Guarantee::Delivered, true);
        let by_level = |config: LoggingConfigBuilder| config.guarantee(Level::Info, Guarantee::Delivered);
        assert_eq!(wanted(by_level, Level::Error), both);
        assert_eq!(wanted(by_level, Level::Info), (Guarantee::Delivered, false));
        let by_layer = |config: LoggingConfigBuilder| config.layer_guarantee("A", Guarantee::Delivered);
        assert_eq!(wanted(by_layer, Level::Error), both);
        let entries = |config: LoggingConfigBuilder| {
            config
                .guarantee(Level::Info, Guarantee::Synced)
                .layer_guarantee("A", Guarantee::Delivered)
        };
        assert_eq!(wanted(entries, Level::Warning), both);
        assert_eq!(wanted(entries, Level::Debug), (Guarantee::Delivered, false));
    }

    /// A level entry replaces the default; layers and destinations strengthen, never weaken.
    #[test]
    fn the_stronger_one_wins() {
        let config = LoggingConfig::builder()
            .journal_dir("j")
            .guarantee(Level::Warning, Guarantee::Queued)
            .layer_guarantee("AUDIT", Guarantee::Delivered)
            .layer_guarantee("CHATTY", Guarantee::Queued)
            .layer(
                "API",
                LogLayer::new(Level::Info).destination(
                    LogDestination::console()
                        .level(Level::Error)
                        .guarantee(Guarantee::Synced),
                ),
            )
            .build()
            .unwrap();
        let wanted = |layer, level| config.wanted(layer, level).guarantee;
        assert_eq!(wanted("X", Level::Info), Guarantee::Journaled);
        assert_eq!(wanted("X", Level::Error), Guarantee::Queued);
        assert_eq!(wanted("AUDIT", Level::Debug), Guarantee::Delivered);
        assert_eq!(wanted("CHATTY", Level::Info), Guarantee::Journaled);
        assert_eq!(wanted("API", Level::Warning), Guarantee::Queued);
        assert_eq!(wanted("API", Level::Error), Guarantee::Synced);
    }
}
