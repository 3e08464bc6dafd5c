//! The layers of a logger: which records pass, and where they are routed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{OnceLock, RwLock};

use hydra_journal::NoteSlot;
use hydra_record::{LayerNote, Level};

use crate::config::{LoggingConfig, Wanted};

/// The most layer names a logger tells apart; a name past that is logged under the layer that takes it.
pub const LAYER_NAMES_MAX: usize = CHUNKS * CHUNK;
/// The layer for records whose layer is not configured.
pub const DEFAULT: &str = "DEFAULT";

const CHUNK: usize = 64;
const CHUNKS: usize = 64;

/// One layer name in use.
#[derive(Debug)]
pub(crate) struct LayerState {
    pub(crate) id: u16,
    pub(crate) name: String,
    /// The configured layer that takes its records.
    pub(crate) route: String,
    /// The least level that any destination of the layer takes.
    pub(crate) gate: u8,
    /// The name is that of a configured layer, or none was asked for; calls with other names are counted.
    pub(crate) is_route: bool,
    /// The layer has no destination: its records are counted and go nowhere.
    pub(crate) is_empty: bool,
    pub(crate) note: NoteSlot,
    wanted: [Wanted; Level::ALL.len()],
}

impl LayerState {
    fn new(id: u16, name: &str, route: &str, config: &LoggingConfig) -> LayerState {
        let layer = config.layers.get(route);
        let destinations = layer.map(|layer| layer.destinations.as_slice()).unwrap_or_default();
        let level = config.level_of(route).unwrap_or(config.default_level);
        let lowest = destinations
            .iter()
            .map(|destination| destination.level.unwrap_or(level))
            .min();
        LayerState {
            id,
            name: name.to_owned(),
            route: route.to_owned(),
            gate: level.max(lowest.unwrap_or(level)).number(),
            is_route: route == name || name == DEFAULT,
            is_empty: destinations.is_empty(),
            note: NoteSlot::new(),
            wanted: Level::ALL.map(|level| config.wanted(route, level)),
        }
    }

    /// Returns what a record of that level is promised.
    #[inline]
    pub(crate) fn wanted(&self, level: Level) -> Wanted {
        let [trace, debug, info, warning, error, critical] = self.wanted;
        match level {
            Level::Trace => trace,
            Level::Debug => debug,
            Level::Info => info,
            Level::Warning => warning,
            Level::Error => error,
            Level::Critical => critical,
        }
    }

    /// Appends the layer's note.
    pub(crate) fn put_note(&self, out: &mut Vec<u8>) {
        LayerNote::put(self.id, &self.name, &self.route, out);
    }
}

/// All layer names a logger has met. A name is found by its number without a lock.
#[derive(Debug)]
pub(crate) struct Layers {
    config: LoggingConfig,
    /// Where names that are not configured go.
    default_route: String,
    chunks: Vec<OnceLock<Vec<OnceLock<LayerState>>>>,
    names: RwLock<HashMap<String, u16>>,
    /// Calls that named a layer the configuration does not have.
    pub(crate) unknown: AtomicU64,
}

impl Layers {
    pub(crate) fn new(config: &LoggingConfig) -> Layers {
        let centralized = crate::config::CENTRALIZED;
        let default_route = if config.layers.contains_key(DEFAULT) {
            DEFAULT
        } else {
            centralized
        };
        let layers = Layers {
            config: config.clone(),
            default_route: default_route.to_owned(),
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            names: RwLock::default(),
            unknown: AtomicU64::new(0),
        };
        for name in std::iter::once(DEFAULT).chain(config.layers.keys().map(String::as_str)) {
            layers.meet(name);
        }
        layers
    }

    /// Returns the layer with that number.
    #[inline]
    pub(crate) fn get(&self, id: u16) -> Option<&LayerState> {
        let id = usize::from(id);
        self.chunks.get(id / CHUNK)?.get()?.get(id % CHUNK)?.get()
    }

    /// Returns the layer of that name, which is met for the first time perhaps.
    pub(crate) fn find(&self, name: &str) -> Option<&LayerState> {
        let known = self
            .names
            .read()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .get(name)
            .copied();
        let found = self.get(match known {
            Some(id) => id,
            None => self.meet(name),
        })?;
        if !found.is_route || found.name != name {
            self.unknown.fetch_add(1, Ordering::Relaxed);
        }
        Some(found)
    }

    #[cold]
    fn meet(&self, name: &str) -> u16 {
        let mut names = self.names.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(id) = names.get(name) {
            return *id;
        }
        let index = names.len();
        // Past the limit a name shares the number of DEFAULT, which is the first one.
        let Some(chunk) = self.chunks.get(index / CHUNK) else {
            return 0;
        };
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        let id = index as u16;
        let route = if self.config.layers.contains_key(name) {
            name
        } else {
            &self.default_route
        };
        if let Some(place) = chunk.get(index % CHUNK) {
            place.get_or_init(|| LayerState::new(id, name, route, &self.config));
        }
        names.insert(name.to_owned(), id);
        id
    }

    /// Returns the least level that any layer takes.
    pub(crate) fn lowest_gate(&self) -> u8 {
        let count = self.names.read().unwrap_or_else(|poisoned| poisoned.into_inner()).len();
        (0..count)
            .filter_map(|id| self.get(id as u16))
            .map(|layer| layer.gate)
            .min()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogDestination, LogLayer};

    fn layers() -> Layers {
        let config = LoggingConfig::builder()
            .layer(
                "API",
                LogLayer::new(Level::Info).destination(LogDestination::console().level(Level::Error)),
            )
            .layer(
                "DEFAULT",
                LogLayer::new(Level::Debug).destination(LogDestination::console()),
            )
            .build();
        Layers::new(&config.expect("a valid configuration"))
    }

    /// A layer's gate is the stricter of its own level and the least strict of its destinations.
    #[test]
    fn the_gate_knows_the_destinations() {
        let layers = layers();
        assert_eq!(layers.find("API").map(|layer| layer.gate), Some(40));
        assert_eq!(layers.find("DEFAULT").map(|layer| layer.gate), Some(10));
        assert_eq!(layers.lowest_gate(), 10);
    }

    /// An unknown layer keeps its name and goes to DEFAULT; past the limit on names it borrows DEFAULT's.
    #[test]
    fn unknown_names_go_to_default() {
        let layers = layers();
        for number in 0..LAYER_NAMES_MAX + 10 {
            let name = format!("L{number}");
            let layer = layers.find(&name).expect("always one");
            assert_eq!(layer.route, "DEFAULT");
            assert!(layer.name == name || (layer.name == "DEFAULT" && number > LAYER_NAMES_MAX - 5));
        }
        assert_eq!(layers.unknown.load(Ordering::Relaxed), LAYER_NAMES_MAX as u64 + 10);
    }
}
