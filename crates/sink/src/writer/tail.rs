//! What stands at the end of the file before anything is added.

use std::io;

use hydra_os::clock::mono_ns;
use hydra_os::disk::{File, Info, Mode, file_len_max};

use super::Writer;
use super::append::append_all;
use crate::error::{Error, ErrorKind};
use crate::sink::Batch;

/// How long a torn record is left alone because it may belong to another head of this process, about to resume.
const RESUME_WAIT_NS_MAX: u64 = 5_000_000_000;

impl Writer {
    /// Makes sure that the file ends where a record ends, and returns where that is.
    pub(super) fn mend_end(&mut self, info: &Info, batch: Batch<'_>, others_resuming: usize) -> Result<u64, Error> {
        let Some(open) = &mut self.open else {
            return Ok(info.len);
        };
        let mut len = info.len;
        if let Some(torn) = self.torn.take_if(|torn| torn.identity.is(info))
            && len == torn.end
            && (!torn.is_announced || open.is_given_up(torn.start, torn.end))
        {
            if let Err(error) = open.file.truncate(torn.start) {
                self.poisoned = Some(torn.identity);
                return Err(Error::new("remove a torn record from", &self.path, error));
            }
            self.metrics.torn_records_removed.count();
            len = torn.start;
            open.end = len;
        }
        if open.end != len {
            len = self.cut_remains(len)?;
        }
        if batch.is_empty() {
            // How its format ends a record is known from the next batch that has one.
            return Ok(len);
        }
        let Some(open) = &mut self.open else { return Ok(len) };
        if len < open.end {
            self.metrics.files_truncated.count();
        }
        if len != open.end {
            len = self.end_foreign_line(len, batch, others_resuming)?;
        }
        if let Some(open) = &mut self.open {
            open.end = len;
        }
        self.waiting_since_ns = None;
        Ok(len)
    }

    /// Looks at what someone else, or a process that died, left at the end of the file, so that what we write stands
    /// apart.
    fn end_foreign_line(&mut self, len: u64, batch: Batch<'_>, others_resuming: usize) -> Result<u64, Error> {
        let terminator = batch
            .record(0)
            .and_then(<[u8]>::last)
            .copied()
            .filter(u8::is_ascii_control);
        let (Some(open), Some(terminator), true) = (&self.open, terminator, len > 0) else {
            return Ok(len);
        };
        let reader = match File::open(&self.path, Mode::Read) {
            // A file that may be written to but not read is taken as it is.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(len),
            other => other.map_err(|error| Error::new("look at the end of", &self.path, error))?,
        };
        let mut last = [terminator];
        let asked = reader.read_at(&mut last, len - 1);
        if asked.map_err(|error| Error::new("read", &self.path, error))? == 0 || last == [terminator] {
            return Ok(len);
        }
        let fail = |error| Error::new("append to", &self.path, error);
        if let Some(preamble) = self
            .options
            .preamble
            .as_ref()
            .filter(|preamble| len < preamble.len() as u64)
        {
            let mut there = vec![0; preamble.len()];
            let count = reader.read_at(&mut there, 0).map_err(fail)?;
            if count as u64 == len && there.get(..count) == preamble.get(..count) {
                open.file.truncate(0).map_err(fail)?;
                return Ok(0);
            }
        }
        let since_ns = *self.waiting_since_ns.get_or_insert_with(mono_ns);
        if others_resuming > 0 && mono_ns().saturating_sub(since_ns) < RESUME_WAIT_NS_MAX {
            let note = "it ends with a torn record that another destination is about to mend";
            return Err(Error::without_source(ErrorKind::Busy, "write to", &self.path, note));
        }
        self.check_limit(len + 1)?;
        open.file.append(&[terminator]).map_err(fail)?;
        self.metrics.foreign_lines_ended.count();
        Ok(len + 1)
    }

    /// What cannot be written whole, because the process may not make the file so long, is not begun.
    fn check_limit(&self, len: u64) -> Result<(), Error> {
        if len <= file_len_max() {
            return Ok(());
        }
        Err(Error::new("append to", &self.path, io::ErrorKind::FileTooLarge.into()))
    }

    /// Begins the empty file with what every file begins with, and returns its length then.
    pub(super) fn write_preamble(&mut self) -> Result<u64, Error> {
        self.check_limit(self.preamble_len())?;
        let (Some(open), Some(preamble)) = (&mut self.open, &self.options.preamble) else {
            return Ok(0);
        };
        let result = append_all(&open.file, preamble);
        if let Err((_, error)) = result {
            // Should this fail too, the next begin recognises the piece by its content.
            let _ = open.file.truncate(0);
            self.metrics.writes_failed.count();
            return Err(Error::new("append to", &self.path, error));
        }
        open.end = preamble.len() as u64;
        Ok(open.end)
    }
}
