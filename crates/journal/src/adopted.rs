//! Journals of dead processes, as those hold them who take them over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cursor::CursorState;
use crate::error::Error;
use crate::head::Cursor;
use crate::lock::Home;
use crate::position::Position;
use crate::recover::Dead;

/// A dead process's journal that this process has taken over.
#[derive(Clone, Debug)]
pub struct Adopted {
    dead: Arc<Dead>,
}

impl Adopted {
    /// Takes over all journals under `root` whose owners are dead. Those that cannot be read come as errors and are
    /// left as they are.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when the directory itself cannot be read.
    pub fn all(root: &Path) -> Result<Vec<Result<Adopted, Error>>, Error> {
        let homes = Home::adopt(root)?;
        let open = |home: Result<Home, Error>| {
            let dead = Arc::new(Dead::open(home?)?);
            Ok(Adopted { dead })
        };
        Ok(homes.into_iter().map(open).collect())
    }

    /// Returns its directory.
    pub fn dir(&self) -> &Path {
        self.dead.dir()
    }

    /// Opens the cursor of the head `name`, if the dead process had one.
    ///
    /// If its table of cursors is lost, every head begins at the start: better twice than never.
    ///
    /// # Errors
    /// As [`Journal::cursor`](crate::Journal::cursor).
    pub fn cursor(&self, name: &str) -> Result<Option<Cursor>, Error> {
        if !self.dead.cursors.knows(name) && !self.dead.cursors.is_lost() {
            return Ok(None);
        }
        let live = self.dead.cursors.join(name, || Position::START)?;
        Ok(Some(Cursor::of_dead(&self.dead, live)))
    }

    /// Returns names and states of the heads the dead process had.
    pub fn cursors(&self) -> Vec<(String, CursorState)> {
        self.dead.cursors.all()
    }

    /// Returns the position behind everything.
    pub fn end(&self) -> Position {
        self.dead.contents().end
    }

    /// Returns files that look like segments and cannot be read, each with the reason.
    pub fn unreadable(&self) -> &[(PathBuf, String)] {
        &self.dead.contents().unreadable
    }

    /// Returns where the damaged files are that were kept when it was removed: a few of them stay, see
    /// [`crate::damaged_files`].
    pub fn kept(&self) -> Vec<PathBuf> {
        self.dead.kept()
    }

    /// Returns the payload of its last record.
    pub fn last_record(&self) -> Option<Vec<u8>> {
        self.dead.last_data()
    }

    /// Removes it from the disk if every head has everything. Returns whether it is gone. Damaged files are kept, see
    /// [`Adopted::kept`].
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when a file cannot be removed or kept.
    pub fn remove_if_done(&self) -> Result<bool, Error> {
        if !self.dead.is_done() {
            return Ok(false);
        }
        self.dead.remove()?;
        Ok(true)
    }
}
