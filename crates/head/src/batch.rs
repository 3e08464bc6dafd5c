//! One batch of frames: rendered, and delivered.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hydra_journal::{Batch, Frame, Kind, Position};
use hydra_os::clock::Deadline;

use crate::attempt::text_of;
use crate::deliver::{Delivery, Hitch, Outcome, acknowledge};
use crate::metrics::add;
use crate::passage::{Passage, Purpose};
use crate::sieve::Sieve;
use crate::spec::SyncPolicy;
use crate::worker::Worker;

/// How far rendering got.
enum Rendering {
    /// To the end of the batch.
    End,
    /// Behind the frame with this index there are enough bytes for a write.
    Enough(usize),
    /// The format panicked at the frame with this index.
    Panicked(usize, String),
}

impl Worker {
    /// Renders the batch's records, up to `until` if there is one, and delivers them, whenever there are enough of them
    /// and at the end.
    pub(crate) fn handle(&mut self, passage: &mut Passage<'_>, batch: &Batch, until: Option<Position>) -> bool {
        let mut from = 0;
        loop {
            let (next, end) = match self.render_from(passage, batch, from, until) {
                Rendering::End => break,
                Rendering::Enough(frame) => (frame + 1, batch.frames().get(frame).map(|frame| frame.end)),
                Rendering::Panicked(frame, reason) => {
                    let start = batch.frames().get(frame).map(|frame| frame.position);
                    if !start.is_some_and(|start| self.deliver(passage, batch, start))
                        || !self.put_away(passage, batch, frame, &reason)
                    {
                        return false;
                    }
                    from = frame + 1;
                    continue;
                }
            };
            if !end.is_some_and(|end| self.deliver(passage, batch, end)) {
                return false;
            }
            from = next;
        }
        let read = passage.reader.position();
        self.deliver(passage, batch, until.map_or(read, |until| read.min(until)))
    }

    /// Renders the batch's records before `end`, to be compared; what the format panics at was never written.
    pub(crate) fn render(&mut self, passage: &mut Passage<'_>, batch: &Batch, end: Position) {
        let mut from = 0;
        loop {
            match self.render_from(passage, batch, from, Some(end)) {
                Rendering::End => return,
                Rendering::Enough(frame) | Rendering::Panicked(frame, _) => from = frame + 1,
            }
        }
    }

    /// Renders records from the frame with that index on, until there are enough for a write.
    fn render_from(
        &mut self,
        passage: &mut Passage<'_>,
        batch: &Batch,
        from: usize,
        end: Option<Position>,
    ) -> Rendering {
        let mut at = from;
        let rendering = catch_unwind(AssertUnwindSafe(|| {
            for frame in batch.frames().iter().skip(from) {
                self.render_one(passage, batch, frame, end);
                if self.rendered.bytes.len() >= self.batch_bytes {
                    return Rendering::Enough(at);
                }
                at += 1;
            }
            Rendering::End
        }));
        rendering.unwrap_or_else(|panic| {
            let reason = format!("the format panicked: {}", text_of(&*panic));
            self.control.metrics.panicked(reason.clone());
            self.rendered.cut();
            Rendering::Panicked(at, reason)
        })
    }

    #[inline]
    fn render_one(&mut self, passage: &mut Passage<'_>, batch: &Batch, frame: &Frame, end: Option<Position>) {
        let payload = batch.payload(frame);
        if frame.kind == Kind::Note {
            passage.notes.learn(payload);
            return;
        }
        if end.is_some_and(|end| frame.position >= end) || !self.filter.takes(payload, &passage.notes) {
            return;
        }
        if !self.replay && matches!(passage.purpose, Purpose::Heritage(_)) {
            add(&self.control.metrics.skipped, 1);
            return;
        }
        // Matched where it is: it is large, and moving what was stored a moment ago waits for the stores.
        match &passage.notes.decode(payload, frame.position.to_u64()) {
            Ok(record) => {
                self.formatter.write(record, &mut self.face, &mut self.rendered.bytes);
                self.rendered.finish_record(frame);
            }
            Err(_) if passage.purpose == Purpose::Again => {}
            Err(_) => {
                add(&self.control.metrics.undecodable, 1);
                self.control.dropping.put_down(1);
            }
        }
    }

    /// Delivers what is rendered and moves the cursor to `end`. False when told to stop before.
    fn deliver(&mut self, passage: &Passage<'_>, batch: &Batch, end: Position) -> bool {
        if self.rendered.is_empty() {
            acknowledge(passage.cursor, end);
            return true;
        }
        let mut done = 0;
        loop {
            let rendered = std::mem::take(&mut self.rendered);
            let mut delivery = self.delivery(passage, batch);
            let outcome = delivery.deliver(&rendered, &mut done, end);
            let synced = delivery.synced;
            self.rendered = rendered;
            if synced {
                self.note_synced();
            }
            if outcome != Outcome::Doubt {
                break self.end_delivery(outcome);
            }
            self.doubt();
            // What is being written again begins again from the start.
            if passage.purpose == Purpose::Again || !self.write_again() {
                self.rendered.clear();
                break false;
            }
        }
    }

    fn end_delivery(&mut self, outcome: Outcome) -> bool {
        self.rendered.clear();
        if let SyncPolicy::Within(wait) = self.sync {
            self.sync_due.get_or_insert_with(|| Deadline::after(wait));
        }
        outcome == Outcome::Done
    }

    /// Puts away a record that the format panics at. False when told to stop before.
    fn put_away(&mut self, passage: &Passage<'_>, batch: &Batch, frame: usize, reason: &str) -> bool {
        let Some(frame) = batch.frames().get(frame) else {
            return true;
        };
        loop {
            match self
                .delivery(passage, batch)
                .put_away(std::slice::from_ref(frame), reason)
            {
                Ok(_) => return true,
                Err(Hitch::Doubt) => {
                    self.doubt();
                    if passage.purpose == Purpose::Again || !self.write_again() {
                        return false;
                    }
                }
                Err(Hitch::Retry) if self.control.is_stopped() => return false,
                Err(Hitch::Retry) => {}
            }
        }
    }

    fn delivery<'w>(&'w mut self, passage: &'w Passage<'_>, batch: &'w Batch) -> Delivery<'w> {
        Delivery {
            sink: &mut *self.sink,
            fallback: self.fallback.as_mut(),
            dead_letters: &mut self.dead_letters,
            cursor: passage.cursor,
            control: &self.control,
            retry: &mut self.retry,
            source: batch,
            notes: &passage.notes,
            face: &mut self.face,
            purpose: passage.purpose,
            one_by_one: self.one_by_one,
            sync_writes: self.sync == SyncPolicy::EveryWrite,
            sieve: Sieve::default(),
            synced: false,
        }
    }
}
