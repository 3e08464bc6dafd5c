//! A call on its way into the journal.

use std::sync::Arc;
use std::time::Duration;

use hydra_journal::{ErrorKind as JournalErrorKind, Note, Position};
use hydra_os::clock;
use hydra_record::{Encoder, Head, Level, Location};

use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::LayerState;
use crate::local::{self, Local};
use crate::receipt::Receipt;
use crate::site::Site;

/// How often a caller that waits for room in the journal looks whether the logger has been shut down.
const ROOM_LOOK: Duration = Duration::from_millis(100);

/// A call that is enabled: some destination wants its record.
#[derive(Debug)]
pub struct Pass<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) layer: &'a LayerState,
    pub(crate) level: Level,
    /// Whether the call itself waits for the guarantee: the sync handle does.
    pub(crate) waits: bool,
}

impl Pass<'_> {
    /// Takes the record of a call site; `fill` captures its arguments.
    #[inline]
    pub fn record(self, site: &'static Site, fill: impl FnOnce(&mut Encoder<'_>)) -> Receipt {
        let number = site.number();
        self.take(Some((site, number)), |scratch, thread| {
            let mut encoder = Encoder::site(scratch, self.head(number, thread));
            fill(&mut encoder);
            encoder.finish();
        })
    }

    /// Takes a record whose message is given as text.
    #[inline]
    pub(crate) fn message(self, message: &str, location: &'static std::panic::Location<'static>) -> Receipt {
        let place = Location { line: location.line(), file: location.file(), module: "" };
        self.take(None, |scratch, thread| {
            Encoder::message(scratch, self.head(0, thread), message, Some(place)).finish();
        })
    }

    #[inline]
    fn head(&self, site: u32, thread: u32) -> Head {
        Head { time_ns: clock::wall_ns(), site, thread, layer: self.layer.id, level: self.level }
    }

    #[inline]
    fn take(&self, site: Option<(&'static Site, u32)>, encode: impl FnOnce(&mut Vec<u8>, u32)) -> Receipt {
        if self.layer.is_empty {
            return self.core.discard();
        }
        let appended = local::with(|local| {
            // Taken out while user code runs: a `Display` that logs must not find it in use.
            let mut scratch = std::mem::take(&mut local.scratch);
            encode(&mut scratch, local.thread);
            let appended = self.append(local, site, &scratch);
            local.give_back(scratch);
            appended
        });
        match appended {
            Ok(position) => self.receipt(position),
            Err(error) => self.core.refuse(error),
        }
    }

    #[inline]
    fn append(&self, local: &mut Local, site: Option<(&'static Site, u32)>, bytes: &[u8]) -> Result<Position, Error> {
        let layer_note = |out: &mut Vec<u8>| self.layer.put_note(out);
        // The slot belongs to the thread, and so does its text: both are moved out of the way of the writer.
        let thread_slot = std::mem::take(&mut local.thread_note);
        let name = std::mem::take(&mut local.thread_name);
        let thread = local.thread;
        let thread_note = |out: &mut Vec<u8>| hydra_record::ThreadNote::put(thread, &name, out);
        let layer = Note { slot: &self.layer.note, write: &layer_note };
        let own = Note { slot: &thread_slot, write: &thread_note };
        let appended = match site {
            Some((site, number)) => {
                let site_note = |out: &mut Vec<u8>| site.raw.put(number, out);
                let notes = [Note { slot: &site.note, write: &site_note }, layer, own];
                self.append_with(local, bytes, &notes)
            }
            None => self.append_with(local, bytes, &[layer, own]),
        };
        local.thread_note = thread_slot;
        local.thread_name = name;
        appended
    }

    #[inline]
    fn append_with(&self, local: &mut Local, bytes: &[u8], notes: &[Note<'_>]) -> Result<Position, Error> {
        let writer = local.writer(self.core);
        if bytes.len() > self.core.frame_max {
            return self.append_slowly(|core| core.journal.append_large(bytes, notes));
        }
        match writer.append(bytes, notes) {
            Ok(position) => Ok(position),
            Err(error) if error.kind() == JournalErrorKind::Full => self.append_slowly(|_| writer.append(bytes, notes)),
            Err(error) => Err(refusal(error)),
        }
    }

    /// Appends as soon as there is room: the caller waits, as `overflow = "block"` has it.
    #[cold]
    fn append_slowly(
        &self,
        mut append: impl FnMut(&Core) -> Result<Position, hydra_journal::Error>,
    ) -> Result<Position, Error> {
        loop {
            match append(self.core) {
                Err(error) if error.kind() == JournalErrorKind::Full && !self.core.is_closed() => {
                    self.core.journal.wait_until_room(ROOM_LOOK);
                }
                other => return other.map_err(refusal),
            }
        }
    }

    #[inline]
    fn receipt(&self, position: Position) -> Receipt {
        let wanted = self.layer.wanted(self.level);
        match wanted.guarantee {
            Guarantee::Queued | Guarantee::Journaled => Receipt::reached_at(position),
            Guarantee::Synced | Guarantee::Delivered => self.pending(position, wanted),
        }
    }

    #[cold]
    fn pending(&self, position: Position, wanted: crate::config::Wanted) -> Receipt {
        if wanted.guarantee == Guarantee::Delivered {
            self.core.nudge();
        } else if let Err(error) = self.core.journal.sync_to(position) {
            return Receipt::failed(Error::new(ErrorKind::Journal, "sync a record").from_source(error));
        }
        let receipt = Receipt::pending(self.core, position, wanted, &self.layer.route, self.level);
        if !self.waits {
            return receipt;
        }
        match receipt.wait() {
            Ok(()) => Receipt::reached_at(position),
            // Kept for who asks; the call itself goes on.
            Err(error) => Receipt::failed(error),
        }
    }
}

fn refusal(error: hydra_journal::Error) -> Error {
    let kind = match error.kind() {
        JournalErrorKind::TooLarge => ErrorKind::TooLarge,
        JournalErrorKind::Closed => ErrorKind::Closed,
        _ => ErrorKind::Journal,
    };
    Error::new(kind, "accept a record").from_source(error)
}
