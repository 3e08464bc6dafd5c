//! What a dead process left: its segments, read with every checksum verified, and its cursors.
//!
//! Nothing here trusts a file: a header that is damaged is read from its second copy, a file that is no segment is left
//! alone and reported, frames that do not verify are stepped over. Opening looks at the headers only, so it takes the
//! same time for a backlog of any size; a segment is mapped when a head gets to it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hydra_os::atomic::{Arc as OsArc, Mutex};
use hydra_os::disk::{self, File, Mode};
use hydra_os::map::Map;

use crate::cursor::{Cursors, FILE_BYTES};
use crate::error::{Error, ErrorKind};
use crate::kept;
use crate::lock::{CURSORS, Home, SEGMENT_SUFFIX};
use crate::place;
use crate::position::Position;
use crate::read::{Batch, Read, Reader, Source};
use crate::segment::{BYTES_MAX, BadHeader, FRAMES_START, MAGIC, Mapping, Segment, TRAILER_BYTES};

/// A dead process's journal, owned by this process from now on.
#[derive(Debug)]
pub(crate) struct Dead {
    home: Home,
    contents: Contents,
    pub(crate) cursors: Cursors,
    /// The segment opened last: heads tend to read the same one.
    last: Mutex<Option<OsArc<Segment>>>,
    /// Damaged files that have been put aside.
    kept: Mutex<Vec<PathBuf>>,
}

/// The segment files of a directory.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) segments: BTreeMap<u32, PathBuf>,
    /// Files that look like segments and could not be read, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// Why the first of the files that the system refuses to open is refused: its frames may be whole.
    pub(crate) refused: Option<Error>,
    /// Files written by a later version.
    pub(crate) newer: Vec<PathBuf>,
    /// The position behind everything.
    pub(crate) end: Position,
}

impl Contents {
    /// Looks at the headers of the segment files in `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Contents, Error> {
        let (mut contents, mut begun_ns) = (Contents::default(), BTreeMap::new());
        for name in disk::list(dir).map_err(|error| Error::io("reading a journal", dir, error))? {
            if !name.to_str().is_some_and(|name| name.ends_with(SEGMENT_SUFFIX)) {
                continue;
            }
            let path = dir.join(name);
            let opened = match open_segment(&path) {
                // Gone between listing and opening: a living owner has recycled it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) if is_shortage(&error) => {
                    return Err(Error::io("reading a segment's header", &path, error));
                }
                other => other,
            };
            match opened {
                Ok(Opened::Segment(segment)) => {
                    contents.end = contents.end.max(segment.position(segment.end + segment.cut));
                    let begun = segment.mapping.header().map_or(0, |header| header.created_ns);
                    // Of two with one number the later is a whole copy of the earlier: see `poison`.
                    if begun_ns.insert(segment.number, begun).is_none_or(|other| other < begun) {
                        contents.segments.insert(segment.number, path);
                    } else {
                        begun_ns
                            .entry(segment.number)
                            .and_modify(|found| *found = begun.max(*found));
                    }
                }
                Ok(Opened::Spare) => {}
                Ok(Opened::Newer) => contents.newer.push(path),
                Ok(Opened::Damaged) => {
                    let reason = "both copies of its header are damaged".to_owned();
                    contents.unreadable.push((path, reason));
                }
                Err(error) => {
                    let reason = error.to_string();
                    let refused = Error::io("opening a dead process's segment", &path, error);
                    contents.refused.get_or_insert(refused);
                    contents.unreadable.push((path, reason));
                }
            }
        }
        Ok(contents)
    }
}

/// Says whether an error is about this process or this moment, not about the file.
fn is_shortage(error: &io::Error) -> bool {
    // ENOMEM, ENFILE, EMFILE.
    error.kind() == io::ErrorKind::OutOfMemory || matches!(error.raw_os_error(), Some(23 | 24))
}

/// What a file with a segment's name is.
pub(crate) enum Opened {
    Segment(Segment),
    Spare,
    Newer,
    /// Neither copy of its header can be read.
    Damaged,
}

/// Maps a segment file to read it.
pub(crate) fn open_segment(path: &Path) -> io::Result<Opened> {
    let file = File::open(path, Mode::Read)?;
    let len = file.len()?.min(BYTES_MAX as u64) as usize / 8 * 8;
    if len == 0 {
        // Its maker died before it had any blocks.
        return Ok(if is_rest(&file)? {
            Opened::Damaged
        } else {
            Opened::Spare
        });
    }
    let map = Map::file_read_only(&file, len)?;
    let mapping = Mapping::new(map, None);
    Ok(match mapping.header() {
        Ok(header) if header.number == 0 => Opened::Spare,
        Ok(header) => {
            let (generation, number, bytes) = (header.generation, header.number, header.bytes);
            let mapping = OsArc::new(mapping);
            let segment = Segment::of(mapping, generation, number, bytes, header.copies_pages);
            Opened::Segment(segment.summed(header.sum))
        }
        Err(BadHeader::Newer) => Opened::Newer,
        // A file whose making was cut short has no frames; its header may be half there.
        Err(BadHeader::Damaged) if has_no_frames(&mapping.map) && !is_rest(&file)? => Opened::Spare,
        Err(BadHeader::Damaged) => Opened::Damaged,
    })
}

/// Says whether a file begins as a segment does and ends before its frames: somebody has cut them off, for all of a
/// segment's blocks are there before its header is.
fn is_rest(file: &File) -> io::Result<bool> {
    let mut bytes = [0; MAGIC.len()];
    let count = file.read_at(&mut bytes, 0)?;
    let begins_so = count > 0 && MAGIC.get(..count) == bytes.get(..count);
    Ok(begins_so && file.len()? < FRAMES_START as u64)
}

fn has_no_frames(map: &Map) -> bool {
    let mut page = vec![0; 4096];
    let end = map.len().saturating_sub(TRAILER_BYTES);
    (FRAMES_START..end).step_by(4096).all(|at| {
        page.resize(4096.min(end - at), 0);
        map.copy_out(at, &mut page);
        page.iter().all(|byte| *byte == 0)
    })
}

impl Dead {
    /// Takes in the journal in `home`.
    pub(crate) fn open(home: Home) -> Result<Dead, Error> {
        let mut contents = Contents::read(&home.dir)?;
        if let Some(refused) = contents.refused.take() {
            // Heads would pass over its records for good; another start may be let in.
            return Err(refused);
        }
        if let Some(path) = contents.newer.first() {
            let text = "reading a journal that a later version of this library wrote; it is left as it is";
            return Err(Error::at(ErrorKind::Newer, text, path));
        }
        let path = home.dir.join(CURSORS);
        let cursors = match open_cursors(&path)? {
            Some(cursors) => cursors,
            None => Cursors::replace(fresh_cursors(&path)?),
        };
        Ok(Dead {
            home,
            contents,
            cursors,
            last: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.home.dir
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns how far the journal is known to have got; see `reached`.
    pub(crate) fn reached(&self) -> Position {
        self.cursors.reached()
    }

    /// Returns the first segment numbered `number` or higher.
    ///
    /// # Errors
    /// When the system refuses to open it: it is there, and must not be taken for missing.
    pub(crate) fn segment_from(&self, number: u32) -> io::Result<Option<OsArc<Segment>>> {
        for (found, path) in self.contents.segments.range(number..) {
            let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(segment) = last.as_ref().filter(|segment| segment.number == *found) {
                return Ok(Some(OsArc::clone(segment)));
            }
            match open_segment(path) {
                Ok(Opened::Segment(segment)) => {
                    let segment = OsArc::new(segment);
                    *last = Some(OsArc::clone(&segment));
                    return Ok(Some(segment));
                }
                // It has been damaged or removed since we looked at its header: the reader reports the gap.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Says whether every head that had a cursor has delivered everything.
    pub(crate) fn is_done(self: &Arc<Self>) -> bool {
        if !self.contents.unreadable.is_empty() {
            return false;
        }
        match self.cursors.lowest() {
            Some(low) => self.is_read_from(low),
            // Whoever it was for has not come yet.
            None if self.cursors.is_lost() => self.is_read_from(Position::START),
            None => true,
        }
    }

    fn is_read_from(self: &Arc<Self>, from: Position) -> bool {
        let source = Source::Dead(Arc::clone(self));
        Reader::new(source, from).has_no_more_data()
    }

    /// Removes the journal from the disk, but for the files that are damaged.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        for path in self.contents.segments.values() {
            let is_damaged = match open_segment(path) {
                Ok(Opened::Segment(segment)) => kept::is_damaged(&segment),
                Ok(_) => true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(Error::io("looking for damage in a dead process's segment", path, error)),
            };
            if is_damaged {
                let path = self.home.keep(path)?;
                let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                kept.push(path);
            }
        }
        // Whoever finds it half removed misses nothing.
        self.cursors.note_reached(Position::START);
        self.home.remove()
    }

    /// Returns where the damaged files are that stayed when it was removed.
    pub(crate) fn kept(&self) -> Vec<PathBuf> {
        self.kept
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .clone()
    }

    /// Returns the payload of the last data frame, if there is one.
    pub(crate) fn last_data(self: &Arc<Self>) -> Option<Vec<u8>> {
        for number in self.contents.segments.keys().rev() {
            let from = Position::new(*number, FRAMES_START as u32);
            let mut reader = Reader::new(Source::Dead(Arc::clone(self)), from);
            let (mut batch, mut found) = (Batch::default(), None);
            while reader.position().segment() <= *number && reader.read(&mut batch, 1 << 20) == Read::Some {
                let last = batch
                    .frames()
                    .iter()
                    .rfind(|frame| frame.kind == crate::frame::Kind::Data);
                found = last.map(|frame| batch.payload(frame).to_vec()).or(found);
            }
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// Opens the table of cursors; `None` if it is gone or damaged.
fn open_cursors(path: &Path) -> Result<Option<Cursors>, Error> {
    let wrap = |error| Error::io("opening the cursors' file", path, error);
    let file = match File::open(path, Mode::ReadWrite) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(wrap)?,
    };
    if file.len().map_err(wrap)? < FILE_BYTES as u64 {
        return Ok(None);
    }
    let map = Map::file(&file, FILE_BYTES).map_err(wrap)?;
    let file = Some((file, path.to_owned()));
    Ok(Cursors::open(Mapping::new(map, file)))
}

/// Makes the cursors' file anew, in place of one that is gone or damaged.
fn fresh_cursors(path: &Path) -> Result<Mapping, Error> {
    let wrap = |error| Error::io("making the cursors' file anew", path, error);
    if disk::info_of(path).map_err(wrap)?.is_some() {
        // Kept, not overwritten: somebody may want to look at it.
        disk::rename(path, path.with_extension("damaged")).map_err(wrap)?;
    }
    place::cursors_file(path, path).map_err(wrap)
}
