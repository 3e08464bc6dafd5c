//! What is read: a run of frames, and what stands between them and cannot be read.

use std::ops::Range;

use crate::frame::Kind;
use crate::position::Position;
use crate::segment::Segment;

/// Bytes of memory that a batch keeps between reads, even if they are few.
const KEPT_BYTES: usize = 1 << 20;

/// A frame in a [`Batch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Data or note.
    pub kind: Kind,
    /// Where it stands: its sequence number.
    pub position: Position,
    /// The position behind it: what a head acknowledges once the record is delivered.
    pub end: Position,
    pub(super) bytes: Range<usize>,
}

/// A range that holds no readable frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Its start.
    pub at: Position,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it looks like.
    pub kind: DamageKind,
}

impl Damage {
    pub(super) fn corrupt(segment: &Segment, range: Range<usize>) -> Damage {
        Damage {
            at: segment.position(range.start),
            bytes: range.len() as u64,
            kind: DamageKind::Corrupt,
        }
    }

    #[cfg(not(loom))]
    pub(super) fn ends_after(&self, position: Position) -> bool {
        let end = self.at.to_u64().saturating_add(self.bytes);
        self.kind == DamageKind::Missing || end > position.to_u64()
    }
}

/// What an unreadable range looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamageKind {
    /// Nothing was published here: space that a producer reserved and did not fill before it died, so that no accepted
    /// record is lost; or, after a power loss, a page that never reached the device.
    Hole,
    /// Bytes that were changed or lost after they were written.
    Corrupt,
    /// A whole segment that is not there.
    Missing,
}

/// Frames read in one go. Reuse it: it keeps its memory.
#[derive(Debug, Default)]
pub struct Batch {
    pub(super) bytes: Vec<u8>,
    pub(super) frames: Vec<Frame>,
    pub(super) damage: Vec<Damage>,
    pub(super) scratch: Vec<u8>,
}

impl Batch {
    /// Returns the frames, in order.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Returns a frame's payload.
    #[inline]
    pub fn payload(&self, frame: &Frame) -> &[u8] {
        self.bytes.get(frame.bytes.clone()).unwrap_or_default()
    }

    /// Returns what was stepped over.
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    pub(super) fn clear(&mut self) {
        // One huge record must not stay in memory for ever, nor a few of them cost an allocation each.
        for buffer in [&mut self.bytes, &mut self.scratch] {
            if buffer.capacity() > KEPT_BYTES && buffer.len() < buffer.capacity() / 4 {
                buffer.shrink_to(KEPT_BYTES);
            }
            buffer.clear();
        }
        self.frames.clear();
        self.damage.clear();
    }
}
