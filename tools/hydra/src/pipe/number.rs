//! A file that holds one decimal number, kept up to date by single stores.
//!
//! Up to 99,999,999 the file begins with the number, left-aligned, in one machine word that is stored whole; the rest
//! is line feeds, so that `$(cat FILE)`, `int(...)` and `trim().parse()` all read a plain number. From 100,000,000 on
//! the number is right-aligned in two words behind spaces: the second word is stored whole, and when the first one
//! changes a new file takes the old one's place. At every moment a reader sees a number that was true.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use hydra_os::disk::{self, File, FileId, Mode};
use hydra_os::map::Map;

/// Bytes of the file.
pub(crate) const FILE_BYTES: usize = 24;
/// Numbers from here on need the second word.
const WIDE: u64 = 100_000_000;

/// The number and its file.
#[derive(Debug)]
pub(crate) struct Number {
    path: PathBuf,
    map: Map,
    id: FileId,
    value: u64,
    word: u64,
    /// What one more adds to `word`, as long as its last digit is no 9.
    unit: u64,
    /// How often one can be added before digits carry.
    left: u64,
}

impl Number {
    /// Makes the file, holding 0, as `path`.
    pub(crate) fn create(path: PathBuf) -> io::Result<Number> {
        let (map, id) = make(&path, 0)?;
        let mut number = Number {
            path,
            map,
            id,
            value: 0,
            word: 0,
            unit: 0,
            left: 0,
        };
        number.show();
        Ok(number)
    }

    /// Moves the file to where it is to be read.
    pub(crate) fn rename(&mut self, path: &Path) -> io::Result<()> {
        disk::rename(&self.path, path)?;
        path.clone_into(&mut self.path);
        Ok(())
    }

    /// Returns which file it is; another one than before when the first word has changed.
    pub(crate) fn id(&self) -> FileId {
        self.id
    }

    /// Sets the number. It never falls.
    #[inline]
    pub(crate) fn set(&mut self, value: u64) -> io::Result<()> {
        if value == self.value + 1 && self.left > 0 {
            self.left -= 1;
            self.value = value;
            self.word += self.unit;
            // Release: whoever reads the number after a death finds what was stored before it.
            self.map
                .store(if value < WIDE { 0 } else { 8 }, self.word, Ordering::Release);
            return Ok(());
        }
        self.jump(value)
    }

    #[cold]
    fn jump(&mut self, value: u64) -> io::Result<()> {
        if value / WIDE != self.value / WIDE {
            let fresh = self.path.with_added_extension("next");
            let (map, id) = make(&fresh, value)?;
            disk::rename(&fresh, &self.path)?;
            (self.map, self.id) = (map, id);
        }
        self.value = value;
        self.show();
        Ok(())
    }

    /// Stores the word that holds the last digits.
    fn show(&mut self) {
        let digits = text(self.value);
        let at = if self.value < WIDE { 0 } else { 8 };
        let bytes = digits
            .get(at..at + 8)
            .and_then(|bytes| bytes.first_chunk())
            .copied()
            .unwrap_or_default();
        self.word = u64::from_le_bytes(bytes);
        let last = bytes.iter().rposition(u8::is_ascii_digit).unwrap_or(0);
        self.unit = 1 << (8 * last);
        self.left = 9 - self.value % 10;
        self.map.store(at, self.word, Ordering::Release);
    }
}

/// Reads a number's file; `None` if it is not one that [`Number`] has made.
pub(crate) fn read(path: &Path) -> Option<(FileId, u64)> {
    let file = File::open(path, Mode::Read).ok()?;
    let mut bytes = [0; FILE_BYTES];
    if file.len().ok()? != FILE_BYTES as u64 || file.read_at(&mut bytes, 0).ok()? != FILE_BYTES {
        return None;
    }
    let value = std::str::from_utf8(&bytes).ok()?.trim().parse().ok()?;
    Some((file.id().ok()?, value))
}

fn make(path: &Path, value: u64) -> io::Result<(Map, FileId)> {
    if disk::id_of(path)?.is_some() {
        disk::remove_file(path)?;
    }
    let file = File::open(path, Mode::CreateReadWrite)?;
    // Written, not left to the map: a store into a hole on a full disk would be a signal.
    file.write_at(&text(value), 0)?;
    Ok((Map::file(&file, FILE_BYTES)?, file.id()?))
}

fn text(value: u64) -> [u8; FILE_BYTES] {
    let digits = if value < WIDE {
        value.to_string()
    } else {
        format!("{value:16}")
    };
    let mut bytes = [b'\n'; FILE_BYTES];
    bytes
        .iter_mut()
        .zip(digits.bytes())
        .for_each(|(byte, digit)| *byte = digit);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &Path) -> String {
        String::from_utf8(std::fs::read(path).unwrap()).unwrap()
    }

    /// Every number reads back as plain decimal text, over all carries, and the file changes only with the first word.
    #[test]
    fn counts_in_decimal() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("count");
        let mut number = Number::create(path.clone()).unwrap();
        assert_eq!(shown(&path).trim_end(), "0");
        for value in 1..=12_345 {
            number.set(value).unwrap();
            assert_eq!(read(&path), Some((number.id(), value)));
            assert_eq!(shown(&path).trim_end(), value.to_string());
        }
        let first = number.id();
        for value in [99_999_998, 99_999_999] {
            number.set(value).unwrap();
            assert_eq!(read(&path), Some((first, value)));
        }
        for value in [
            100_000_000,
            100_000_001,
            100_000_010,
            199_999_999,
            200_000_000,
            1_234_567_890_123,
        ] {
            number.set(value).unwrap();
            assert_eq!(read(&path), Some((number.id(), value)));
            assert_eq!(shown(&path).trim().parse(), Ok(value));
        }
        assert_ne!(number.id(), first);
    }

    /// A file that somebody else wrote is not taken for ours.
    #[test]
    fn knows_its_own_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("count");
        for text in ["", "7\n", "seven\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read(&path), None, "{text:?}");
        }
    }
}
