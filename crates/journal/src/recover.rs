//! What a dead process left: its segments, read with every checksum verified, and its cursors.
//!
//! Nothing here trusts a file: a header that is damaged is read from its second copy, a file that is no segment is left
//! alone and reported, frames that do not verify are stepped over. Opening looks at the headers only, so it takes the same
//! time for a backlog of any size; a segment is mapped when a head gets to it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use hydra_os::atomic::Arc as OsArc;
use hydra_os::disk::{self, File, Mode};
use hydra_os::map::Map;

use crate::cursor::{Cursors, FILE_BYTES};
use crate::error::{Error, ErrorKind};
use crate::lock::{CURSORS, Home, SEGMENT_SUFFIX};
use crate::position::Position;
use crate::read::{Batch, Read, Reader, Source};
use crate::segment::{BadHeader, FRAMES_START, Mapping, Segment};

/// A dead process's journal, owned by this process from now on.
#[derive(Debug)]
pub(crate) struct Dead {
    home: Home,
    contents: Contents,
    pub(crate) cursors: Cursors,
    pub(crate) cursors_lost: bool,
    /// The segment opened last: heads tend to read the same one.
    last: Mutex<Option<OsArc<Segment>>>,
}

/// The segment files of a directory.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) segments: BTreeMap<u32, PathBuf>,
    /// Files that look like segments and could not be read, with the reason.
    pub(crate) unreadable: Vec<(PathBuf, String)>,
    /// Files written by a later version.
    pub(crate) newer: Vec<PathBuf>,
    /// Where each segment's frames may end.
    pub(crate) ends: BTreeMap<u32, usize>,
}

impl Contents {
    /// Looks at the headers of the segment files in `dir`.
    pub(crate) fn read(dir: &Path) -> Result<Contents, Error> {
        let mut contents = Contents::default();
        for name in disk::list(dir).map_err(|error| Error::io("reading a journal", dir, error))? {
            if !name.to_str().is_some_and(|name| name.ends_with(SEGMENT_SUFFIX)) {
                continue;
            }
            let path = dir.join(name);
            match open_segment(&path) {
                Ok(Opened::Segment(segment)) => {
                    contents.ends.insert(segment.number, segment.end);
                    contents.segments.insert(segment.number, path);
                }
                Ok(Opened::Spare) => {}
                Ok(Opened::Newer) => contents.newer.push(path),
                Err(reason) => contents.unreadable.push((path, reason)),
            }
        }
        Ok(contents)
    }

    /// Returns the position behind everything.
    pub(crate) fn end(&self) -> Position {
        match self.ends.last_key_value() {
            Some((number, end)) => Position::new(*number, *end as u32),
            None => Position::START,
        }
    }
}

/// What a file with a segment's name is.
pub(crate) enum Opened {
    Segment(Segment),
    Spare,
    Newer,
}

/// Maps a segment file to read it.
pub(crate) fn open_segment(path: &Path) -> Result<Opened, String> {
    let file = File::open(path, Mode::Read).map_err(|error| error.to_string())?;
    let len = file.len().map_err(|error| error.to_string())? as usize;
    let map = Map::file_read_only(&file, len).map_err(|error| error.to_string())?;
    let mapping = Mapping { map, file: None };
    match mapping.header() {
        Ok(header) if header.number == 0 => Ok(Opened::Spare),
        Ok(header) => Ok(Opened::Segment(Segment::of(
            OsArc::new(mapping),
            header.generation,
            header.number,
        ))),
        Err(BadHeader::Newer) => Ok(Opened::Newer),
        // A file whose making was cut short holds no frames, and no header either.
        Err(BadHeader::Damaged) if is_blank(&mapping.map) => Ok(Opened::Spare),
        Err(BadHeader::Damaged) => Err("both copies of its header are damaged".to_owned()),
    }
}

fn is_blank(map: &Map) -> bool {
    let mut page = vec![0; 4096];
    (0..map.len()).step_by(4096).all(|at| {
        page.resize(4096.min(map.len() - at), 0);
        map.copy_out(at, &mut page);
        page.iter().all(|byte| *byte == 0)
    })
}

impl Dead {
    /// Takes in the journal in `home`.
    pub(crate) fn open(home: Home) -> Result<Dead, Error> {
        let contents = Contents::read(&home.dir)?;
        if let Some(path) = contents.newer.first() {
            let text = "reading a journal that a later version of this library wrote; it is left as it is";
            return Err(Error::at(ErrorKind::Newer, text, path));
        }
        let path = home.dir.join(CURSORS);
        let found = open_cursors(&path);
        let cursors_lost = found.is_none();
        let cursors = match found {
            Some(cursors) => cursors,
            None => Cursors::create(fresh_cursors(&path)?),
        };
        Ok(Dead {
            home,
            contents,
            cursors,
            cursors_lost,
            last: Mutex::default(),
        })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.home.dir
    }

    pub(crate) fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns the first segment numbered `number` or higher that can be read.
    pub(crate) fn segment_from(&self, number: u32) -> Option<OsArc<Segment>> {
        for (found, path) in self.contents.segments.range(number..) {
            let mut last = self.last.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(segment) = last.as_ref().filter(|segment| segment.number == *found) {
                return Some(OsArc::clone(segment));
            }
            if let Ok(Opened::Segment(segment)) = open_segment(path) {
                let segment = OsArc::new(segment);
                *last = Some(OsArc::clone(&segment));
                return Some(segment);
            }
        }
        None
    }

    /// Says whether every head that had a cursor has delivered everything.
    pub(crate) fn is_done(&self) -> bool {
        let end = self.contents.end();
        self.contents.unreadable.is_empty() && self.cursors.lowest().is_none_or(|low| low >= end)
    }

    /// Removes the journal from the disk.
    pub(crate) fn remove(&self) -> Result<(), Error> {
        self.home.remove()
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

pub(crate) fn open_cursors(path: &Path) -> Option<Cursors> {
    let file = File::open(path, Mode::ReadWrite).ok()?;
    let len = file.len().ok()? as usize;
    if len < FILE_BYTES {
        return None;
    }
    Cursors::open(Map::file(&file, FILE_BYTES).ok()?)
}

/// Makes the cursors' file anew, in place of one that is gone or damaged.
fn fresh_cursors(path: &Path) -> Result<Map, Error> {
    let wrap = |error| Error::io("making the cursors' file anew", path, error);
    if disk::info_of(path).map_err(wrap)?.is_some() {
        // Kept, not overwritten: somebody may want to look at it.
        disk::rename(path, path.with_extension("damaged")).map_err(wrap)?;
    }
    let file = File::open(path, Mode::CreateReadWrite).map_err(wrap)?;
    file.preallocate(FILE_BYTES as u64).map_err(wrap)?;
    Map::file(&file, FILE_BYTES).map_err(wrap)
}
