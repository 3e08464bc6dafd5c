//! What a journal directory holds, without changing it; also while its owners are at work.

use std::path::{Path, PathBuf};

use crate::cursor::{CursorState, Cursors};
use crate::error::Error;
use crate::frame::{FRAME_HEAD_BYTES, Kind};
use crate::lock::{CURSORS, Home, LOCK, serialise, subdirectories};
use crate::position::Position;
use crate::reached::{cut_off, emptied};
use crate::read::{Damage, DamageKind, step_over};
use crate::recover::{Contents, Opened, open_segment};
use crate::segment::{FRAMES_START, Mapping};
use hydra_os::disk::{self, File, Mode};
use hydra_os::map::Map;

/// One process's journal.
#[derive(Debug)]
pub struct Inspection {
    /// Its directory.
    pub dir: PathBuf,
    /// The process that made it, if its lock file says so.
    pub owner: Option<u32>,
    /// Whether the owner lives.
    pub alive: bool,
    /// Its segments, in order.
    pub segments: Vec<SegmentView>,
    /// Its heads: name, place, and how many records (of any destination) lie behind that place.
    pub heads: Vec<(String, CursorState, u64)>,
    /// Whether the table of cursors could be read.
    pub cursors_lost: bool,
    /// What cannot be read: ranges in segments. In a living journal only what cannot be an append under way.
    pub damage: Vec<Damage>,
    /// Files that look like segments and are not, with the reason.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Files of a later version.
    pub newer: Vec<PathBuf>,
}

/// One segment.
#[derive(Debug)]
pub struct SegmentView {
    /// Its number.
    pub number: u32,
    /// Its file.
    pub path: PathBuf,
    /// Size in bytes.
    pub bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Notes in it.
    pub notes: u64,
    /// Bytes used.
    pub used: u64,
    positions: Vec<Position>,
}

impl Inspection {
    /// Says whether anything is damaged.
    pub fn is_corrupt(&self) -> bool {
        let corrupt = self.damage.iter().any(|damage| damage.kind != DamageKind::Hole);
        corrupt || self.cursors_lost || !self.unreadable.is_empty()
    }
}

/// Looks at every journal under `root`.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when a directory cannot be read.
pub fn inspect(root: &Path) -> Result<Vec<Inspection>, Error> {
    subdirectories(root)?.iter().map(|dir| inspect_one(dir)).collect()
}

fn inspect_one(dir: &Path) -> Result<Inspection, Error> {
    let alive = is_locked(dir);
    let contents = Contents::read(dir)?;
    let table = read_cursors(&dir.join(CURSORS));
    // A living journal's tail goes on under our eyes.
    let reached = (!alive).then(|| table.as_ref().map(Cursors::reached).unwrap_or_default());
    let mut damage = Vec::new();
    let mut segments: Vec<SegmentView> = Vec::new();
    for (number, path) in &contents.segments {
        if let Some(before) = segments.last().filter(|before| before.number + 1 < *number) {
            let bytes = u64::from(number - before.number - 1) * before.bytes;
            damage.push(Damage {
                at: Position::new(before.number + 1, 0),
                bytes,
                kind: DamageKind::Missing,
            });
        }
        segments.extend(view(*number, path, reached, &mut damage));
    }
    let cursors = table.as_ref().map(Cursors::all);
    let lag = |from: Position| {
        segments
            .iter()
            .flat_map(|segment| &segment.positions)
            .filter(|at| **at >= from)
            .count()
    };
    let heads = cursors
        .iter()
        .flatten()
        .map(|(name, state)| (name.clone(), *state, lag(state.position) as u64))
        .collect();
    let low = cursors.iter().flatten().map(|(_, state)| state.position).min();
    let (end, bytes) = match segments.last() {
        Some(last) => (Position::new(last.number + 1, 0), last.bytes),
        None => (Position::START, 0),
    };
    let at = end.max(low.unwrap_or_default());
    damage.extend(cut_off(at, bytes as usize, reached.unwrap_or_default()));
    // What every head is past goes in no particular order.
    let is_needed = |at: Position| low.is_none_or(|low| at.segment() >= low.segment());
    damage.retain(|damage| damage.kind != DamageKind::Missing || is_needed(damage.at));
    Ok(Inspection {
        owner: Home::owner(dir),
        alive,
        heads,
        cursors_lost: cursors.is_none() && !alive && !contents.segments.is_empty(),
        damage,
        unreadable: if alive { Vec::new() } else { contents.unreadable },
        newer: contents.newer,
        dir: dir.to_owned(),
        segments,
    })
}

/// Looks at a segment; how far the journal got is not known while its owner lives.
fn view(number: u32, path: &Path, reached: Option<Position>, damage: &mut Vec<Damage>) -> Option<SegmentView> {
    let alive = reached.is_none();
    let Ok(Opened::Segment(segment)) = open_segment(path) else {
        return None;
    };
    let bytes = segment.mapping.map.len() as u64;
    let mut view = SegmentView {
        number,
        path: path.to_owned(),
        bytes,
        records: 0,
        notes: 0,
        used: 0,
        positions: Vec::new(),
    };
    let (mut offset, mut scratch, mut found) = (FRAMES_START, Vec::new(), Vec::new());
    while offset + FRAME_HEAD_BYTES <= segment.end {
        match segment
            .envelope(offset)
            .filter(|envelope| segment.verify(offset, *envelope, &mut scratch))
        {
            Some(envelope) => {
                match envelope.kind {
                    Kind::Data => {
                        view.records += 1;
                        view.positions.push(segment.position(offset));
                    }
                    Kind::Note => view.notes += 1,
                    Kind::Padding => {}
                }
                offset += envelope.total();
                view.used = offset as u64;
            }
            None => {
                let told = found.len();
                let next = step_over(&segment, offset, &mut scratch, &mut found);
                if found.len() == told {
                    found.extend(reached.and_then(|reached| emptied(&segment, offset, reached)));
                }
                offset = next;
            }
        }
    }
    if segment.cut > 0 && offset < segment.end + segment.cut {
        let at = segment.position(offset);
        let bytes = (segment.end + segment.cut - offset) as u64;
        let kind = DamageKind::Corrupt;
        found.push(Damage { at, bytes, kind });
    }
    // The owner may have recycled the file under our eyes, and what is being appended looks like a hole.
    let steady = segment
        .mapping
        .header()
        .is_ok_and(|header| header.generation == segment.generation);
    if !alive || steady {
        damage.extend(
            found
                .into_iter()
                .filter(|damage| !alive || damage.kind == DamageKind::Corrupt),
        );
    }
    Some(view)
}

fn is_locked(dir: &Path) -> bool {
    // While we hold the lock of a dead one, nobody may come by to adopt it and find it taken.
    let serial = dir.parent().and_then(|root| serialise(root).ok());
    let is_taken = |path: &Path| File::open(path, Mode::Read).and_then(|lock| lock.try_lock().map(|free| !free));
    let is_locked = [dir, &dir.join(LOCK)]
        .map(is_taken)
        .into_iter()
        .any(|taken| taken.unwrap_or(false));
    drop(serial);
    is_locked
}

fn read_cursors(path: &Path) -> Option<Cursors> {
    let file = File::open(path, Mode::Read).ok()?;
    let len = crate::cursor::FILE_BYTES;
    if disk::len_of(path).ok()?? < len as u64 {
        return None;
    }
    let map = Map::file_read_only(&file, len).ok()?;
    Cursors::view(Mapping::new(map, None))
}
