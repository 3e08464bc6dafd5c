//! How a journal is to be, and what is refused.

use std::path::PathBuf;

use crate::error::{Error, ErrorKind};
use crate::place::{file_system_of, is_refused};

/// Bytes of an ordinary segment, unless told otherwise.
pub const SEGMENT_BYTES_DEFAULT: usize = 1 << 20;
/// The smallest segment.
pub const SEGMENT_BYTES_MIN: usize = 64 << 10;
/// The largest ordinary segment.
pub const SEGMENT_BYTES_MAX: usize = 256 << 20;
/// The largest record, in bytes of its payload.
pub const RECORD_BYTES_MAX: usize = 128 << 20;
/// The fewest segments a quota must allow.
pub const SEGMENTS_MIN: u64 = 4;

/// How a journal is to be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory under which the journal gets a subdirectory; `None` keeps it in memory.
    pub dir: Option<PathBuf>,
    /// Bytes of a segment; rounded up to a multiple of 4096.
    pub segment_bytes: usize,
    /// The most bytes all segments may take.
    pub quota_bytes: u64,
    /// A note that every segment begins with; empty for none.
    pub preamble: Vec<u8>,
    /// Whether it may lie on a network file system. Nothing promises then that it survives anything.
    pub allow_network: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dir: None,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            quota_bytes: 1 << 30,
            preamble: Vec::new(),
            allow_network: false,
        }
    }
}

/// Says whether a journal can be made so.
pub(crate) fn check(options: &Options, segment_bytes: usize) -> Result<(), Error> {
    let refuse = |text: String| Err(Error::new(ErrorKind::Option, text));
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&segment_bytes) {
        return refuse(format!(
            "creating a journal with segments of {segment_bytes} bytes: \
             they may have {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}"
        ));
    }
    if options.preamble.len() > segment_bytes / 4 {
        return refuse(format!(
            "creating a journal with a preamble of {} bytes: it may have a quarter of a segment, {}",
            options.preamble.len(),
            segment_bytes / 4
        ));
    }
    let least = SEGMENTS_MIN * segment_bytes as u64;
    if options.quota_bytes < least {
        return refuse(format!(
            "creating a journal with a quota of {} bytes: \
             with segments of {segment_bytes} bytes it needs at least {least}",
            options.quota_bytes
        ));
    }
    match options.dir.as_deref() {
        Some(dir) if is_refused(file_system_of(dir), options.allow_network) => {
            let text = "creating a journal on a network file system, where neither locks nor maps can be relied on; \
                        use a local directory, or allow the network";
            Err(Error::at(ErrorKind::Option, text, dir))
        }
        _ => Ok(()),
    }
}
