//! The memory of a map: the page cache of its file, or words of its own.

use std::io;
use std::sync::atomic::AtomicU64;

use super::disk::{PAGE, Words};
use super::file::File;
use super::world;

/// What a map of a file may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    ReadWrite,
}

#[derive(Debug)]
pub(crate) struct Memory {
    shared: Words,
    words: usize,
    words_writable: usize,
    file: Option<File>,
}

impl Memory {
    pub(crate) fn anonymous(len: usize) -> io::Result<Self> {
        let words = len / 8;
        Ok(Self {
            shared: (0..words).map(|_| AtomicU64::new(0)).collect(),
            words,
            words_writable: words,
            file: None,
        })
    }

    pub(crate) fn file(file: &File, len: usize, access: Access) -> io::Result<Self> {
        world::step();
        let words = len / 8;
        Ok(Self {
            shared: file.words()?,
            words,
            words_writable: if access == Access::Read { 0 } else { words },
            file: Some(file.again()?),
        })
    }

    #[inline]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        self.shared.get(..self.words).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn writable_words(&self) -> &[AtomicU64] {
        self.shared.get(..self.words_writable).unwrap_or_default()
    }

    pub(crate) fn sync(&self, offset: usize, len: usize) -> io::Result<()> {
        match &self.file {
            Some(file) if len > 0 => file.sync_pages(offset / PAGE, (offset + len).div_ceil(PAGE), false),
            _ => Ok(()),
        }
    }

    pub(crate) fn prefault(&self) -> io::Result<()> {
        world::step();
        Ok(())
    }

    pub(crate) fn release_pages(&self) {
        world::step();
    }
}
