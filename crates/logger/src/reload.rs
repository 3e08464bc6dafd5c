//! Another configuration comes into force while calls go on.
//!
//! Each record is routed by one configuration: a layer's note in the journal says who takes its records, a note never
//! changes, and a record carries the number of the note that it was made with. A head looks at nothing else. So the
//! switch needs no moment at which calls stand still, and what a call that began before it does is decided by the
//! journal: once a layer means something else, its old note is let into no further segment, and a call that comes too
//! late with it is sent back to look its layer up again.
//!
//! What becomes of the destinations:
//! - One that both configurations have alike keeps its head, and notices nothing.
//! - One that is new gets a head whose cursor begins at the journal's end. It is there before any record is for it.
//! - One with the same name and other options gets a head that takes the place of the one before it, after the write
//!   that one is at. Cursor, counters and what is not delivered yet pass to it: a change that mends a destination mends
//!   it for what has piled up as well.
//! - One that is configured no more goes on until it has all that was for it: the journal's segment is ended, so that
//!   there is one position behind which nothing can be. Then its head syncs, removes its cursor and ends.

use std::sync::{Arc, PoisonError};

use hydra_head::{Head, Spec};

use crate::assemble::{self, adopt, plan};
use crate::config::{KeyPath, Loader, LoggingConfig};
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::outlet::{List, Outlet};
use crate::suppress::watch;

/// What a reload has done to the destinations, by the names of their cursors.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
///
/// let dir = tempfile::tempdir()?;
/// let config = |name: &str| {
///     let file = LogDestination::file(dir.path().join(name));
///     LoggingConfig::builder().layer("APP", LogLayer::new(Level::Info).destination(file)).build()
/// };
/// let log = HydraLogger::new(config("old.log")?)?;
/// let report = log.reload(config("new.log")?)?;
/// assert_eq!((report.added.len(), report.removed.len(), report.changed.len()), (1, 1, 0));
/// assert_eq!(report.kept.len(), 1); // the console of the layer `DEFAULT`
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadReport {
    /// Those that go on as they were.
    pub kept: Vec<String>,
    /// Those that go on with other options.
    pub changed: Vec<String>,
    /// Those that are new.
    pub added: Vec<String>,
    /// Those that are configured no more, and end when they have all that is for them.
    pub removed: Vec<String>,
}

/// A destination of the new configuration.
enum Step {
    Keep(Arc<Outlet>),
    /// Takes the place of the outlet.
    Change(Arc<Outlet>, Arc<Outlet>),
    Add(Arc<Outlet>),
}

/// Puts the configuration in `path` in force.
pub(crate) fn reload_from_file(core: &Arc<Core>, path: &std::path::Path) -> Result<ReloadReport, Error> {
    let config = LoggingConfig::from_file(path)?;
    reload(core, config).map_err(|error| located(error, path))
}

/// Names the place of what an error is about in the file that was read.
pub(crate) fn located(error: Error, path: &std::path::Path) -> Error {
    error.in_file(&path.display().to_string(), |key| Loader::new().locate(path, key))
}

/// Puts `config` in force, or leaves everything as it is.
pub(crate) fn reload(core: &Arc<Core>, config: LoggingConfig) -> Result<ReloadReport, Error> {
    if core.is_foreign() {
        let cause = "the logger belongs to the process that this one was forked from";
        return Err(Error::new(ErrorKind::Closed, "reload the configuration").because(cause));
    }
    let config = assemble::checked(config)?;
    let _turn = core.reloading.lock().unwrap_or_else(PoisonError::into_inner);
    refuse_what_is_fixed(&core.config(), &config)?;
    core.layers.check_room(&config)?;
    watch::start(core, &config)?;
    let wishes = plan::wishes(&config)?;
    let before = core.outlets();
    let current = core.outlets.lock().current.clone();
    let specs = planned(core, &config, &wishes, &before, &current)?;
    let steps = start(core, &wishes, specs, &before)?;
    let takers = plan::takers(&wishes);
    drop(wishes);
    let report = commit(core, config, takers, steps)?;
    #[cfg(any(feature = "log", feature = "tracing"))]
    core.bridges.follow(core, &core.config());
    adopt::finish_recovery(core)?;
    Ok(report)
}

/// The journal of a running logger stays as it is.
fn refuse_what_is_fixed(before: &LoggingConfig, after: &LoggingConfig) -> Result<(), Error> {
    let (old, new) = (&before.journal, &after.journal);
    let differs = [
        ("dir", old.dir != new.dir),
        ("max_size", old.max_size != new.max_size),
        ("segment_size", old.segment_size != new.segment_size),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((key, _)) => Err(Error::new(ErrorKind::Unsupported, "change while the logger runs")
            .about(&KeyPath::default().key("journal").key(key))
            .because("the journal is in use")
            .advise("start the program again, or leave it as it was")),
    }
}

/// Opens what is new or has changed; `None` stands for what is kept.
fn planned(
    core: &Core,
    config: &LoggingConfig,
    wishes: &[plan::Wish<'_>],
    before: &List,
    current: &[Arc<Outlet>],
) -> Result<Vec<Option<Spec>>, Error> {
    let is_kept = |outlet: &Arc<Outlet>| {
        let is_alike = |wish: &plan::Wish<'_>| wish.name == outlet.head.name() && wish.setup == outlet.setup;
        wishes.iter().any(is_alike) && current.iter().any(|one| Arc::ptr_eq(one, outlet))
    };
    let (kept, going): (Vec<_>, Vec<_>) = before.iter().partition(|outlet| is_kept(outlet));
    let late = going.iter().flat_map(|outlet| plan::files(&outlet.setup.destination));
    let late: Vec<_> = late.collect();
    let mut numbers = core.outlets.lock().free_numbers();
    let mut specs = Vec::new();
    for wish in wishes {
        if kept.iter().any(|outlet| outlet.head.name() == wish.name) {
            specs.push(None);
        } else {
            let number = numbers.next().unwrap_or_default();
            specs.push(Some(plan::spec(config, wish, number, &late)?));
        }
    }
    Ok(specs)
}

/// Starts the heads that are new or have changed. If one cannot be started, none is.
fn start(
    core: &Core,
    wishes: &[plan::Wish<'_>],
    mut specs: Vec<Option<Spec>>,
    before: &List,
) -> Result<Vec<Step>, Error> {
    let adopted = core.adopted.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let is_new = |spec: &&mut Spec| !before.iter().any(|outlet| outlet.head.name() == spec.name);
    adopt::announce_resumes(specs.iter_mut().flatten().filter(is_new), &adopted);
    let mut steps = Vec::new();
    for (wish, spec) in wishes.iter().zip(specs) {
        let old = before.iter().find(|outlet| outlet.head.name() == wish.name);
        let step = match (spec, old) {
            (None, Some(old)) => Ok(Step::Keep(Arc::clone(old))),
            (None, None) => continue,
            (Some(spec), old) => {
                let number = spec.number;
                // One that was on its way out takes up its work again, unless it is gone by now.
                let old = old.filter(|old| old.head.keep());
                let head = match old {
                    Some(old) => old.head.succeed(spec),
                    None => Head::start(spec, &core.journal, &adopted),
                };
                head.map(|head| {
                    let outlet = assemble::outlet(wish, number, head);
                    match old {
                        Some(old) => Step::Change(Arc::clone(old), outlet),
                        None => Step::Add(outlet),
                    }
                })
            }
        };
        match step {
            Ok(step) => steps.push(step),
            Err(error) => {
                undo(core, steps);
                return Err(assemble::not_started(error));
            }
        }
    }
    Ok(steps)
}

/// Ends what has been started: nothing is for it yet.
fn undo(core: &Core, steps: Vec<Step>) {
    let position = core.journal.tail();
    for step in steps {
        match step {
            Step::Keep(_) => {}
            Step::Add(outlet) => {
                outlet.head.retire(position);
                // What is not done at once is done with the last destination that is waited for.
                outlet.head.join(std::time::Duration::from_secs(1));
            }
            Step::Change(_, outlet) => outlet.head.stop(),
        }
    }
    // Those on their way out that had been told to stay.
    let draining = core.outlets.lock().draining.clone();
    if !draining.is_empty() {
        let until = core.journal.turn();
        draining.iter().for_each(|outlet| outlet.head.retire(until));
    }
}

/// The switch.
fn commit(
    core: &Arc<Core>,
    config: LoggingConfig,
    takers: crate::layer::Takers,
    steps: Vec<Step>,
) -> Result<ReloadReport, Error> {
    let mut sets = core.outlets.lock();
    if core.is_closed() {
        drop(sets);
        undo(core, steps);
        return Err(Error::new(ErrorKind::Closed, "reload the configuration").because("the logger is shut down"));
    }
    let (mut report, mut current, mut replaced) = (ReloadReport::default(), Vec::new(), Vec::new());
    for step in steps {
        let (names, outlet) = match step {
            Step::Keep(outlet) => (&mut report.kept, outlet),
            Step::Add(outlet) => (&mut report.added, outlet),
            Step::Change(old, outlet) => {
                replaced.push(old);
                (&mut report.changed, outlet)
            }
        };
        names.push(outlet.head.name().to_owned());
        current.push(outlet);
    }
    let is_in = |list: &[Arc<Outlet>], outlet: &Arc<Outlet>| list.iter().any(|one| Arc::ptr_eq(one, outlet));
    let removed = sets
        .current
        .iter()
        .filter(|outlet| !is_in(&current, outlet) && !is_in(&replaced, outlet));
    let removed: Vec<_> = removed.cloned().collect();
    report.removed = removed.iter().map(|outlet| outlet.head.name().to_owned()).collect();
    let mut draining = std::mem::take(&mut sets.draining);
    draining.retain(|outlet| !is_in(&replaced, outlet));
    draining.extend(removed.iter().cloned());
    sets.set(current, draining);
    core.layers.switch(Arc::new(config), takers);
    core.set_gate(core.layers.lowest_gate());
    // They may go: who takes their place waits for them to end, and goes on where they were.
    replaced.iter().for_each(|outlet| outlet.head.stop());
    if !removed.is_empty() {
        let until = core.journal.turn();
        removed.iter().for_each(|outlet| outlet.head.retire(until));
    }
    Ok(report)
}
