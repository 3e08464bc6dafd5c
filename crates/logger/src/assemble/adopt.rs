//! What dead processes left is taken over, delivered, and removed.

use std::sync::Arc;
use std::time::Duration;

use hydra_head::Spec;
use hydra_journal::Adopted;
use hydra_os::atomic::Mutex;
use hydra_os::disk;
use hydra_sink as sink;

use crate::config::LoggingConfig;
use crate::core::{Core, Outlet};
use crate::error::{Error, ErrorKind};

/// How long the thread that waits for dead processes' journals sleeps between looks.
const RECOVERY_LOOK: Duration = Duration::from_secs(3600);
pub(super) fn adopt(config: &LoggingConfig, problems: &Mutex<Vec<String>>) -> Result<Vec<Adopted>, Error> {
    let Some(dir) = &config.journal.dir else {
        return Ok(Vec::new());
    };
    let all = Adopted::all(dir);
    let all =
        all.map_err(|error| Error::new(ErrorKind::Journal, "take over dead processes' journals").from_source(error))?;
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
pub(super) fn announce_resumes(planned: &mut [Spec], adopted: &[Adopted]) {
    for spec in planned.iter_mut().filter(|spec| spec.replay) {
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

/// Removes the adopted journals once every head has what they held.
pub(super) fn finish_recovery(core: &Arc<Core>, adopted: Vec<Adopted>) -> Result<(), Error> {
    if adopted.is_empty() {
        return Ok(());
    }
    let (outlets, problems) = (Arc::clone(&core.outlets), Arc::clone(&core.problems));
    let started = hydra_os::thread::spawn("hydra-recovery", move || {
        for outlet in outlets.iter() {
            while !outlet.head.wait_recovered(RECOVERY_LOOK) {}
        }
        // Told to stop before everything was delivered and synced: the next start goes on with it.
        if !outlets.iter().all(|outlet| outlet.head.is_recovered()) {
            return;
        }
        for journal in adopted {
            match journal.remove_if_done() {
                Ok(true) => {}
                Ok(false) => tell(&problems, kept(&journal, &outlets)),
                Err(error) => tell(&problems, error.to_string()),
            }
        }
    });
    let started =
        started.map_err(|error| Error::new(ErrorKind::Journal, "start the recovery's thread").from_source(error))?;
    *core.recovery.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(started);
    Ok(())
}

/// Says why a dead process's journal stays.
fn kept(journal: &Adopted, outlets: &[Outlet]) -> String {
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
