//! How a head reads the journal: a batch at a time, in order, each frame whole.
//!
//! A batch is one run of published frames, copied out of the mapping in one go. (A slice of the mapping itself would
//! save about five nanoseconds a record and cost the guarantee that reading is memory-safe whatever another process
//! does to the file.) The records in it are borrowed slices.

mod batch;

use std::ops::Range;

use hydra_os::atomic::{Arc, Ordering};

pub use self::batch::{Batch, Damage, DamageKind, Frame};
#[cfg(not(loom))]
use crate::copies::Copied;
use crate::frame::{Envelope, FRAME_ALIGN, FRAME_HEAD_BYTES, Kind};
use crate::position::Position;
#[cfg(not(loom))]
use crate::reached::{cut_off, emptied};
#[cfg(not(loom))]
use crate::recover::Dead;
use crate::segment::{FRAMES_START, Segment};
use crate::store::Log;

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// There are frames in the batch, or the reader has moved on.
    Some,
    /// Everything appended has been read; the tail is at this position.
    Empty(Position),
    /// There is more, and it cannot be read yet: a producer has reserved space and not published it (nobody rings when
    /// it does: look again soon), or the system refused to open a dead process's segment (look again later).
    Pending,
    /// A dead process's journal has been read to its end.
    End,
}

/// Where the frames come from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Live(Arc<Log>),
    #[cfg(not(loom))]
    Dead(std::sync::Arc<Dead>),
}

/// Reads a journal from some position on.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    segment: Option<Arc<Segment>>,
    position: Position,
    /// Data before it has been delivered already; only the notes are wanted.
    from: Position,
    /// It has been told whether the end of a dead process's journal is missing.
    #[cfg(not(loom))]
    end_told: bool,
    /// See [`Reader::past_holes`].
    past_holes: bool,
}

impl Reader {
    pub(crate) fn new(source: Source, from: Position) -> Reader {
        let position = Position::new(from.segment(), FRAMES_START as u32);
        Reader {
            source,
            segment: None,
            position,
            from,
            #[cfg(not(loom))]
            end_told: false,
            past_holes: false,
        }
    }

    /// Returns the reader as one that, in a living journal, does not wait for what a producer has reserved and not
    /// published yet: it goes on behind it, and reports it in [`Batch::damage`]. For whoever wants to know what is
    /// there now; a head that read like that would lose what comes to stand there.
    #[must_use]
    pub fn past_holes(self) -> Reader {
        Reader {
            past_holes: true,
            ..self
        }
    }

    /// Returns the position of the next frame to read.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Returns the position of the first record that it gives: what it passes over before that is read for the notes.
    pub fn begins_at(&self) -> Position {
        self.from
    }

    /// Reads the next frames into `batch`, about `bytes_max` bytes of them (one record may be larger).
    ///
    /// Never waits. In a dead process's journal every frame's checksum is verified, and what does not pass is stepped
    /// over and reported in [`Batch::damage`].
    ///
    /// A reader of a living journal that its head's cursor has overtaken goes on in the first segment that is still
    /// there.
    pub fn read(&mut self, batch: &mut Batch, bytes_max: usize) -> Read {
        batch.clear();
        if self.segment.is_none() && !self.open_next(self.position.segment(), batch) {
            return self.nothing_in(batch);
        }
        let Some(segment) = self.current() else {
            return self.nothing();
        };
        let start = self.position.offset() as usize;
        let end = match &self.source {
            #[cfg(not(loom))]
            Source::Live(_) if segment.is_broken() => self.read_broken(&segment, start, bytes_max, batch),
            Source::Live(_) => self.read_live(&segment, start, bytes_max, batch),
            #[cfg(not(loom))]
            Source::Dead(dead) => self.read_dead(&segment, dead.reached(), start..start + bytes_max, batch),
        };
        if segment.is_retired() {
            // What was copied may be the segment's next life.
            batch.clear();
            self.position = segment.position(segment.end);
        } else {
            self.position = segment.position(end);
            if end > start {
                #[cfg(not(loom))]
                if let Source::Live(log) = &self.source {
                    log.stir();
                }
                return Read::Some;
            }
        }
        if self.position.offset() as usize + FRAME_HEAD_BYTES > segment.end {
            // Whoever steps over what is not filled yet has not seen that all of it is.
            if !self.past_holes {
                segment.settle();
            }
            if self.open_next(segment.number + 1, batch) {
                #[cfg(not(loom))]
                if matches!(self.source, Source::Live(_)) && !self.past_holes {
                    // Its memory had been let go of before: reading has brought it back.
                    segment.release_pages_again();
                }
                return Read::Some;
            }
        } else if self.past_holes && self.step_over(&segment, batch) {
            return Read::Some;
        }
        self.nothing_in(batch)
    }

    /// As [`Reader::nothing`]; but at the end of a dead process's journal what is missing there is told first.
    fn nothing_in(&mut self, batch: &mut Batch) -> Read {
        let nothing = self.nothing();
        #[cfg(not(loom))]
        if nothing == Read::End
            && !std::mem::replace(&mut self.end_told, true)
            && let Source::Dead(dead) = &self.source
        {
            let (at, bytes) = match &self.segment {
                // What is missing of it has been told.
                Some(segment) => (Position::new(segment.number + 1, 0), segment.end),
                None => (self.from, 0),
            };
            batch.damage.extend(cut_off(at.max(self.from), bytes, dead.reached()));
            if !batch.damage.is_empty() {
                return Read::Some;
            }
        }
        nothing
    }

    /// Goes on behind space that a producer of a living journal has reserved and not filled; says whether there is any.
    #[cfg(not(loom))]
    fn step_over(&mut self, segment: &Segment, batch: &mut Batch) -> bool {
        let Source::Live(log) = &self.source else { return false };
        let tail = log.tail();
        if tail <= self.position {
            return false;
        }
        let start = self.position.offset() as usize;
        if segment.envelope(start).is_some() {
            // It has been filled meanwhile.
            return true;
        }
        let mut scratch = std::mem::take(&mut batch.scratch);
        let next = step_over(segment, start, &mut scratch, &mut batch.damage);
        batch.scratch = scratch;
        self.position = segment.position(next).min(tail.max(self.position));
        true
    }

    #[cfg(loom)]
    fn step_over(&mut self, _: &Segment, _: &mut Batch) -> bool {
        false
    }

    /// Returns the segment to read in: the copy, where one has taken the place of the one this reader was in.
    fn current(&mut self) -> Option<Arc<Segment>> {
        #[cfg(not(loom))]
        if let (Some(segment), Source::Live(log)) = (&self.segment, &self.source)
            && segment.is_replaced()
            && let Some(copy) = log.segment_from(segment.number)
            && copy.number == segment.number
        {
            self.segment = Some(copy);
        }
        self.segment.clone()
    }

    /// Reads on, and says whether there is nothing but notes and padding.
    #[cfg(not(loom))]
    pub(crate) fn has_no_more_data(&mut self) -> bool {
        let mut batch = Batch::default();
        loop {
            match self.read(&mut batch, 1 << 16) {
                Read::Some if batch.frames.iter().any(|frame| frame.kind == Kind::Data) => return false,
                Read::Some => {}
                Read::Pending => return false,
                Read::Empty(_) | Read::End => return true,
            }
        }
    }

    fn read_live(&self, segment: &Segment, start: usize, bytes_max: usize, batch: &mut Batch) -> usize {
        let (mut offset, mut data_end) = (start, start);
        while offset + FRAME_HEAD_BYTES <= segment.end && offset - start < bytes_max {
            if !segment.lost.is_empty()
                && let Some(end) = segment.lost_at(offset)
            {
                batch.damage.push(Damage::corrupt(segment, offset..end));
                offset = end;
                continue;
            }
            let Some(envelope) = segment.envelope(offset) else {
                break;
            };
            if envelope.kind != Kind::Padding {
                self.take(segment, offset, envelope, offset - start, batch);
                data_end = offset + envelope.total();
            }
            offset += envelope.total();
        }
        segment.mapping.map.append_to(start, data_end - start, &mut batch.bytes);
        #[cfg(not(loom))]
        if segment.is_broken() {
            // While it was copied: what came of it is not known.
            batch.clear();
            return start;
        }
        #[cfg(not(loom))]
        batch.damage.retain(|damage| damage.ends_after(self.from));
        offset
    }

    /// Reads a segment some of whose memory has gone: what passes, up to the first frame that does not. The keeper will
    /// put a copy in its place that tells what is missing.
    #[cfg(not(loom))]
    fn read_broken(&self, segment: &Segment, start: usize, bytes_max: usize, batch: &mut Batch) -> usize {
        let mut offset = start;
        let mut scratch = std::mem::take(&mut batch.scratch);
        while offset + FRAME_HEAD_BYTES <= segment.end && offset - start < bytes_max {
            let envelope = segment.envelope(offset);
            let Some(envelope) = envelope.filter(|envelope| segment.verify(offset, *envelope, &mut scratch)) else {
                break;
            };
            self.take_verified(segment, offset, envelope, &scratch, batch);
            offset += envelope.total();
        }
        batch.scratch = scratch;
        offset
    }

    #[cfg(not(loom))]
    fn read_dead(&self, segment: &Segment, reached: Position, wanted: Range<usize>, batch: &mut Batch) -> usize {
        let mut offset = wanted.start;
        let mut scratch = std::mem::take(&mut batch.scratch);
        while offset + FRAME_HEAD_BYTES <= segment.end && offset < wanted.end {
            match segment
                .envelope(offset)
                .filter(|envelope| segment.verify(offset, *envelope, &mut scratch))
            {
                Some(envelope) => {
                    self.take_verified(segment, offset, envelope, &scratch, batch);
                    offset += envelope.total();
                }
                None => {
                    let told = batch.damage.len();
                    let next = step_over(segment, offset, &mut scratch, &mut batch.damage);
                    if batch.damage.len() == told {
                        batch.damage.extend(emptied(segment, offset, reached));
                    }
                    self.take_copies(segment, offset..next, batch);
                    offset = next;
                }
            }
        }
        if offset + FRAME_HEAD_BYTES > segment.end && offset < segment.end + segment.cut {
            let end = segment.end + segment.cut;
            batch.damage.push(Damage::corrupt(segment, offset..end));
            offset = end;
        }
        // What lies before the cursor was dealt with by an earlier reader.
        batch.damage.retain(|damage| damage.ends_after(self.from));
        batch.scratch = scratch;
        offset
    }

    /// Takes the notes that stood where nothing can be read from their copies.
    #[cfg(not(loom))]
    fn take_copies(&self, segment: &Segment, damaged: Range<usize>, batch: &mut Batch) {
        for Copied { offset, note } in segment.copies_within(&damaged) {
            let (kind, len) = (Kind::Note, note.len());
            self.take_verified(segment, offset, Envelope { kind, len }, &note, batch);
        }
    }

    /// Takes a frame whose payload has been copied to verify it.
    #[cfg(not(loom))]
    fn take_verified(&self, segment: &Segment, offset: usize, envelope: Envelope, payload: &[u8], batch: &mut Batch) {
        if envelope.kind != Kind::Padding {
            self.take(segment, offset, envelope, batch.bytes.len(), batch);
            batch.bytes.resize(batch.bytes.len() + FRAME_HEAD_BYTES, 0);
            batch.bytes.extend_from_slice(payload);
        }
    }

    #[inline]
    fn take(&self, segment: &Segment, offset: usize, envelope: Envelope, at: usize, batch: &mut Batch) {
        let position = segment.position(offset);
        if envelope.kind == Kind::Data && position < self.from {
            return;
        }
        let start = at + FRAME_HEAD_BYTES;
        let end = segment.position(offset + envelope.total());
        batch.frames.push(Frame {
            kind: envelope.kind,
            position,
            end,
            bytes: start..start + envelope.len,
        });
    }

    /// Opens the first segment numbered `number` or higher.
    fn open_next(&mut self, number: u32, batch: &mut Batch) -> bool {
        let segment = match &self.source {
            Source::Live(log) => {
                let Some(segment) = log.segment_from(number) else {
                    return false;
                };
                segment
            }
            #[cfg(not(loom))]
            Source::Dead(dead) => {
                let Ok(Some(segment)) = dead.segment_from(number) else {
                    return false;
                };
                // Segment 0 is no segment: before everything, however much of it is gone by right.
                if number > 0 && segment.number > number {
                    let bytes = u64::from(segment.number - number) * segment.end as u64;
                    let at = Position::new(number, 0);
                    let kind = DamageKind::Missing;
                    batch.damage.push(Damage { at, bytes, kind });
                }
                segment
            }
        };
        self.position = Position::new(segment.number, FRAMES_START as u32);
        self.segment = Some(segment);
        true
    }

    fn nothing(&self) -> Read {
        match &self.source {
            Source::Live(log) => {
                // Sequentially consistent, so that a reader that parks after this has seen what it waits for.
                let tail = Position::from_u64(log.hot.tail.load(Ordering::SeqCst));
                if log.tail() > self.position {
                    Read::Pending
                } else {
                    Read::Empty(tail)
                }
            }
            #[cfg(not(loom))]
            Source::Dead(dead) => {
                let next = self.position.segment() + u32::from(self.segment.is_some());
                match dead.segment_from(next) {
                    Ok(None) => Read::End,
                    _ => Read::Pending,
                }
            }
        }
    }
}

/// Finds the next frame after an offset where none can be read; returns where it is, or the end of the segment.
///
/// Bytes that somebody logged cannot pass for a frame: its tag and checksum depend on the generation.
pub(crate) fn step_over(segment: &Segment, from: usize, scratch: &mut Vec<u8>, damage: &mut Vec<Damage>) -> usize {
    let unpublished = segment.word(from) == 0;
    let mut offset = from + FRAME_ALIGN;
    let mut written = !unpublished;
    while offset + FRAME_HEAD_BYTES <= segment.end {
        let word = segment.word(offset);
        written |= word != 0;
        if word != 0
            && let Some(envelope) = segment.envelope(offset)
            && segment.verify(offset, envelope, scratch)
        {
            break;
        }
        offset += FRAME_ALIGN;
    }
    let at_end = offset + FRAME_HEAD_BYTES > segment.end;
    let kind = if unpublished {
        DamageKind::Hole
    } else {
        DamageKind::Corrupt
    };
    // Nothing at all up to the end is not damage: it is where the dead process had got to.
    if !at_end || written {
        damage.push(Damage {
            at: segment.position(from),
            bytes: (offset - from) as u64,
            kind,
        });
    }
    offset.min(segment.end)
}
