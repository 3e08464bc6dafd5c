//! A head's place in a journal, as the head holds it.

use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use hydra_os::atomic::Arc as OsArc;

use crate::cursor::{CursorState, Cursors, Live};
use crate::error::Error;
use crate::journal::Shared;
use crate::position::Position;
use crate::progress::Progress;
use crate::read::{Reader, Source};
use crate::recover::Dead;

/// One head's place in a journal: this process's own, or a dead one's.
#[derive(Clone, Debug)]
pub struct Cursor {
    of: Of,
    live: Arc<Live>,
}

#[derive(Clone, Debug)]
enum Of {
    Live(Arc<Shared>),
    Dead(Arc<Dead>),
}

impl Cursor {
    pub(crate) fn of_living(shared: &Arc<Shared>, live: Arc<Live>) -> Cursor {
        let of = Of::Live(Arc::clone(shared));
        Cursor { of, live }
    }

    pub(crate) fn of_dead(dead: &Arc<Dead>, live: Arc<Live>) -> Cursor {
        let of = Of::Dead(Arc::clone(dead));
        Cursor { of, live }
    }

    fn cursors(&self) -> &Cursors {
        match &self.of {
            Of::Live(shared) => &shared.cursors,
            Of::Dead(dead) => &dead.cursors,
        }
    }

    /// Returns position and mark as last saved.
    pub fn state(&self) -> CursorState {
        self.cursors().state_of(&self.live)
    }

    /// Saves position and mark. When it returns, they survive the death of the process, and what lies before the
    /// position may be reclaimed. A position before the one saved last does not bring anything back.
    ///
    /// A segment is kept for as long as a cursor stands in it: at the end of a batch save [`Reader::position`], which
    /// is in the next segment as soon as there is one, rather than the end of the last record.
    pub fn save(&self, state: &CursorState) {
        if let Of::Live(shared) = &self.of
            && shared.log.is_foreign()
        {
            // The table belongs to the parent process.
            return;
        }
        let before = self.live.delivered.reached();
        self.cursors().save(&self.live, state);
        if let Of::Live(shared) = &self.of
            && before.segment() != state.position.segment()
        {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Returns how far the head has delivered, to wait on.
    pub fn delivered(&self) -> &Progress {
        &self.live.delivered
    }

    /// Begins to read where the cursor stands.
    pub fn reader(&self) -> Reader {
        self.reader_from(self.state().position)
    }

    /// Sleeps until there is more than `seen`, `timeout` is over or somebody wakes the thread. `number` tells the
    /// journal's heads apart.
    pub fn park(&self, number: u32, seen: Position, timeout: Duration) {
        if let Of::Live(shared) = &self.of {
            shared.log.bell.wait(&shared.log.hot, number, seen, timeout);
        }
    }

    /// Returns the position from which on the head needs the journal: behind what it has delivered and given up.
    pub fn needed_from(&self) -> Position {
        self.live.needed_from()
    }

    /// Gives up everything before `position`, so that it can be reclaimed; a reader goes on behind it. What has been
    /// given up must have been counted: it is delivered by nobody any more.
    pub fn abandon(&self, position: Position) {
        self.live.abandon(position);
        if let Of::Live(shared) = &self.of {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Begins to read at `position`, whatever the cursor says.
    pub fn reader_from(&self, position: Position) -> Reader {
        let source = match &self.of {
            Of::Live(shared) => Source::Live(OsArc::clone(&shared.log)),
            Of::Dead(dead) => Source::Dead(Arc::clone(dead)),
        };
        Reader::new(source, position)
    }

    /// Says whether the destination should be synced, because synced records wait for it to be reclaimed.
    pub fn checkpoint_wanted(&self) -> bool {
        self.live.checkpoint_wanted()
    }

    /// Says whether records have been synced, here, that the head has delivered and not said to be synced there.
    pub fn owes_a_sync(&self) -> bool {
        match &self.of {
            Of::Live(shared) => shared.sync.wanted().min(self.live.delivered.reached()) > self.live.durable(),
            Of::Dead(_) => true,
        }
    }

    /// Notes that the destination has been synced up to the cursor's position.
    pub fn checkpointed(&self) {
        self.live.checkpointed(self.live.delivered.reached());
        if let Of::Live(shared) = &self.of {
            shared.log.ask(&mut shared.log.store());
        }
    }

    /// Ends the cursor: the head needs nothing more, and is forgotten. Its destination must have been synced, if what
    /// it took was.
    pub fn remove(&self) {
        match &self.of {
            Of::Live(shared) if shared.log.is_foreign() => {}
            Of::Live(shared) => {
                shared.cursors.remove(&self.live);
                // Who waits for it waits no longer: it has all that was for it.
                self.live.delivered.advance(Position::END);
                shared.log.ask(&mut shared.log.store());
            }
            Of::Dead(dead) => dead.cursors.remove(&self.live),
        }
    }

    /// Wakes `waker` when the head has delivered everything before `position`: see [`Progress::poll`].
    pub fn poll_delivered(&self, position: Position, waker: &Waker) -> Option<Result<(), Error>> {
        self.live.delivered.poll(position, waker)
    }
}
