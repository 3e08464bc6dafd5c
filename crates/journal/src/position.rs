//! Places in a journal.

use std::fmt;

/// A place in one journal: a segment's number and a byte offset in it.
///
/// Positions of one journal are ordered as the records were accepted, and are never used twice, so the position of a
/// frame is also its sequence number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(u64);

impl Position {
    /// Before everything.
    pub const START: Position = Position(0);
    /// After everything that can ever be written.
    pub const END: Position = Position(u64::MAX);

    /// Makes the position at `offset` in `segment`.
    #[inline]
    pub const fn new(segment: u32, offset: u32) -> Position {
        Position((segment as u64) << 32 | offset as u64)
    }

    /// Reads a position back from [`Position::to_u64`].
    #[inline]
    pub const fn from_u64(number: u64) -> Position {
        Position(number)
    }

    /// Returns the position as one number that orders the same way.
    #[inline]
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// Returns the segment's number, from 1.
    #[inline]
    pub const fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// Returns the byte offset in the segment.
    #[inline]
    pub const fn offset(self) -> u32 {
        self.0 as u32
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment(), self.offset())
    }
}
