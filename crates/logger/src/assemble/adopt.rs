//! What dead processes left is taken over, delivered, and removed.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hydra_head::Spec;
use hydra_journal::Adopted;
use hydra_os::atomic::{Mutex, MutexGuard};
use hydra_os::disk;
use hydra_sink as sink;

use crate::config::LoggingConfig;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::outlet::{List, Outlet, Outlets};

/// How long the thread that waits for dead processes' journals sleeps between looks.
const RECOVERY_LOOK: Duration = Duration::from_secs(3600);
pub(super) fn adopt(config: &LoggingConfig, problems: &Mutex<Vec<String>>) -> Result<Vec<Adopted>, Error> {
    let Some(dir) = &config.journal.dir else {
        return Ok(Vec::new());
    };
    let all = Adopted::all(dir);
    let all = all.map_err(super::no_journal)?;
    let mut adopted = Vec::new();
    for one in all {
        match one {
            Ok(journal) => {
                for (path, reason) in journal.unreadable() {
                    tell(
                        problems,
                        format!(
                            "the segment {} of a dead process cannot be read: {reason}",
                            path.display()
                        ),
                    );
                }
                adopted.push(journal);
            }
            // It stays where it is; this process logs all the same.
            Err(error) => tell(problems, error.to_string()),
        }
    }
    // The oldest first, so that a destination's records stay in order, and so that what the first of several dead
    // processes was in the middle of writing is mended before anything is written behind it.
    adopted.sort_by_key(|journal| {
        disk::info_of(journal.dir())
            .ok()
            .flatten()
            .map_or(0, |info| info.born_ns)
    });
    Ok(adopted)
}

/// Tells every file which heads are about to compare what stands in it, before the first head writes to any: a record
/// that one of them left torn at the end must be mended by it, and not be written behind by another.
pub(crate) fn announce_resumes<'s>(planned: impl Iterator<Item = &'s mut Spec>, adopted: &[Adopted]) {
    for spec in planned.filter(|spec| spec.replay) {
        // None is open yet: each is let go of at once.
        let cursors = adopted.iter().filter_map(|journal| journal.cursor(&spec.name).ok()?);
        let mark = cursors
            .map(|cursor| sink::Mark::from_bytes(&cursor.state().mark))
            .find(|mark| !mark.is_nowhere());
        if let Some(mark) = mark {
            // The head does so again, and tries until it succeeds.
            let _ = spec.sink.resume(mark);
        }
    }
}

fn tell(problems: &Mutex<Vec<String>>, problem: String) {
    problems
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .push(problem);
}

/// Removes the adopted journals once every head has what they held. Does so again when a reload has brought heads that
/// have not.
pub(crate) fn finish_recovery(core: &Arc<Core>) -> Result<(), Error> {
    let mut thread = core.recovery.lock().unwrap_or_else(PoisonError::into_inner);
    if lock(&core.adopted).is_empty() || thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
        return Ok(());
    }
    let (outlets, adopted) = (Arc::clone(&core.outlets), Arc::clone(&core.adopted));
    let problems = Arc::clone(&core.problems);
    let started = hydra_os::thread::spawn("hydra-recovery", move || {
        // Told to stop before everything was delivered and synced: the next start goes on with it.
        let Some(outlets) = wait_recovered(&outlets) else {
            return;
        };
        // One that stays is let go of: another process may have the destinations that it is for.
        for journal in std::mem::take(&mut *lock(&adopted)) {
            match journal.remove_if_done() {
                Ok(true) => journal.kept().iter().for_each(|path| {
                    let path = path.display();
                    tell(
                        &problems,
                        format!("a file of a dead process's journal is damaged; it is kept as {path}"),
                    );
                }),
                Ok(false) => tell(&problems, kept(&journal, &outlets)),
                Err(error) => tell(&problems, error.to_string()),
            }
        }
    });
    let started =
        started.map_err(|error| Error::new(ErrorKind::Journal, "start the recovery's thread").from_source(error))?;
    *thread = Some(started);
    Ok(())
}

/// Waits until every head has what dead processes left for it; `None` when one has ended before.
fn wait_recovered(outlets: &Outlets) -> Option<List> {
    loop {
        for outlet in outlets.all().iter() {
            while !outlet.head.wait_recovered(RECOVERY_LOOK) {}
        }
        // One that has handed its work over is not on the list any more, but the one that has taken it over is.
        let now = outlets.all();
        if now.iter().all(|outlet| outlet.head.is_recovered()) {
            return Some(now);
        }
        let has_given_up = |outlet: &Arc<Outlet>| outlet.head.join(Duration::ZERO) && !outlet.head.is_recovered();
        if now.iter().any(has_given_up) {
            return None;
        }
    }
}

/// Says why a dead process's journal stays.
fn kept(journal: &Adopted, outlets: &[Arc<Outlet>]) -> String {
    let is_known = |name: &str| outlets.iter().any(|outlet| outlet.head.name() == name);
    let cursors = journal.cursors();
    let gone: Vec<_> = cursors
        .iter()
        .map(|(name, _)| name.as_str())
        .filter(|name| !is_known(name))
        .collect();
    let dir = journal.dir().display();
    match gone.as_slice() {
        [] => format!("the journal {dir} of a dead process stays: not everything in it could be read or delivered"),
        gone => format!(
            "the journal {dir} of a dead process stays: it may hold records for {}, which this configuration does not \
             have",
            gone.join(", ")
        ),
    }
}

fn lock(adopted: &Mutex<Vec<Adopted>>) -> MutexGuard<'_, Vec<Adopted>> {
    adopted.lock().unwrap_or_else(PoisonError::into_inner)
}
