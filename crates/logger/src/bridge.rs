//! The way in for the macros of other crates: `log` and `tracing`.
//!
//! Those know no layers: they have *targets*, module paths as a rule. The configuration's `[targets]` says which layer
//! a target goes to; the longest prefix that ends where a path segment does wins, and what has none goes to `DEFAULT`.
//!
//! Each place in the program that has logged is kept as a [`Place`]: a call site as our own macros have one, and the
//! layer that was found for its target. A place is found through a small table of the thread's own; the book of all
//! places, behind a lock, is asked only when that does not know it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use hydra_os::atomic::{Mutex, RwLock};
use hydra_record::Level;
use hydra_record::note::{RawPiece, RawSite};

use crate::r#async::AsyncHydraLogger;
use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::global::{NEXT_EPOCH, PLACES, SEEN};
use crate::layer::{DEFAULT, LayerState};
use crate::pass::Pass;
use crate::site::Site;
use crate::sync::HydraLogger;

mod early;
#[cfg(feature = "log")]
mod log;
mod seen;
#[cfg(feature = "tracing")]
mod tracing;

pub(crate) use early::Early;
pub use early::{EARLY_BYTES_MAX, EARLY_RECORDS_MAX, install_early};
pub(crate) use seen::Seen;
#[cfg(feature = "tracing")]
pub use tracing::{SpanFields, TracingBuilder, TracingFilter, TracingFront, TracingLayer};

/// The most places that are kept; records from further ones go to the layer of their target, without their place.
pub(crate) const PLACES_MAX: usize = 1 << 14;

const LAYER_BITS: u64 = 0xFFFF;

/// What of a logger's configuration concerns other crates' macros.
#[derive(Debug)]
pub(crate) struct Bridges {
    /// Another number for each configuration of each logger; the low 16 bits are free. Its release store makes the
    /// routes of the configuration visible to whoever loads it.
    epoch: AtomicU64,
    routes: RwLock<Routes>,
    followers: Mutex<Vec<Follower>>,
}

/// Told when the configuration has changed.
type Follower = fn(&Arc<Core>);

/// Prefixes of targets with their layers, the longest first.
type Routes = Vec<(String, String)>;

impl Bridges {
    pub(crate) fn new(config: &LoggingConfig) -> Bridges {
        Bridges {
            epoch: AtomicU64::new(next_epoch()),
            routes: RwLock::new(routes(config)),
            followers: Mutex::default(),
        }
    }

    /// Takes in that `core` has another configuration in force.
    pub(crate) fn follow(&self, core: &Arc<Core>, config: &LoggingConfig) {
        *self.routes.write().unwrap_or_else(PoisonError::into_inner) = routes(config);
        self.epoch.store(next_epoch(), Ordering::Release);
        let followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        followers.iter().for_each(|follower| follower(core));
    }

    /// Has `follower` called now and after each change of the configuration.
    fn tell(&self, core: &Arc<Core>, follower: Follower) {
        let mut followers = self.followers.lock().unwrap_or_else(PoisonError::into_inner);
        if !followers.iter().any(|known| std::ptr::fn_addr_eq(*known, follower)) {
            followers.push(follower);
        }
        drop(followers);
        follower(core);
    }

    /// Returns the layer that a target goes to.
    fn layer<'c>(&self, core: &'c Core, target: &str) -> Option<&'c LayerState> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let fits = |prefix: &str| {
            target
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let route = routes.iter().find(|(prefix, _)| fits(prefix));
        core.layers.find(route.map_or(DEFAULT, |(_, layer)| layer))
    }

    /// Returns the least level that any target's layer takes.
    fn lowest(&self, core: &Arc<Core>) -> Option<Level> {
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        let names = std::iter::once(DEFAULT).chain(routes.iter().map(|(_, layer)| layer.as_str()));
        let layers: Vec<_> = names.filter_map(|name| core.layers.find(name)).collect();
        let is_taken = |level: &Level| layers.iter().any(|layer| core.pass(*level, layer, false).is_some());
        Level::ALL.into_iter().find(is_taken)
    }
}

fn routes(config: &LoggingConfig) -> Routes {
    let mut routes: Routes = config.targets.clone().into_iter().collect();
    routes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
    routes
}

fn next_epoch() -> u64 {
    NEXT_EPOCH.fetch_add(1, Ordering::Relaxed) << LAYER_BITS.count_ones()
}

/// A place in the program that logs through another crate's macro.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) site: Site,
    pub(crate) target: String,
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "`log` has it first"))]
    pub(crate) message: Message,
    /// The address of what stands for the place in the program; 0 where nothing does.
    pub(crate) identity: usize,
    /// The layer found last: the epoch it was found in, and there the layer's number.
    layer: AtomicU64,
}

/// Where among the fields of a place's events the message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The first of them.
    First,
    /// Some other.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "`log` has it first"))]
    Later,
    /// None.
    #[cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "`log` has one always"))]
    Absent,
    /// The first of them, and some tell where the event is really from: it was made of a record of `log`.
    #[cfg(feature = "tracing")]
    OfLog,
}

/// What a place is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'s> {
    pub(crate) identity: usize,
    pub(crate) level: Level,
    pub(crate) line: u32,
    pub(crate) file: &'static str,
    pub(crate) module: &'static str,
    pub(crate) target: &'s str,
    pub(crate) message: Message,
    /// What stands for a message where there is none.
    pub(crate) name: &'static str,
}

impl Place {
    fn new(source: &Source<'_>) -> Place {
        let has_message = source.message != Message::Absent;
        Place {
            site: Site::new(RawSite {
                level: source.level,
                line: source.line,
                file: source.file,
                module: source.module,
                template: if has_message { "{}" } else { source.name },
                // The message is no field.
                names: if has_message { &[""] } else { &[] },
                pieces: match source.message {
                    Message::Absent if source.name.is_empty() => &[],
                    Message::Absent => Box::leak(Box::new([RawPiece::Literal(source.name)])),
                    _ => &[RawPiece::Argument(0, "")],
                },
            }),
            target: source.target.to_owned(),
            message: source.message,
            identity: source.identity,
            layer: AtomicU64::new(0),
        }
    }

    /// Opens the way for a call, if its level is enabled.
    #[inline]
    pub(crate) fn open<'a>(&self, core: &'a Arc<Core>, level: Level, waits: bool) -> Option<Pass<'a>> {
        core.open_found(level, || self.find(core), waits)
    }

    /// Returns the layer that the place's target goes to.
    #[inline]
    pub(crate) fn find<'c>(&self, core: &'c Core) -> Option<&'c LayerState> {
        let epoch = core.bridges.epoch.load(Ordering::Acquire);
        let last = self.layer.load(Ordering::Relaxed);
        if last & !LAYER_BITS == epoch {
            return core.layers.get((last & LAYER_BITS) as u16);
        }
        self.look_up(core, epoch)
    }

    #[cold]
    fn look_up<'c>(&self, core: &'c Core, epoch: u64) -> Option<&'c LayerState> {
        let layer = core.bridges.layer(core, &self.target)?;
        self.layer.store(epoch | u64::from(layer.id), Ordering::Relaxed);
        Some(layer)
    }
}

/// All places there are.
#[derive(Debug)]
pub(crate) struct Places {
    known: Option<HashMap<Key, &'static Place>>,
}

/// What tells places apart: identity, file, module, line, target.
type Key = (usize, usize, usize, u32, String);

impl Places {
    pub(crate) const fn new() -> Places {
        Places { known: None }
    }

    /// Returns the place made from `source`; `None` past the limit.
    #[cold]
    fn place(&mut self, source: &Source<'_>) -> Option<&'static Place> {
        let known = self.known.get_or_insert_default();
        let (file, module) = (source.file.as_ptr().addr(), source.module.as_ptr().addr());
        let key = (source.identity, file, module, source.line, source.target.to_owned());
        let is_full = known.len() >= PLACES_MAX;
        match known.entry(key) {
            Entry::Occupied(place) => Some(place.get()),
            Entry::Vacant(_) if is_full => None,
            // Never freed: the journal's notes and other threads' tables refer to it as long as the program runs.
            Entry::Vacant(free) => Some(free.insert(Box::leak(Box::new(Place::new(source))))),
        }
    }
}

/// Returns the place that the thread keeps for `address`, if `is_it` says so, else the one made from `source`.
#[inline]
fn place<'s>(
    address: usize,
    is_it: impl Fn(&Place) -> bool,
    source: impl FnOnce() -> Source<'s>,
) -> Option<&'static Place> {
    SEEN.with(|seen| {
        if let Some(place) = seen.find(address)
            && is_it(place)
        {
            return Some(place);
        }
        let place = PLACES.lock().unwrap_or_else(PoisonError::into_inner).place(&source())?;
        seen.keep(address, place);
        Some(place)
    })
}

/// Makes the logger behind `core` the backend of the other crates' macros.
fn install(core: &Arc<Core>, waits: bool) -> Result<(), Error> {
    crate::global::EARLY.hand_over(core, waits, || {
        #[cfg(feature = "log")]
        log::install(core, waits)?;
        #[cfg(feature = "tracing")]
        tracing::install(core, waits)?;
        Ok(())
    })
}

/// The error of a second installation.
fn taken(front: &str, advice: &str) -> Error {
    Error::new(ErrorKind::Unsupported, "install the logger")
        .at(front)
        .because("the process has one already, and it can be set only once")
        .advise(advice)
}

macro_rules! installs {
    ($handle:ty, $waits:expr, $what:literal) => {
        impl $handle {
            /// Makes the logger what the macros of the `log` crate (feature `log`) and of the `tracing` crate (feature
            /// `tracing`) log to, in the whole process and to its end.
            ///
            /// A target goes to the layer that `[targets]` names for the longest prefix of it, else to `DEFAULT`. What
            /// is below the level of every layer that a target goes to costs those macros one load.
            #[doc = $what]
            /// The process keeps a handle: it drains when it exits. What has been logged before can be had too: see
            /// [`install_early`](crate::install_early).
            ///
            /// # Errors
            /// [`ErrorKind::Unsupported`] if the process has a `log` backend or a global `tracing` subscriber already.
            /// With both features the first is installed when the second turns out to be taken.
            ///
            /// # Examples
            /// ```standalone_crate
            /// use hydra_logger::testing::TestLog;
            ///
            /// let log = TestLog::new(); // used as any other logger is
            /// log.install()?;
            /// # #[cfg(all(feature = "log", feature = "tracing"))] {
            /// log::info!("through log");
            /// tracing::info!(user = 42, "through tracing");
            /// assert_eq!(log.messages(), ["through log", "through tracing"]);
            /// # }
            /// # Ok::<(), hydra_logger::Error>(())
            /// ```
            pub fn install(&self) -> Result<(), Error> {
                install(&self.core, $waits)
            }
        }
    };
}

installs!(
    HydraLogger,
    true,
    "A call returns when its record has reached its guarantee."
);
installs!(
    AsyncHydraLogger,
    false,
    "A call never waits, also not for the guarantee of its record."
);
