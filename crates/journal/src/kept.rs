//! Damaged files are kept, for whoever wants to know what happened to them.
//!
//! When a journal is removed because every head has what could be read of it, the files of its damaged segments go to
//! the folder `damaged` beside the journals, under the name `JOURNAL.FILE`. Nothing reads them there, and they are few:
//! the oldest go when there are more than [`FILES_MAX`], or when they take more than [`BYTES_MAX`].

use std::path::{Path, PathBuf};

use hydra_os::disk;

use crate::error::Error;
use crate::frame::FRAME_HEAD_BYTES;
use crate::lock::{Home, serialise};
use crate::read::{Damage, DamageKind, step_over};
use crate::segment::{FRAMES_START, Segment};

/// The most damaged files that are kept.
pub const FILES_MAX: usize = 16;
/// The most bytes of damaged files that are kept, if there is more than one.
pub const BYTES_MAX: u64 = 256 << 20;

const FOLDER: &str = "damaged";
/// What was never written back is lost in such pieces.
const PAGE_BYTES: usize = 4096;

/// Returns the damaged files that are kept beside the journals under `root`, the oldest first.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when the directory cannot be read.
pub fn damaged_files(root: &Path) -> Result<Vec<PathBuf>, Error> {
    let files = files(&root.join(FOLDER))?;
    Ok(files.into_iter().map(|(_, _, path)| path).collect())
}

/// When each of the files was last written to, how long it is, and its name; the oldest first.
fn files(folder: &Path) -> Result<Vec<(i64, u64, PathBuf)>, Error> {
    let wrap = |error| Error::io("looking for damaged files that were kept", folder, error);
    if disk::info_of(folder).map_err(wrap)?.is_none() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for name in disk::list(folder).map_err(wrap)? {
        let path = folder.join(name);
        if let Some(info) = disk::info_of(&path).map_err(wrap)? {
            files.push((info.modified_ns, info.len, path));
        }
    }
    files.sort();
    Ok(files)
}

impl Home {
    /// Moves a damaged file of this journal to where it is kept when the journal goes. Returns its new name.
    pub(crate) fn keep(&self, path: &Path) -> Result<PathBuf, Error> {
        let wrap = |error| Error::io("keeping a damaged file of the journal", path, error);
        let root = self.dir.parent().unwrap_or(Path::new("."));
        let folder = root.join(FOLDER);
        // Others may be keeping theirs.
        let _serial = serialise(root)?;
        disk::create_dir_all(&folder).map_err(wrap)?;
        let mut name = self.dir.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(path.file_name().unwrap_or_default());
        let kept = folder.join(name);
        disk::rename(path, &kept).map_err(wrap)?;
        let mut files = files(&folder)?;
        let mut bytes: u64 = files.iter().map(|(_, len, _)| len).sum();
        // This one is new here, however old it is.
        files.retain(|(_, _, path)| *path != kept);
        let mut count = files.len() + 1;
        for (_, len, path) in files {
            if count <= FILES_MAX && bytes <= BYTES_MAX {
                break;
            }
            disk::remove_file(&path).map_err(wrap)?;
            (count, bytes) = (count - 1, bytes - len);
        }
        Ok(kept)
    }
}

/// Says whether something of a dead process's segment is damaged, be it that no record is lost.
pub(crate) fn is_damaged(segment: &Segment) -> bool {
    if segment.cut > 0 || !segment.has_both_headers() {
        return true;
    }
    let (mut offset, mut scratch, mut damage) = (FRAMES_START, Vec::new(), Vec::new());
    while offset + FRAME_HEAD_BYTES <= segment.end {
        let envelope = segment.envelope(offset);
        match envelope.filter(|envelope| segment.verify(offset, *envelope, &mut scratch)) {
            Some(envelope) => offset += envelope.total(),
            None => offset = step_over(segment, offset, &mut scratch, &mut damage),
        }
    }
    damage.iter().any(|damage| is_evidence(segment, damage))
}

/// Says whether a damage may be anything but space that a producer had reserved and not filled when it died.
///
/// A page that was lost looks like that if a frame began where it begins; but nobody has stored anything there, and who
/// dies while it fills so much has stored something.
fn is_evidence(segment: &Segment, damage: &Damage) -> bool {
    let start = damage.at.offset() as usize;
    if damage.kind != DamageKind::Hole {
        return true;
    }
    if !start.is_multiple_of(PAGE_BYTES) || damage.bytes < PAGE_BYTES as u64 {
        return false;
    }
    let mut bytes = [0; PAGE_BYTES];
    segment.mapping.map.copy_out(start, &mut bytes);
    bytes == [0; PAGE_BYTES]
}
