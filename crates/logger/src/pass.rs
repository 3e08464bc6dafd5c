//! A call on its way into the journal.

mod source;

use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use hydra_journal::{ErrorKind as JournalErrorKind, NoteSlot, Position};
use hydra_record::{Encoder, Head, Level, Location, Scratch, Value};

use self::source::Source;
pub(crate) use self::source::append_own;
use crate::config::Wanted;
use crate::context;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::LayerState;
use crate::local::{self, Voice};
use crate::receipt::{Receipt, block_until};
use crate::site::Site;
use crate::waiting::{Arrival, Taken, Ticket, Waiting};

/// How often a caller that waits for room in the journal looks whether the logger has been shut down.
const ROOM_LOOK: Duration = Duration::from_millis(100);
/// Only a bound on a sleep that its record's turn ends.
const TURN_LOOK: Duration = Duration::from_secs(3600);

/// A call that is enabled: some destination wants its record.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    pub(crate) core: &'a Arc<Core>,
    pub(crate) layer: &'a LayerState,
    pub(crate) level: Level,
    /// Whether the call itself waits for the guarantee, and for room: the sync handle does.
    pub(crate) waits: bool,
}

/// A call site with its number.
type Numbered = (&'static Site, u32);

impl Pass<'_> {
    /// Takes the record of a call site; `fill` captures its arguments.
    #[inline]
    pub fn record(self, site: &'static Site, fill: impl FnOnce(&mut Encoder<'_>)) -> Receipt {
        self.record_whole(site, |encoder| {
            fill(encoder);
            context::put(encoder);
        })
    }

    /// Likewise; `fill` puts in the context as well.
    #[inline]
    pub(crate) fn record_whole(self, site: &'static Site, fill: impl FnOnce(&mut Encoder<'_>)) -> Receipt {
        let number = site.number();
        let place = || std::ptr::from_ref(site).addr();
        self.take(Some((site, number)), place, |scratch, thread| {
            let mut encoder = Encoder::site(scratch, self.head(number, thread));
            fill(&mut encoder);
            encoder.finish();
        })
    }

    /// Takes a record whose message is given as text, with its fields.
    #[inline]
    pub(crate) fn message(
        self,
        message: &str,
        fields: &[(&str, Value<'_>)],
        location: &'static std::panic::Location<'static>,
    ) -> Receipt {
        let place = Location {
            line: location.line(),
            file: location.file(),
            module: "",
        };
        self.placed(message, place, |encoder| {
            fields.iter().for_each(|(name, value)| encoder.field(name, *value));
        })
    }

    /// Takes a record whose message is given as text; `fill` captures its fields.
    #[inline]
    pub(crate) fn placed(self, message: &str, place: Location<'_>, fill: impl FnOnce(&mut Encoder<'_>)) -> Receipt {
        self.placed_whole(message, place, |encoder| {
            fill(encoder);
            context::put(encoder);
        })
    }

    /// Likewise; `fill` puts in the context as well.
    #[inline]
    pub(crate) fn placed_whole(
        self,
        message: &str,
        place: Location<'_>,
        fill: impl FnOnce(&mut Encoder<'_>),
    ) -> Receipt {
        let address = || place.file.as_ptr().addr() ^ (place.line as usize) << 32;
        self.take(None, address, |scratch, thread| {
            let mut encoder = Encoder::message(scratch, self.head(0, thread), message, Some(place));
            fill(&mut encoder);
            encoder.finish();
        })
    }

    /// Takes a record whose message and fields are given at run time.
    #[inline]
    pub(crate) fn fields(self, message: &str, fields: &[(&str, Value<'_>)]) -> Receipt {
        self.take(
            None,
            || 0,
            |scratch, thread| {
                let mut encoder = Encoder::message(scratch, self.head(0, thread), message, None);
                fields.iter().for_each(|(name, value)| encoder.field(name, *value));
                context::put(&mut encoder);
                encoder.finish();
            },
        )
    }

    #[inline]
    fn head(&self, site: u32, thread: u32) -> Head {
        Head {
            time_ns: self.core.clock.wall_ns(),
            site,
            thread,
            layer: self.layer.id,
            level: self.level,
        }
    }

    /// Takes a record; `place` tells where in the program it is from.
    #[inline]
    fn take(
        &self,
        site: Option<Numbered>,
        place: impl FnOnce() -> usize,
        encode: impl FnOnce(&mut Scratch, u32),
    ) -> Receipt {
        if !self.layer.is_plain()
            && let Some(receipt) = self.hold_back(place())
        {
            return receipt;
        }
        local::with(|local| {
            // User code runs now: a `Display` that logs finds the thread's state in use, and gets one of its own.
            encode(&mut local.scratch, local.voice.thread);
            let receipt = if self.layer.is_plain() {
                self.append(&mut local.voice, site, &local.scratch)
            } else {
                self.append_unless_repeated(&mut local.voice, site, &local.scratch)
            };
            local.trim();
            // Still inside: a handler that interrupts the wait could need the lock that is waited for.
            receipt.and_then_wait(self.waits)
        })
        .unwrap_or_else(|| self.core.refuse_nested())
    }

    /// Returns the receipt of a record that goes nowhere: its layer has no destination, or holds it back.
    #[cold]
    fn hold_back(&self, place: usize) -> Option<Receipt> {
        if self.layer.is_empty() {
            return Some(self.core.discard());
        }
        let suppressor = self.layer.suppressor.as_ref()?;
        let is_held = suppressor.holds_back(self.core, self.layer, self.level, place as u64);
        is_held.then(Receipt::disabled)
    }

    /// Appends a record, unless its layer has just taken the same one.
    #[cold]
    #[inline(never)]
    fn append_unless_repeated(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8]) -> Receipt {
        let Some(suppressor) = &self.layer.suppressor else {
            return self.append(voice, site, bytes);
        };
        let Ok(print) = suppressor.is_repeated(self.core, self.layer, self.level, bytes) else {
            return Receipt::disabled();
        };
        let receipt = self.append(voice, site, bytes);
        // What was refused is no reason to hold back the next try.
        if let Some(print) = print.filter(|_| receipt.has_failed()) {
            suppressor.forget(print);
        }
        receipt
    }

    /// Everything after the encoding: one function, so that a call site carries only its own captures.
    #[inline(never)]
    fn append(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8]) -> Receipt {
        // A call must not overtake its own thread's async records that wait for room.
        let queues = self.core.waiting.is_busy();
        if !queues && let Some(position) = self.append_at_once(voice, site, bytes) {
            return self.receipt(position);
        }
        self.append_with_patience(voice, site, bytes, queues)
    }

    /// The way of nearly every record: there is room, and all that must stand before it does.
    #[inline(always)]
    fn append_at_once(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8]) -> Option<Position> {
        let writer = voice.writers.of(self.core);
        match site {
            Some((site, _)) => writer.append_at_once(bytes, &[&site.note, &self.layer.note, &voice.note]),
            None => writer.append_at_once(bytes, &[&self.layer.note, &voice.note]),
        }
    }

    #[cold]
    fn append_with_patience(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8], queues: bool) -> Receipt {
        if queues {
            return self.append_later(voice, site, bytes);
        }
        match self.append_now(voice, site, bytes) {
            Ok(position) => self.receipt(position),
            Err(error) => match error.kind() {
                JournalErrorKind::Full => self.append_later(voice, site, bytes),
                JournalErrorKind::Retired => self.append_as_configured_now(voice, site, bytes),
                _ => self.refuse(voice, site, bytes, error),
            },
        }
    }

    /// Another configuration has come into force since the layer was looked up: it decides.
    #[cold]
    fn append_as_configured_now(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8]) -> Receipt {
        let layer = self.core.layers.again(self.layer);
        if !layer.takes(self.level) {
            return Receipt::disabled();
        }
        if layer.is_empty() {
            return self.core.discard();
        }
        let mut bytes = bytes.to_vec();
        hydra_record::encode::set_layer(&mut bytes, layer.id);
        Pass { layer, ..*self }.append(voice, site, &bytes)
    }

    #[inline]
    fn append_now(
        &self,
        voice: &mut Voice,
        site: Option<Numbered>,
        bytes: &[u8],
    ) -> Result<Position, hydra_journal::Error> {
        let source = Source {
            site,
            layer: self.layer,
            thread: voice.thread,
            slot: &voice.note,
            name: &voice.name,
        };
        source.append(self.core, voice.writers.of(self.core), bytes)
    }

    /// As whom a call speaks whose record is not appended here and now.
    fn source<'s>(&'s self, voice: &'s Voice, site: Option<Numbered>) -> Source<'s> {
        Source {
            site,
            layer: self.layer,
            thread: voice.thread,
            slot: &voice.note,
            name: &voice.name,
        }
    }

    /// The journal is full: a sync caller waits here, an async caller's record waits for it.
    #[cold]
    fn append_later(&self, voice: &mut Voice, site: Option<Numbered>, bytes: &[u8]) -> Receipt {
        if self.core.drop_newest(self.layer, self.level) {
            return Receipt::disabled();
        }
        if (!self.waits || self.core.waiting.is_busy())
            && let Some(receipt) = self.queue(voice, site, bytes)
        {
            return receipt;
        }
        loop {
            self.core.make_room();
            self.core.journal.wait_until_room(ROOM_LOOK);
            match self
                .append_now(voice, site, bytes)
                .map_err(|error| (error.kind(), error))
            {
                Ok(position) => return self.receipt(position),
                Err((JournalErrorKind::Full, _)) if self.core.is_closed() => {
                    let error = Error::new(ErrorKind::Closed, "accept a record");
                    let error = error.because("the logger was shut down while the call waited for room");
                    return Receipt::failed(self.source(voice, site).give_up(self.core, self.level, bytes, error));
                }
                Err((JournalErrorKind::Full, _)) => {}
                Err((JournalErrorKind::Retired, _)) => return self.append_as_configured_now(voice, site, bytes),
                Err((_, error)) => return self.refuse(voice, site, bytes, error),
            }
        }
    }

    /// Has a thread of ours look after the record, if one can be had and the end has not come.
    fn queue(&self, voice: &Voice, site: Option<Numbered>, bytes: &[u8]) -> Option<Receipt> {
        if self.core.is_closed() || self.core.is_foreign() {
            return None;
        }
        let record = Taken {
            bytes,
            site,
            thread_name: &voice.name,
        };
        let ticket = self.core.waiting.enter(self.core, self, voice, record)?;
        if self.waits {
            return Some(self.wait_for_turn(&ticket));
        }
        let wanted = self.layer.wanted(self.level);
        Some(Receipt::waiting(self.core, ticket, wanted, self.layer.id, self.level))
    }

    /// The journal does not take the record: it goes down the fallback chain. An async caller's does so on a thread of
    /// ours, for destinations may keep it waiting.
    #[cold]
    fn refuse(&self, voice: &Voice, site: Option<Numbered>, bytes: &[u8], error: hydra_journal::Error) -> Receipt {
        if !self.waits
            && error.kind() != JournalErrorKind::TooLarge
            && let Some(receipt) = self.queue(voice, site, bytes)
        {
            return receipt;
        }
        let source = self.source(voice, site);
        Receipt::failed(source.give_up(self.core, self.level, bytes, self.core.refusal(error)))
    }

    /// A sync call behind async records: waits for room as it would without them. Shutting down ends that.
    fn wait_for_turn(&self, ticket: &Ticket) -> Receipt {
        let is_ready = |waker: &Waker| match ticket.poll(waker) {
            Poll::Ready(result) => Some(result),
            Poll::Pending => None,
        };
        loop {
            match block_until(TURN_LOOK, is_ready) {
                Some(Ok(Some((position, layer)))) => {
                    let layer = self.core.layers.get(layer).unwrap_or(self.layer);
                    return Pass { layer, ..*self }.receipt(position);
                }
                Some(Ok(None)) => return Receipt::disabled(),
                Some(Err(error)) => return Receipt::failed(error),
                None => {}
            }
        }
    }

    /// Appends a record that waited for room, as soon as there is some.
    pub(crate) fn append_waiting(core: &Arc<Core>, record: &mut Waiting) -> Result<Arrival, Error> {
        let slot = NoteSlot::new();
        let mut writer = core.journal.writer();
        loop {
            let Some(layer) = core.layers.get(record.layer) else {
                return Err(Error::new(ErrorKind::Journal, "accept a record").because("its layer is gone"));
            };
            let source = Source {
                site: record.site,
                layer,
                thread: record.thread,
                slot: &slot,
                name: &record.thread_name,
            };
            match source.append(core, &mut writer, &record.bytes) {
                Ok(position) => return Ok(Some((position, layer.id))),
                Err(error) if error.kind() == JournalErrorKind::Full => {
                    core.make_room();
                    core.journal.wait_until_room(ROOM_LOOK);
                }
                Err(error) if error.kind() == JournalErrorKind::Retired => {
                    let now = core.layers.again(layer);
                    if !now.takes(record.level) || now.is_empty() {
                        return Ok(None);
                    }
                    record.layer = now.id;
                    hydra_record::encode::set_layer(&mut record.bytes, now.id);
                }
                Err(error) => return Err(source.give_up(core, record.level, &record.bytes, core.refusal(error))),
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
    fn pending(&self, position: Position, wanted: Wanted) -> Receipt {
        match self.core.ask_for(wanted, position) {
            Ok(()) => Receipt::pending(self.core, position, wanted, self.layer.id, self.level),
            Err(error) => Receipt::failed(error),
        }
    }
}

/// Renders a text of the user's, which may panic.
pub(crate) fn rendered(text: std::fmt::Arguments<'_>) -> String {
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| text.to_string()));
    made.unwrap_or_else(|_| hydra_record::value::PANICKED_TEXT.to_owned())
}

impl Core {
    fn refusal(&self, error: hydra_journal::Error) -> Error {
        let kind = match error.kind() {
            JournalErrorKind::TooLarge => ErrorKind::TooLarge,
            JournalErrorKind::Closed => ErrorKind::Closed,
            _ => ErrorKind::Journal,
        };
        let refusal = Error::new(kind, "accept a record").from_source(error);
        if kind == ErrorKind::Closed && self.is_closed() {
            return refusal.because("the logger is shut down");
        }
        refusal
    }
}
