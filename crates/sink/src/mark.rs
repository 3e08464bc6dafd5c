//! Where a write lands.

use hydra_os::disk::{FileId, Info};

/// What a mark is in, as its first word says; zero is nowhere.
const IN_FILE: u64 = 1;
const IN_MEMORY: u64 = 2;
/// The first word's upper half is the count of attempts.
const KIND: u64 = u32::MAX as u64;

/// The place where the next byte of a sink will stand, in a form that can be kept.
///
/// It names the file itself and not its path, so that it stays right when the file is renamed. Sinks whose bytes cannot
/// be read back know only [`Mark::NOWHERE`], which is also the default.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Mark {
    words: [u64; 6],
}

const _: () = assert!(size_of::<Mark>() == Mark::BYTES);

impl Mark {
    /// How many bytes [`Mark::to_bytes`] gives.
    pub const BYTES: usize = 48;

    /// No place at all: after a crash nothing can be compared there.
    pub const NOWHERE: Self = Self { words: [0; 6] };

    /// Tells whether this is [`Mark::NOWHERE`].
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        *self == Self::NOWHERE
    }

    /// Returns how many bytes stand before the mark in its file.
    #[must_use]
    pub fn offset(&self) -> u64 {
        let [_, _, _, _, offset, _] = self.words;
        offset
    }

    /// Returns the mark with a number that its owner keeps in it; sinks do not look at it.
    #[must_use]
    pub fn with_note(mut self, note: u64) -> Self {
        let [_, _, _, _, _, place] = &mut self.words;
        *place = note;
        self
    }

    /// Returns the number kept by [`Mark::with_note`]; 0 without one.
    #[must_use]
    pub fn note(&self) -> u64 {
        let [_, _, _, _, _, note] = self.words;
        note
    }

    /// Returns the mark with a count of the attempts at what is to stand there, which its owner keeps in it.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        let [kind, ..] = &mut self.words;
        *kind = *kind & KIND | u64::from(attempts) << 32;
        self
    }

    /// Returns the number kept by [`Mark::with_attempts`]; 0 without one.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        let [kind, ..] = self.words;
        (kind >> 32) as u32
    }

    /// Returns the mark as bytes, the same on every machine.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        for (to, word) in bytes.chunks_exact_mut(8).zip(self.words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// Returns the mark whose [`Mark::to_bytes`] these are.
    ///
    /// Any bytes make a mark; one of a kind unknown to this version is treated by every sink as nowhere.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let mut words = [0; 6];
        for (word, from) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u64::from_le_bytes(*from);
        }
        Self { words }
    }

    /// A mark in a file. When the file was made is part of it, as a file's number is used again once it is gone.
    pub(crate) fn in_file(info: &Info, offset: u64) -> Self {
        Self {
            words: [
                IN_FILE,
                info.id.dev,
                info.id.ino,
                info.born_ns.cast_unsigned(),
                offset,
                0,
            ],
        }
    }

    /// The file the mark is in, if it is in one.
    pub(crate) fn file(&self) -> Option<Identity> {
        let [kind, dev, ino, born, _, _] = self.words;
        (kind & KIND == IN_FILE).then_some(Identity {
            id: FileId { dev, ino },
            born_ns: born.cast_signed(),
        })
    }

    pub(crate) fn in_memory(offset: u64) -> Self {
        Self {
            words: [IN_MEMORY, 0, 0, 0, offset, 0],
        }
    }

    pub(crate) fn is_in_memory(&self) -> bool {
        let [kind, ..] = self.words;
        kind & KIND == IN_MEMORY
    }
}

/// Which file, for longer than a file's number is good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    pub(crate) id: FileId,
    pub(crate) born_ns: i64,
}

impl Identity {
    pub(crate) fn of(info: &Info) -> Self {
        Self {
            id: info.id,
            born_ns: info.born_ns,
        }
    }

    /// Tells whether this is the file, also after its file system was mounted anew: many get another number then (an
    /// overlay, btrfs, NFS), and only the time of making tells.
    pub(crate) fn was(&self, other: Identity) -> bool {
        self.id.ino == other.id.ino && self.born_ns == other.born_ns && (self.born_ns != 0 || self.id == other.id)
    }

    /// Tells whether this is the file; where the time of making is not known the number alone decides.
    pub(crate) fn is(&self, info: &Info) -> bool {
        self.id == info.id && (self.born_ns == info.born_ns || self.born_ns == 0 || info.born_ns == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file is known again when its file system is mounted anew under another number, by when it was made.
    #[test]
    fn mounted_anew() {
        let file = |dev, ino, born_ns| Identity {
            id: FileId { dev, ino },
            born_ns,
        };
        assert!(file(1, 2, 3).was(file(1, 2, 3)) && file(1, 2, 3).was(file(9, 2, 3)));
        assert!(!file(1, 2, 3).was(file(9, 2, 4)) && !file(1, 2, 3).was(file(1, 8, 3)));
        assert!(file(1, 2, 0).was(file(1, 2, 0)) && !file(1, 2, 0).was(file(9, 2, 0)));
    }

    /// A mark survives its byte form, and nothing but zeros is nowhere.
    #[test]
    fn bytes_and_back() {
        let mark = Mark {
            words: [1, 2, 3, 4, 5, 6],
        };
        assert_eq!(Mark::from_bytes(&mark.to_bytes()), mark);
        assert_eq!(mark.to_bytes()[8], 2);
        assert_eq!(mark.offset(), 5);
        assert!(!mark.is_nowhere());
        assert!(Mark::from_bytes(&[0; Mark::BYTES]).is_nowhere());
        assert_eq!(Mark::default(), Mark::NOWHERE);
        let noted = mark.with_note(7).with_attempts(8);
        assert_eq!((noted.note(), noted.attempts(), noted.file()), (7, 8, mark.file()));
        assert_eq!(noted.with_note(6).with_attempts(0), mark);
        assert!(Mark::in_memory(3).with_attempts(9).is_in_memory());
    }
}
