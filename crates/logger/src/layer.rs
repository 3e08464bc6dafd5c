//! The layers of a logger: which records pass, and where they are routed.
//!
//! A layer name with all that is configured for it is a [`LayerState`]. It has a number, which its records carry, and a
//! note in the journal that says who takes them. It never changes: when another configuration means something else by
//! the name, a new state with a new number takes its place, and the old one is *moved*. Nothing that anybody holds on
//! to becomes invalid; who finds a moved state looks the name up again.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError};

use hydra_journal::NoteSlot;
use hydra_os::atomic::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use hydra_record::{LayerNote, Level, Taker};

use crate::config::{CENTRALIZED, LoggingConfig, Suppression, Wanted};
use crate::error::{Error, ErrorKind};
use crate::suppress::Suppressor;

/// The most layer names a logger tells apart; a name past that is logged under the layer that takes it.
pub const LAYER_NAMES_MAX: usize = 4096;
/// The layer for records whose layer is not configured.
pub const DEFAULT: &str = "DEFAULT";

/// The most states, of all configurations a logger has had: a record has two bytes for the number.
const STATES_MAX: usize = CHUNKS * CHUNK;
/// The most states up to which names that are not configured get one of their own.
const STATES_FOR_ANY_NAME: usize = STATES_MAX / 2;
const CHUNK: usize = 64;
const CHUNKS: usize = 1024;

const _: () = assert!(STATES_MAX == 1 << 16);

/// One layer name in use.
#[derive(Debug)]
pub(crate) struct LayerState {
    pub(crate) id: u16,
    pub(crate) meaning: Meaning,
    pub(crate) note: NoteSlot,
    /// What stands before the layer, if anything does.
    pub(crate) suppressor: Option<Arc<Suppressor>>,
    /// Its records go to the journal without ado: it has destinations, and nothing stands before it.
    is_plain: bool,
    /// Another state has taken the name over.
    moved: AtomicBool,
}

/// What a configuration means by a layer name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) name: String,
    /// The configured layer that takes its records.
    pub(crate) route: String,
    /// The least level that any destination of the layer takes.
    pub(crate) gate: u8,
    /// The name is that of a configured layer, or none was asked for; calls with other names are counted.
    pub(crate) is_route: bool,
    /// The destinations; without any the records are counted and go nowhere.
    pub(crate) takers: Vec<Taker>,
    wanted: [Wanted; Level::ALL.len()],
    suppression: Suppression,
}

impl Meaning {
    fn new(name: &str, route: &str, config: &LoggingConfig, takers: &Takers) -> Meaning {
        let layer = config.layers.get(route);
        let destinations = layer.map(|layer| layer.destinations.as_slice()).unwrap_or_default();
        let level = config.level_of(route).unwrap_or(config.default_level);
        let lowest = destinations
            .iter()
            .map(|destination| destination.level.unwrap_or(level))
            .min();
        Meaning {
            name: name.to_owned(),
            route: route.to_owned(),
            gate: level.max(lowest.unwrap_or(level)).number(),
            is_route: route == name || name == DEFAULT,
            takers: takers.get(route).cloned().unwrap_or_default(),
            wanted: Level::ALL.map(|level| config.wanted(route, level)),
            suppression: layer.map(|layer| layer.suppression.clone()).unwrap_or_default(),
        }
    }
}

impl LayerState {
    /// Returns what a record of that level is promised.
    #[inline]
    pub(crate) fn wanted(&self, level: Level) -> Wanted {
        let [.., last] = self.meaning.wanted;
        // Of the numbers 5, 10, 20 to 50. A match would be a jump that is hard to foresee.
        let index = usize::from(level.number() / 10);
        self.meaning.wanted.get(index).copied().unwrap_or(last)
    }

    /// Says whether any destination takes records of that level.
    #[inline]
    pub(crate) fn takes(&self, level: Level) -> bool {
        level.number() >= self.meaning.gate
    }

    /// Says whether its records go to the journal without ado.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// Says whether the layer has no destination.
    pub(crate) fn is_empty(&self) -> bool {
        self.meaning.takers.is_empty()
    }

    /// Says whether the name means something else now.
    #[inline]
    pub(crate) fn is_moved(&self) -> bool {
        // Nothing is published through it: a call that sees it late is a call made a moment earlier, and the journal
        // refuses its record if that moment is over.
        self.moved.load(Ordering::Relaxed)
    }

    /// Returns the keys of the destinations that take a record of that level.
    pub(crate) fn takers(&self, level: Level) -> impl Iterator<Item = u64> {
        let takes = move |taker: &&Taker| level.number() >= taker.level;
        self.meaning.takers.iter().filter(takes).map(|taker| taker.key)
    }

    /// Appends the layer's note.
    pub(crate) fn put_note(&self, out: &mut Vec<u8>) {
        let Meaning {
            name, route, takers, ..
        } = &self.meaning;
        LayerNote::put_with_takers(self.id, name, route, takers, out);
    }
}

/// The destinations of each configured layer.
pub(crate) type Takers = HashMap<String, Vec<Taker>>;

/// All layer names a logger has met. A state is found by its number without a lock.
#[derive(Debug)]
pub(crate) struct Layers {
    chunks: Vec<OnceLock<Vec<OnceLock<LayerState>>>>,
    book: RwLock<Book>,
    /// Calls that named a layer the configuration does not have.
    pub(crate) unknown: AtomicU64,
}

/// What the names mean now.
#[derive(Debug)]
struct Book {
    config: Arc<LoggingConfig>,
    takers: Takers,
    names: HashMap<String, u16>,
    /// How many states there have been.
    states: usize,
    /// What stands before layers, also before those of earlier configurations: their states are there for good, and
    /// late calls may still come.
    suppressors: Vec<Arc<Suppressor>>,
}

impl Layers {
    pub(crate) fn new(config: Arc<LoggingConfig>, takers: Takers) -> Layers {
        let layers = Layers {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
            book: RwLock::new(Book {
                config,
                takers,
                names: HashMap::new(),
                states: 0,
                suppressors: Vec::new(),
            }),
            unknown: AtomicU64::new(0),
        };
        layers.meet_configured(&mut layers.write());
        layers
    }

    /// Returns the configuration in force.
    pub(crate) fn config(&self) -> Arc<LoggingConfig> {
        Arc::clone(&self.read().config)
    }

    /// Returns the state with that number.
    #[inline]
    pub(crate) fn get(&self, id: u16) -> Option<&LayerState> {
        let id = usize::from(id);
        self.chunks.get(id / CHUNK)?.get()?.get(id % CHUNK)?.get()
    }

    /// Returns the layer of that name, which is met for the first time perhaps.
    pub(crate) fn find(&self, name: &str) -> Option<&LayerState> {
        let found = self.look_up(name)?;
        if !found.meaning.is_route || found.meaning.name != name {
            self.unknown.fetch_add(1, Ordering::Relaxed);
        }
        Some(found)
    }

    /// Returns the layer of that name, which a configuration has had.
    pub(crate) fn named(&self, name: &str) -> Option<&LayerState> {
        self.look_up(name)
    }

    /// Returns what stands before layers.
    pub(crate) fn suppressors(&self) -> Vec<Arc<Suppressor>> {
        self.read().suppressors.clone()
    }

    /// Returns what the name of `layer` means now.
    #[cold]
    pub(crate) fn again<'s>(&'s self, layer: &'s LayerState) -> &'s LayerState {
        self.look_up(&layer.meaning.name).unwrap_or(layer)
    }

    /// Says whether there are numbers left for another configuration.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when there are not.
    pub(crate) fn check_room(&self, config: &LoggingConfig) -> Result<(), Error> {
        if self.read().states + config.layers.len() < STATES_MAX {
            return Ok(());
        }
        let cause = format!("the configurations of this logger have had {STATES_MAX} layers in all");
        Err(Error::new(ErrorKind::Unsupported, "reload the configuration")
            .because(cause)
            .advise("start the program again"))
    }

    /// Puts another configuration in force. Names that mean the same by it keep their numbers; the states of all others
    /// are moved, and the journal takes no more of their records from the end of its segment on.
    pub(crate) fn switch(&self, config: Arc<LoggingConfig>, takers: Takers) {
        let mut book = self.write();
        let before = std::mem::take(&mut book.names);
        (book.config, book.takers) = (config, takers);
        let (same, moved): (Vec<_>, Vec<_>) = before.into_iter().partition(|(name, id)| {
            let meaning = self.get(*id).map(|state| &state.meaning);
            meaning.is_some_and(|meaning| meaning.name == *name && *meaning == book.meaning_of(name))
        });
        book.names.extend(same);
        self.meet_configured(&mut book);
        // From here on the names are looked up anew: whoever is refused finds the new state.
        for state in moved.into_iter().filter_map(|(_, id)| self.get(id)) {
            state.moved.store(true, Ordering::Relaxed);
            state.note.retire();
        }
    }

    /// Returns the least level that any layer takes.
    pub(crate) fn lowest_gate(&self) -> u8 {
        let book = self.read();
        let states = book.names.values().filter_map(|id| self.get(*id));
        states.map(|layer| layer.meaning.gate).min().unwrap_or(0)
    }

    fn look_up(&self, name: &str) -> Option<&LayerState> {
        let known = self.read().names.get(name).copied();
        self.get(match known {
            Some(id) => id,
            None => self.meet(&mut self.write(), name, STATES_FOR_ANY_NAME),
        })
    }

    fn meet_configured(&self, book: &mut Book) {
        let config = Arc::clone(&book.config);
        for name in std::iter::once(DEFAULT).chain(config.layers.keys().map(String::as_str)) {
            self.meet(book, name, STATES_MAX);
        }
    }

    #[cold]
    fn meet(&self, book: &mut Book, name: &str, states_max: usize) -> u16 {
        if let Some(id) = book.names.get(name) {
            return *id;
        }
        // Past the limits a name shares the number of DEFAULT, which is always met first.
        let default = book.names.get(DEFAULT).copied().unwrap_or_default();
        if book.names.len() >= LAYER_NAMES_MAX || book.states >= states_max {
            return default;
        }
        let Some(chunk) = self.chunks.get(book.states / CHUNK) else {
            return default;
        };
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        let id = book.states as u16;
        let meaning = book.meaning_of(name);
        let suppressor = book.suppressor_of(&meaning);
        let state = || LayerState {
            id,
            is_plain: !meaning.takers.is_empty() && suppressor.is_none(),
            suppressor,
            meaning,
            note: NoteSlot::new(),
            moved: AtomicBool::new(false),
        };
        if let Some(place) = chunk.get(book.states % CHUNK) {
            place.get_or_init(state);
        }
        book.states += 1;
        book.names.insert(name.to_owned(), id);
        id
    }

    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Book> {
        self.book.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn meaning_of(&self, name: &str) -> Meaning {
        let layers = &self.config.layers;
        let route = match name {
            name if layers.contains_key(name) => name,
            _ if layers.contains_key(DEFAULT) => DEFAULT,
            _ => CENTRALIZED,
        };
        Meaning::new(name, route, &self.config, &self.takers)
    }

    /// Returns what stands before a layer: one for all names that the layer takes.
    fn suppressor_of(&mut self, meaning: &Meaning) -> Option<Arc<Suppressor>> {
        if !meaning.suppression.is_on() {
            return None;
        }
        let is_it = |one: &&Arc<Suppressor>| one.route == meaning.route && one.rules == meaning.suppression;
        let found = self.suppressors.iter().find(is_it).map(Arc::clone);
        Some(found.unwrap_or_else(|| {
            let new = Arc::new(Suppressor::new(&meaning.route, meaning.suppression.clone()));
            self.suppressors.push(Arc::clone(&new));
            new
        }))
    }
}

/// A layer's number in a handle, which follows its name from configuration to configuration.
#[derive(Debug)]
pub(crate) struct LayerId(AtomicU16);

impl LayerId {
    pub(crate) fn of(layers: &Layers, name: &str) -> LayerId {
        LayerId(AtomicU16::new(layers.find(name).map_or(0, |layer| layer.id)))
    }

    /// Returns the layer.
    #[inline]
    pub(crate) fn find<'l>(&self, layers: &'l Layers) -> Option<&'l LayerState> {
        let layer = layers.get(self.0.load(Ordering::Relaxed))?;
        if layer.is_moved() {
            return Some(self.follow(layers, layer));
        }
        Some(layer)
    }

    #[cold]
    fn follow<'l>(&self, layers: &'l Layers, layer: &'l LayerState) -> &'l LayerState {
        let now = layers.again(layer);
        self.0.store(now.id, Ordering::Relaxed);
        now
    }
}

impl Clone for LayerId {
    fn clone(&self) -> LayerId {
        LayerId(AtomicU16::new(self.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LogDestination, LogLayer};

    /// What a record of a level is promised stands where the level's number says.
    #[test]
    fn numbers_lead_to_promises() {
        let places = Level::ALL.map(|level| usize::from(level.number() / 10));
        assert_eq!(places, [0, 1, 2, 3, 4, 5]);
    }

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
        Layers::new(Arc::new(config.expect("a valid configuration")), Takers::new())
    }

    /// A layer's gate is the stricter of its own level and the least strict of its destinations.
    #[test]
    fn the_gate_knows_the_destinations() {
        let layers = layers();
        assert_eq!(layers.find("API").map(|layer| layer.meaning.gate), Some(40));
        assert_eq!(layers.find("DEFAULT").map(|layer| layer.meaning.gate), Some(10));
        assert_eq!(layers.lowest_gate(), 10);
    }

    /// An unknown layer keeps its name and goes to DEFAULT; past the limit on names it borrows DEFAULT's.
    #[test]
    fn unknown_names_go_to_default() {
        let layers = layers();
        for number in 0..LAYER_NAMES_MAX + 10 {
            let name = format!("L{number}");
            let layer = layers.find(&name).expect("always one");
            assert_eq!(layer.meaning.route, "DEFAULT");
            let known = layer.meaning.name.as_str();
            assert!(known == name || (known == "DEFAULT" && number > LAYER_NAMES_MAX - 5));
        }
        assert_eq!(layers.unknown.load(Ordering::Relaxed), LAYER_NAMES_MAX as u64 + 10);
    }

    /// After a switch a name that means the same keeps its number; one that does not gets a new one, and whoever holds
    /// the old one is led to it. Switching to and fro uses up no number of what did not change.
    #[test]
    fn names_keep_their_numbers_while_they_mean_the_same() {
        let layers = layers();
        let (api, default) = (layers.find("API").unwrap(), layers.find("DEFAULT").unwrap());
        let handle = LayerId::of(&layers, "API");
        let unknown = layers.find("UNKNOWN").unwrap();
        let mut other = (*layers.config()).clone();
        other.layers.get_mut("API").unwrap().level = Some(Level::Critical);
        layers.switch(Arc::new(other.clone()), Takers::new());
        assert!(api.is_moved() && !default.is_moved() && !unknown.is_moved());
        let now = layers.find("API").unwrap();
        assert_eq!((now.meaning.gate, now.id == api.id), (50, false));
        assert_eq!(handle.find(&layers).map(|layer| layer.id), Some(now.id));
        layers.switch(Arc::new(other.clone()), Takers::new());
        assert!(!now.is_moved());
        other.layers.remove("API");
        layers.switch(Arc::new(other), Takers::new());
        let gone = handle.find(&layers).unwrap();
        assert_eq!(
            (gone.meaning.name.as_str(), gone.meaning.route.as_str()),
            ("API", "DEFAULT")
        );
        assert_eq!(layers.lowest_gate(), 10);
    }
}
