//! A full file makes way for an empty one.
//!
//! All of it happens under the lock of the file at the path, and in this order, so that a crash between any two steps
//! loses and doubles nothing:
//!
//! 1. The successor is made and locked, as `.f.next`. If that fails, nothing has changed.
//! 2. `f.N` is removed and the others move up, from the top down. A gap that a crash leaves is where the next rotation
//!    stops.
//! 3. `f` becomes `f.1`.
//! 4. `.f.next` becomes `f`, unless another process was faster to make one.
//!
//! Between 3 and 4 there is no `f`; whoever opens the path then makes one, and step 4 leaves it alone.
//!
//! Where a file system renames without replacing in two steps only, a file has both names in between. Whoever opens or
//! rotates the file next takes the second one away.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use hydra_os::clock::mono_ns;
use hydra_os::disk::{self, Mode};

use crate::metrics::Metrics;
use crate::names::{self, Dated};
use crate::period::Period;
use crate::writer::{Open, ROTATION_PAUSE_NS, Writer};

impl Writer {
    /// Rotates, unless that has failed just now; `false` when the file is still the same.
    pub(crate) fn try_rotate(&mut self) -> bool {
        if mono_ns() < self.rotation_pause_until_ns {
            return false;
        }
        match self.rotate() {
            Ok(()) => {
                self.metrics.rotations.count();
                self.refill_reserve();
                #[cfg(feature = "gzip")]
                self.pack();
                true
            }
            Err(_) => {
                self.metrics.rotations_failed.count();
                self.rotation_pause_until_ns = mono_ns().saturating_add(ROTATION_PAUSE_NS);
                false
            }
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        let period = self.options.rotate.map(|every| Period::at(every, (self.now)()));
        if self.options.backup_count == 0 {
            if let Some(open) = &mut self.open {
                open.file.truncate(0)?;
                open.end = 0;
                open.period = period;
            }
            return Ok(());
        }
        let Some(mode) = self
            .open
            .as_ref()
            .map(|open| open.file.info())
            .transpose()?
            .map(|info| info.mode)
        else {
            return Ok(());
        };
        self.drop_second_names()?;
        let path = self.path.clone();
        let next = names::next(&path);
        match disk::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let successor = self.open_spending_reserve(&next, Mode::CreateAppend)?;
        // Who may read the log stays the same; a file system without such rights is no reason not to rotate.
        let _ = successor.set_mode(mode);
        // Nobody knows the file yet. Without locks nobody is kept out anyway.
        let _ = successor.try_lock();
        let info = successor.info()?;
        let moved = self.move_away(&next);
        let took_over = match moved {
            Ok(took_over) => took_over,
            Err(error) => {
                let _ = disk::remove_file(&next);
                return Err(error);
            }
        };
        self.unlock();
        let successor = took_over.then(|| Open::new(successor, &info, 0, period));
        if let Some(old) = std::mem::replace(&mut self.open, successor) {
            self.keep_for_sync(old.identity, old.file);
        }
        self.names_unsynced = true;
        Ok(())
    }

    /// Renames the file, and its successor to its name: `false` when the name was taken by someone else in between.
    fn move_away(&self, next: &Path) -> io::Result<bool> {
        let label = self
            .open
            .as_ref()
            .and_then(|open| open.period)
            .map(|period| period.label());
        let keep = self.options.backup_count;
        let target = match &label {
            Some(label) => names::first_free(&names::with(&self.path, &format!(".{label}")))?,
            None => shift(&self.path, keep, &self.metrics)?,
        };
        disk::rename_new(&self.path, &target)?;
        let took_over = match disk::rename_new(next, &self.path) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let _ = disk::remove_file(next);
                false
            }
            Err(error) => {
                // Should this fail too, the next begin makes a file at the path.
                let _ = disk::rename_new(&target, &self.path);
                return Err(error);
            }
        };
        if label.is_some() {
            let now = self.options.rotate.map(|every| Period::at(every, (self.now)()).label());
            prune(
                &self.path,
                &target,
                keep,
                now.as_deref().unwrap_or_default(),
                &self.metrics,
            );
        }
        Ok(took_over)
    }
}

/// Makes the first place of the files rotated by size free, and returns its name.
///
/// A file may be there plain or compressed, or as both after a crash: what is there moves.
fn shift(path: &Path, keep: u32, metrics: &Metrics) -> io::Result<PathBuf> {
    let mut gap = 1;
    while gap < keep && names::is_taken(&names::slot(path, gap))? {
        gap += 1;
    }
    let last = names::slot(path, gap);
    for name in [names::packed(&last), last] {
        // The last place may be taken by the oldest file.
        match disk::remove_file(name) {
            Ok(()) => metrics.rotated_files_removed.count(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    for number in (1..gap).rev() {
        let (from, to) = (names::slot(path, number), names::slot(path, number + 1));
        for (from, to) in [(names::packed(&from), names::packed(&to)), (from, to)] {
            match disk::rename_new(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    Ok(names::slot(path, 1))
}

/// Removes the oldest files rotated by time until no more than `keep` are left, but never `newest`.
///
/// Every file there was rotated before now, so one dated after the present period, `now`, is from a time at which the
/// clock was ahead: it counts as older than those that are dated rightly. So a clock that was wrong for a while never
/// costs the files that were written since.
fn prune(path: &Path, newest: &Path, keep: u32, now: &str, metrics: &Metrics) {
    let of = path.file_name().unwrap_or_default();
    let Ok(all) = disk::list(names::dir(path)) else {
        metrics.removals_failed.count();
        return;
    };
    let mut found: Vec<(bool, Dated, OsString)> = all
        .into_iter()
        .filter(|name| Some(name.as_os_str()) != newest.file_name())
        .filter_map(|name| Dated::parse(&name, of).map(|dated| (dated.label.as_str() <= now, dated, name)))
        .collect();
    found.sort();
    // A file that is there plain and compressed, after a crash, is one.
    let mut count = 1 + found.chunk_by(|one, other| one.1 == other.1).count();
    for same in found.chunk_by(|one, other| one.1 == other.1) {
        if count <= keep as usize {
            break;
        }
        count -= 1;
        for (_, _, name) in same {
            match disk::remove_file(path.with_file_name(name)) {
                Ok(()) => metrics.rotated_files_removed.count(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(_) => metrics.removals_failed.count(),
            }
        }
    }
}
