//! The last resort: a plain line on standard error.

use std::io::Write as _;

use hydra_format::{ClockFace, Formatter, Plain, PlainOptions};
use hydra_record::Record;

/// Writes a record to standard error. What cannot be written even there is gone, and the caller has counted it.
pub(crate) fn write(record: &Record<'_>) {
    let Ok(plain) = Plain::new(PlainOptions::default()) else {
        return;
    };
    let mut line = Vec::new();
    plain.write(record, &mut ClockFace::new(hydra_os::clock::utc_offset_at), &mut line);
    let _ = std::io::stderr().write_all(&line);
}
