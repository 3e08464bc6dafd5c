//! As whom a call speaks: what the notes of its record are made of.

use hydra_journal::{ErrorKind as JournalErrorKind, Note, NoteSlot, Position, Writer};
use hydra_record::{Dictionary, Encoder, Head, Level, Scratch, ThreadNote, Value};

use super::Numbered;
use crate::core::Core;
use crate::detour::Stray;
use crate::error::{Error, ErrorKind};
use crate::layer::LayerState;

/// What a record's notes are made of.
pub(super) struct Source<'s> {
    pub(super) site: Option<Numbered>,
    pub(super) layer: &'s LayerState,
    pub(super) thread: u32,
    pub(super) slot: &'s NoteSlot,
    pub(super) name: &'s str,
}

impl Source<'_> {
    #[inline]
    pub(super) fn append(
        &self,
        core: &Core,
        writer: &mut Writer,
        bytes: &[u8],
    ) -> Result<Position, hydra_journal::Error> {
        let layer_note = |out: &mut Vec<u8>| self.layer.put_note(out);
        let thread_note = |out: &mut Vec<u8>| ThreadNote::put(self.thread, self.name, out);
        let layer = Note {
            slot: &self.layer.note,
            write: &layer_note,
        };
        let thread = Note {
            slot: self.slot,
            write: &thread_note,
        };
        match self.site {
            Some((site, number)) => {
                let site_note = |out: &mut Vec<u8>| site.raw.put(number, out);
                append(
                    core,
                    writer,
                    bytes,
                    &[
                        Note {
                            slot: &site.note,
                            write: &site_note,
                        },
                        layer,
                        thread,
                    ],
                )
            }
            None => append(core, writer, bytes, &[layer, thread]),
        }
    }

    /// A record that the journal does not take is counted and goes down the fallback chain; returns what its caller is
    /// told.
    ///
    /// Not so one that is too large, which is its caller's affair, and one of a forked child: what the chain needs may
    /// be locked there by a thread that is not.
    #[cold]
    pub(super) fn give_up(&self, core: &Core, level: Level, bytes: &[u8], error: Error) -> Error {
        core.count_refused(&error);
        if error.kind() == ErrorKind::TooLarge || core.is_foreign() {
            return error;
        }
        let (mut notes, mut note) = (Dictionary::new(), Vec::new());
        self.layer.put_note(&mut note);
        notes.learn(&note);
        note.clear();
        ThreadNote::put(self.thread, self.name, &mut note);
        notes.learn(&note);
        if let Some((site, number)) = self.site {
            note.clear();
            site.raw.put(number, &mut note);
            notes.learn(&note);
        }
        match notes.decode(bytes, 0) {
            Ok(record) => {
                let stray = Stray {
                    layer: self.layer,
                    level,
                    record: &record,
                };
                core.detour(&stray, error)
            }
            // It was encoded by us a moment ago.
            Err(_) => error,
        }
    }
}

#[inline]
fn append(
    core: &Core,
    writer: &mut Writer,
    bytes: &[u8],
    notes: &[Note<'_>],
) -> Result<Position, hydra_journal::Error> {
    if bytes.len() > core.frame_max {
        return core.journal.append_large(bytes, notes);
    }
    match writer.append(bytes, notes) {
        // The record would fit, but not together with its notes.
        Err(error) if error.kind() == JournalErrorKind::TooLarge => core.journal.append_large(bytes, notes),
        other => other,
    }
}

/// Appends a record of the logger's own, which waits for nothing.
pub(crate) fn append_own(
    core: &Core,
    layer: &LayerState,
    level: Level,
    message: &str,
    fields: &[(&str, Value<'_>)],
) -> Result<Position, hydra_journal::Error> {
    let (slot, mut bytes) = (NoteSlot::new(), Scratch::new());
    let (thread, name) = (hydra_os::thread::id(), hydra_os::thread::current_name());
    let (time_ns, site) = (core.clock.wall_ns(), 0);
    let head = Head {
        time_ns,
        site,
        thread,
        layer: layer.id,
        level,
    };
    let mut encoder = Encoder::message(&mut bytes, head, message, None);
    fields.iter().for_each(|(name, value)| encoder.field(name, *value));
    encoder.finish();
    let source = Source {
        site: None,
        layer,
        thread,
        slot: &slot,
        name: &name,
    };
    source.append(core, &mut core.journal.writer(), &bytes)
}
