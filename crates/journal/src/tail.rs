//! Whether a journal goes on behind a position: looked up without taking it over or changing it.

use std::path::Path;

use crate::error::Error;
use crate::frame::{FRAME_HEAD_BYTES, Kind};
use crate::position::Position;
use crate::read::step_over;
use crate::recover::{Contents, Opened, open_segment};
use crate::segment::{FRAMES_START, Segment};

/// Counts the records at and after `from` in the one journal in `dir`, at most `count_max` of them.
///
/// Frames whose checksum does not pass are no records. The journal may belong to a dead or to a living process; of a
/// living one the count is a lower bound at some moment.
///
/// # Errors
/// [`crate::ErrorKind::Io`] when the directory cannot be read.
pub fn records_from(dir: &Path, from: Position, count_max: usize) -> Result<usize, Error> {
    let contents = Contents::read(dir)?;
    let mut count = 0;
    for path in contents.segments.range(from.segment()..).map(|(_, path)| path) {
        if let Ok(Opened::Segment(segment)) = open_segment(path) {
            count += count_in(&segment, from, count_max - count);
        }
        if count >= count_max {
            break;
        }
    }
    Ok(count)
}

fn count_in(segment: &Segment, from: Position, count_max: usize) -> usize {
    let (mut scratch, mut damage, mut count) = (Vec::new(), Vec::new(), 0);
    let mut offset = match segment.number == from.segment() {
        // A position from the journal is the end of a frame, so the next one begins there.
        true => FRAMES_START.max(from.offset() as usize),
        false => FRAMES_START,
    };
    while offset + FRAME_HEAD_BYTES <= segment.end && count < count_max {
        let envelope = segment.envelope(offset);
        match envelope.filter(|envelope| segment.verify(offset, *envelope, &mut scratch)) {
            Some(envelope) => {
                count += usize::from(envelope.kind == Kind::Data);
                offset += envelope.total();
            }
            None => offset = step_over(segment, offset, &mut scratch, &mut damage),
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Journal, Options};

    /// The records behind a position are counted, those before it and notes are not, up to the limit.
    #[test]
    fn counts_what_lies_behind() -> Result<(), Box<dyn std::error::Error>> {
        let root = tempfile::tempdir()?;
        let options = Options {
            dir: Some(root.path().to_owned()),
            preamble: b"note".to_vec(),
            ..Options::default()
        };
        let journal = Journal::create(options)?;
        let _head = journal.cursor("head")?;
        let mut writer = journal.writer();
        let dir = journal.dir().ok_or("it has a directory")?;
        assert_eq!(records_from(dir, Position::START, 9)?, 0);
        let first = writer.append(b"first", &[])?;
        writer.append(b"second", &[])?;
        let third = writer.append(b"third", &[])?;
        assert_eq!(records_from(dir, Position::START, 9)?, 3);
        assert_eq!(records_from(dir, Position::START, 2)?, 2);
        assert_eq!(records_from(dir, first, 9)?, 2);
        assert_eq!(records_from(dir, third, 9)?, 0);
        Ok(())
    }
}
