//! How far a journal had got, against what is there of it.
//!
//! Where a dead process's journal ends, nothing follows: neither in the last segment nor behind it. It looks the same
//! where somebody has emptied the end of it. So the keeper writes down, beside the cursors, where the tail is: whenever
//! a segment is begun, several times a second while there is anything to lose, and at the end. What is missing before
//! that place was there once, or was being appended when the process died; only what came in the last moment before its
//! death can go without a trace. After a loss of power nothing is told: what was not synced may be missing then.

use crate::position::Position;
use crate::read::{Damage, DamageKind};
use crate::segment::Segment;

/// What is never written back is lost in such pieces.
const PAGE_BYTES: usize = 4096;

/// Returns what is missing of a segment in which nothing stands from `offset` on, if the journal got further than that.
///
/// A thread that died may have reserved the space and not filled it. Not so where a page and more is empty from its
/// first byte on: who dies while it fills so much has stored something.
pub(crate) fn emptied(segment: &Segment, offset: usize, reached: Position) -> Option<Damage> {
    let at = segment.position(offset);
    let end = if reached.segment() > segment.number {
        segment.end
    } else {
        (reached.offset() as usize).min(segment.end)
    };
    let bytes = end.saturating_sub(offset);
    if reached <= at || bytes == 0 {
        return None;
    }
    let kind = if offset.is_multiple_of(PAGE_BYTES) && bytes >= PAGE_BYTES {
        DamageKind::Corrupt
    } else {
        DamageKind::Hole
    };
    let bytes = bytes as u64;
    Some(Damage { at, bytes, kind })
}

/// Returns what is missing behind `at`, where the segments that are there end, if the journal got further than that.
/// `segment_bytes` is about what a segment holds.
pub(crate) fn cut_off(at: Position, segment_bytes: usize, reached: Position) -> Option<Damage> {
    if reached <= at {
        return None;
    }
    let segments = u64::from(reached.segment() - at.segment());
    let bytes = segments * segment_bytes as u64 + u64::from(reached.offset());
    let bytes = bytes.saturating_sub(u64::from(at.offset()));
    let kind = DamageKind::Missing;
    Some(Damage { at, bytes, kind })
}
