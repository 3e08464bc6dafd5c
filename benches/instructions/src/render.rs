//! What a record costs a head: decoding, and each format.

use std::hint::black_box;
use std::path::Path;

use hydra_format::{
    ClockFace, Csv, CsvOptions, Formatter, Gelf, GelfOptions, Json, JsonOptions, Logfmt, LogfmtOptions, Plain,
    PlainOptions, Syslog, SyslogOptions,
};
use hydra_record::Record;

use crate::frames::Frames;
use crate::{Error, counted};

/// Enough that the buffer never grows while instructions are counted.
const BUFFER_BYTES: usize = 4 << 20;

/// From bytes to a record.
pub(crate) fn decode(times: u64, _folder: &Path) -> Result<(), Error> {
    let frames = Frames::of_five_fields();
    let mut bytes = frames.bytes.iter().cycle();
    counted(times, |number| {
        if let Some(bytes) = bytes.next() {
            black_box(frames.notes.decode(black_box(bytes), number)).ok();
        }
    });
    Ok(())
}

pub(crate) fn plain(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_message(), &Plain::new(PlainOptions::default())?)
}

pub(crate) fn json(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_five_fields(), &Json::new(JsonOptions::default()))
}

pub(crate) fn json_any_names(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_any_names(), &Json::new(JsonOptions::default()))
}

pub(crate) fn csv(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_five_fields(), &Csv::new(CsvOptions::default()))
}

pub(crate) fn syslog(times: u64, _folder: &Path) -> Result<(), Error> {
    write(
        times,
        &Frames::of_five_fields(),
        &Syslog::new(SyslogOptions::default())?,
    )
}

pub(crate) fn gelf(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_five_fields(), &Gelf::new(GelfOptions::default()))
}

pub(crate) fn logfmt(times: u64, _folder: &Path) -> Result<(), Error> {
    write(times, &Frames::of_five_fields(), &Logfmt::new(LogfmtOptions::default()))
}

/// From records to text.
fn write(times: u64, frames: &Frames, format: &dyn Formatter) -> Result<(), Error> {
    let decoded: Result<Vec<Record<'_>>, _> = frames.bytes.iter().map(|bytes| frames.notes.decode(bytes, 1)).collect();
    let decoded = decoded?;
    let (mut face, mut out) = (ClockFace::utc(), Vec::with_capacity(BUFFER_BYTES));
    for record in &decoded {
        format.write(record, &mut face, &mut out);
    }
    let mut records = decoded.iter().cycle();
    let format = black_box(format);
    counted(times, |_| {
        if let Some(record) = records.next() {
            format.write(record, &mut face, &mut out);
        }
    });
    if out.capacity() > BUFFER_BYTES {
        return Err("the buffer grew: what was counted is not only the format".into());
    }
    Ok(())
}
