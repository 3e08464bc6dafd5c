//! Where segments are made: in a directory, or in memory alone.

use std::io;
use std::path::{Path, PathBuf};

use hydra_os::disk::{self, File, FileSystem, Mode, Pieces};
use hydra_os::map::Map;
use hydra_os::{clock, random};

use crate::copies;
use crate::cursor::{Cursors, FILE_BYTES};
use crate::error::Error;
use crate::lock::{CURSORS, SEGMENT_SUFFIX};
use crate::segment::{Mapping, Segment};

/// Where a journal's bytes are kept.
#[derive(Debug)]
pub(crate) enum Place {
    Memory,
    Dir(PathBuf),
}

impl Place {
    /// Makes a cleared segment: allocated, mapped, every page touched. Returns it with its generation.
    pub(crate) fn make(
        &self,
        bytes: usize,
        journal: [u8; 16],
        copies_pages: usize,
        pieces: Pieces,
    ) -> Result<(Mapping, u64), Error> {
        let generation = random::u64();
        let mapping = self.make_empty(bytes, generation, pieces)?;
        mapping.begin_life(journal, generation, clock::wall_ns(), copies_pages);
        Ok((mapping, generation))
    }

    /// Makes an empty copy of a segment: of the same size and generation, so that the same frames pass in it, and begun
    /// later.
    pub(crate) fn make_copy(&self, of: &Segment, journal: [u8; 16]) -> Result<Mapping, Error> {
        let mapping = self.make_empty(of.mapping.map.len(), random::u64(), Pieces::Pages)?;
        let began_ns = of.mapping.header().map_or(0, |header| header.created_ns);
        let begins_ns = clock::wall_ns().max(began_ns.saturating_add(1));
        mapping.begin_life(journal, of.generation, begins_ns, of.copies_pages());
        Ok(mapping)
    }

    fn make_empty(&self, bytes: usize, name: u64, pieces: Pieces) -> Result<Mapping, Error> {
        let mapping = match self {
            Place::Memory => Mapping::anonymous(bytes)
                .map_err(|error| Error::allocation("taking memory for the journal", "memory".as_ref(), error))?,
            Place::Dir(dir) => file_segment(dir.join(format!("{name:016x}{SEGMENT_SUFFIX}")), bytes, pieces)?,
        };
        // Failing to touch the pages ahead costs time later, nothing else.
        let _ = mapping.map.prefault();
        Ok(mapping)
    }

    /// Returns the pages for copies of the notes of an ordinary segment: memory takes no damage.
    pub(crate) fn copies_pages(&self, segment_bytes: usize, preamble: usize) -> usize {
        match self {
            Place::Memory => 0,
            Place::Dir(_) => copies::pages_of(segment_bytes, preamble),
        }
    }

    /// Clears a used segment for its next life. Returns the new generation.
    pub(crate) fn renew(mapping: &Mapping, journal: [u8; 16], copies_pages: usize) -> u64 {
        let generation = random::u64();
        mapping.renew(journal, generation, clock::wall_ns(), copies_pages);
        generation
    }

    /// Gives a segment's file back to the file system, blocks first: an old map of it may still be around.
    pub(crate) fn discard(mapping: &Mapping) {
        mapping.end_life();
        if let Some((file, path)) = &mapping.file {
            // A failure leaves a spare behind, which the directory's removal takes along.
            let _ = disk::remove_file(path);
            let _ = file.free_blocks(mapping.map.len() as u64);
        }
    }

    /// Makes the memory of the cursors' table.
    pub(crate) fn make_cursors(&self) -> Result<Mapping, Error> {
        match self {
            Place::Memory => Mapping::anonymous(FILE_BYTES)
                .map_err(|error| Error::io("taking memory for the cursors", "memory".as_ref(), error)),
            Place::Dir(dir) => {
                let path = dir.join(CURSORS);
                cursors_file(&path, &path).map_err(|error| Error::io("creating the cursors' file", &path, error))
            }
        }
    }

    /// Makes the cursors' file anew, of what is in memory.
    pub(crate) fn remake_cursors(&self, cursors: &Cursors) -> Result<(), Error> {
        let Place::Dir(dir) = self else { return Ok(()) };
        let path = dir.join(CURSORS);
        let wrap = |error| Error::io("making the cursors' file anew", &path, error);
        // It gets its name when it is whole: there is a table at any time.
        let made = path.with_extension("new");
        if disk::info_of(&made).map_err(wrap)?.is_some() {
            disk::remove_file(&made).map_err(wrap)?;
        }
        let file = cursors_file(&made, &path).map_err(wrap)?;
        cursors.move_to(file, || disk::rename(&made, &path)).map_err(wrap)
    }
}

/// Returns what a journal in `dir` could be trusted with: only on a device is what is synced safe from a loss of power.
///
/// The directory need not exist: it would be where the first one above it is that does. What the system does not tell
/// is [`FileSystem::Other`].
pub fn file_system_of(dir: &Path) -> FileSystem {
    let dir = std::path::absolute(dir).unwrap_or_else(|_| dir.to_owned());
    let kinds = dir.ancestors().map(disk::file_system);
    let mut known = kinds.skip_while(|kind| {
        kind.as_ref()
            .is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
    });
    known.next().and_then(Result::ok).unwrap_or(FileSystem::Other)
}

/// Makes an empty file for a table of cursors at `made`; it is going to be at `path`.
pub(crate) fn cursors_file(made: &Path, path: &Path) -> io::Result<Mapping> {
    let file = File::open(made, Mode::CreateReadWrite)?;
    file.preallocate(FILE_BYTES as u64)?;
    let map = Map::file(&file, FILE_BYTES)?;
    let file = Some((file, path.to_owned()));
    Ok(Mapping::new(map, file))
}

fn file_segment(path: PathBuf, bytes: usize, pieces: Pieces) -> Result<Mapping, Error> {
    let made = (|| {
        let file = File::open(&path, Mode::CreateReadWrite)?;
        // Else a store into a page that was written back needs a new block, and on a full disk that is SIGBUS.
        file.no_copy_on_write();
        file.preallocate(bytes as u64)?;
        file.warm_up(bytes as u64, pieces);
        let map = Map::file(&file, bytes)?;
        Ok((map, file))
    })();
    match made {
        Ok((map, file)) => {
            let mut mapping = Mapping::new(map, Some((file, path)));
            mapping.pieces = pieces;
            Ok(mapping)
        }
        Err(error) => {
            let _ = disk::remove_file(&path);
            Err(Error::allocation("allocating a segment of the journal", &path, error))
        }
    }
}

/// Says whether there is to be no journal on such a file system. What is behind FUSE or an overlay is not known, and
/// mostly local.
pub(crate) fn is_refused(file_system: FileSystem, allow_network: bool) -> bool {
    file_system == FileSystem::Network && !allow_network
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    /// A directory that is yet to be made is judged by where it would be.
    #[test]
    fn a_directory_that_is_not_there_yet() {
        let root = tempfile::tempdir().unwrap();
        let here = file_system_of(root.path());
        assert_eq!(file_system_of(&root.path().join("a/b/c")), here);
        assert_eq!(file_system_of(Path::new("/proc/self")), FileSystem::Other);
        assert_eq!(
            file_system_of(Path::new("not-there/yet")),
            file_system_of(Path::new("."))
        );
        if disk::file_system("/dev/shm").is_ok_and(|kind| kind == FileSystem::Memory) {
            assert_eq!(file_system_of(Path::new("/dev/shm/not/there")), FileSystem::Memory);
        }
    }

    /// A network file system holds a journal only where that is allowed; every other one does.
    #[test]
    fn the_network_must_be_allowed() {
        for (file_system, asked, allowed) in [
            (FileSystem::Network, true, false),
            (FileSystem::Local, false, false),
            (FileSystem::Memory, false, false),
            (FileSystem::Other, false, false),
        ] {
            assert_eq!(is_refused(file_system, false), asked, "{file_system:?}");
            assert_eq!(is_refused(file_system, true), allowed, "{file_system:?}");
        }
    }
}
