//! What a logging call returns: a position to wait for.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use hydra_journal::Position;
use hydra_os::atomic::thread::{self, Thread};
use hydra_os::clock::Deadline;
use hydra_record::Level;

use crate::config::Wanted;
use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::waiting::{Arrival, Ticket};

/// The record's way to its guarantee. Ignoring it is fine: the record is appended when the call returns.
///
/// A call through the sync handle has waited already; a call through the async handle has not, and its receipt is a
/// future that resolves at the guarantee, with the errors of [`Receipt::wait`] and no timeout of its own.
///
/// # Cancel safety
/// Dropping a receipt, at any time, never loses the record.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig};
/// use std::time::Duration;
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// let receipt = log.info("API", "started");
/// assert!(receipt.is_reached());
/// receipt.wait()?;
/// # Ok::<(), hydra_logger::Error>(())
/// ```
///
/// ```
/// # use hydra_logger::{HydraLogger, LoggingConfig};
/// # use std::time::Duration;
/// # let log = HydraLogger::new(LoggingConfig::default())?;
/// let (first, second) = (log.info("API", "first"), log.handle().error("API", "second"));
/// second.wait_timeout(Duration::from_secs(5))?; // the sync handle's call would have waited
/// assert!(first.sequence() < second.sequence());
/// assert_eq!(log.debug("API", "below the level").sequence(), None);
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Debug)]
pub struct Receipt {
    state: State,
}

#[derive(Debug)]
enum State {
    /// No destination wants the record: there is nothing to wait for.
    Disabled,
    Reached(Position),
    /// The call interrupted another one. Its error is made when somebody asks: no memory may be allocated before.
    Nested,
    /// Behind a trait, so that a call site has little code for dropping its receipt: a comparison, mostly. Behind one
    /// pointer, so that a receipt is returned in two registers.
    Open(Box<Box<dyn Open>>),
}

/// A receipt with something to wait for, or to complain of.
trait Open: fmt::Debug + Send + Sync {
    fn poll(&self, waker: &Waker) -> Option<Result<(), Error>>;

    /// Keeps in mind who is to be woken.
    fn note(&mut self, waker: &Waker);

    /// Waits at most `timeout`, or as long as a logger takes to shut down.
    fn wait(&self, timeout: Option<Duration>) -> Result<(), Error>;

    fn position(&self) -> Option<Position>;
}

#[derive(Debug)]
struct Pending {
    core: Arc<Core>,
    place: Place,
    wanted: Wanted,
    /// The number of its layer.
    layer: u16,
    level: Level,
    /// Who has been noted to be woken, by a task that awaits.
    noted: Option<Waker>,
}

#[derive(Debug)]
enum Place {
    At(Position),
    /// The journal was full: the place is known once there is room.
    Waiting(Arc<Ticket>),
}

impl Receipt {
    /// The receipt of a call whose level is off.
    #[inline]
    #[doc(hidden)]
    pub const fn disabled() -> Receipt {
        Receipt { state: State::Disabled }
    }

    #[inline]
    pub(crate) const fn reached_at(position: Position) -> Receipt {
        Receipt {
            state: State::Reached(position),
        }
    }

    #[cold]
    pub(crate) fn failed(error: Error) -> Receipt {
        Receipt {
            state: State::Open(Box::new(Box::new(error))),
        }
    }

    pub(crate) const fn nested() -> Receipt {
        Receipt { state: State::Nested }
    }

    #[cold]
    pub(crate) fn pending(core: &Arc<Core>, position: Position, wanted: Wanted, layer: u16, level: Level) -> Receipt {
        Receipt::on_its_way(core, Place::At(position), wanted, layer, level)
    }

    #[cold]
    pub(crate) fn waiting(core: &Arc<Core>, ticket: Arc<Ticket>, wanted: Wanted, layer: u16, level: Level) -> Receipt {
        Receipt::on_its_way(core, Place::Waiting(ticket), wanted, layer, level)
    }

    fn on_its_way(core: &Arc<Core>, place: Place, wanted: Wanted, layer: u16, level: Level) -> Receipt {
        let core = Arc::clone(core);
        let pending = Pending {
            core,
            place,
            wanted,
            layer,
            level,
            noted: None,
        };
        Receipt {
            state: State::Open(Box::new(Box::new(pending))),
        }
    }

    /// What the sync handle does with its receipts: it waits, and keeps an error for who asks.
    #[inline]
    pub(crate) fn and_then_wait(self, waits: bool) -> Receipt {
        match self.state {
            State::Open(_) if waits => self.waited(),
            _ => self,
        }
    }

    #[cold]
    fn waited(self) -> Receipt {
        match (self.wait(), self.position()) {
            (Ok(()), Some(position)) => Receipt::reached_at(position),
            (Ok(()), None) => self,
            (Err(error), _) => Receipt::failed(error),
        }
    }

    fn position(&self) -> Option<Position> {
        match &self.state {
            State::Reached(position) => Some(*position),
            State::Open(open) => open.position(),
            State::Disabled | State::Nested => None,
        }
    }

    /// Returns the record's sequence number: greater than that of every earlier record of this logger. `None` if no
    /// destination wanted the record, it was refused, or it still waits for room in the journal.
    pub fn sequence(&self) -> Option<u64> {
        self.position().map(Position::to_u64)
    }

    /// Says whether the call has ended with an error.
    pub(crate) fn has_failed(&self) -> bool {
        match &self.state {
            State::Disabled | State::Reached(_) => false,
            State::Nested => true,
            State::Open(open) => matches!(open.poll(Waker::noop()), Some(Err(_))),
        }
    }

    /// Says whether the record has reached its guarantee.
    pub fn is_reached(&self) -> bool {
        match &self.state {
            State::Disabled | State::Reached(_) => true,
            State::Nested => false,
            State::Open(open) => matches!(open.poll(Waker::noop()), Some(Ok(()))),
        }
    }

    /// Blocks until the record has reached its guarantee, at most for the configured shutdown timeout.
    ///
    /// # Errors
    /// [`ErrorKind::Closed`] if the logger was shut down before the call, [`ErrorKind::TooLarge`] if the record was
    /// refused for its size, [`ErrorKind::Journal`] if it could not be appended or synced,
    /// [`ErrorKind::Destination`] if it was to be `delivered` and a destination will never take it,
    /// [`ErrorKind::Timeout`].
    /// Where a record is that could not be appended says [`Error::ended_at`].
    pub fn wait(&self) -> Result<(), Error> {
        self.wait_at_most(None)
    }

    /// Blocks as [`Receipt::wait`] does, at most for `timeout`.
    ///
    /// # Errors
    /// As [`Receipt::wait`]. After [`ErrorKind::Timeout`] the record is still on its way.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<(), Error> {
        self.wait_at_most(Some(timeout))
    }

    #[cold]
    fn poll_on(&mut self, waker: &Waker) -> Poll<Result<(), Error>> {
        match &mut self.state {
            State::Disabled | State::Reached(_) => Poll::Ready(Ok(())),
            State::Nested => Poll::Ready(Err(nested())),
            State::Open(open) => {
                let polled = open.poll(waker);
                if polled.is_none() {
                    open.note(waker);
                }
                polled.map_or(Poll::Pending, Poll::Ready)
            }
        }
    }

    fn wait_at_most(&self, timeout: Option<Duration>) -> Result<(), Error> {
        match &self.state {
            State::Disabled | State::Reached(_) => Ok(()),
            State::Nested => Err(nested()),
            State::Open(open) => open.wait(timeout),
        }
    }
}

#[cold]
fn nested() -> Error {
    Error::new(ErrorKind::Nested, "accept a record")
        .because("it was made within another call of the same thread, by a signal's handler or by a value without end")
}

impl Open for Error {
    fn poll(&self, _waker: &Waker) -> Option<Result<(), Error>> {
        Some(Err(self.clone()))
    }

    fn note(&mut self, _waker: &Waker) {}

    fn wait(&self, _timeout: Option<Duration>) -> Result<(), Error> {
        Err(self.clone())
    }

    fn position(&self) -> Option<Position> {
        None
    }
}

impl Open for Pending {
    fn poll(&self, waker: &Waker) -> Option<Result<(), Error>> {
        let (position, layer) = match self.place(waker) {
            Poll::Ready(Ok(Some(arrival))) => arrival,
            Poll::Ready(Ok(None)) => return Some(Ok(())),
            Poll::Ready(Err(error)) => return Some(Err(error)),
            Poll::Pending => return None,
        };
        if matches!(self.place, Place::Waiting(_))
            && let Err(error) = self.core.ask_for(self.wanted, position)
        {
            return Some(Err(error));
        }
        match self.wanted.guarantee {
            Guarantee::Queued | Guarantee::Journaled => Some(Ok(())),
            Guarantee::Synced => self.core.poll_synced(position, waker),
            Guarantee::Delivered => {
                let delivered = self.core.poll_delivered(position, layer, self.level, waker);
                if !self.wanted.synced {
                    return delivered;
                }
                match (self.core.poll_synced(position, waker), delivered) {
                    (Some(Err(error)), _) | (_, Some(Err(error))) => Some(Err(error)),
                    (Some(Ok(())), Some(Ok(()))) => Some(Ok(())),
                    _ => None,
                }
            }
        }
    }

    fn note(&mut self, waker: &Waker) {
        self.noted = Some(waker.clone());
    }

    fn wait(&self, timeout: Option<Duration>) -> Result<(), Error> {
        let timeout = timeout.unwrap_or_else(|| self.core.config().shutdown_timeout);
        let waited = match (&self.place, self.wanted.guarantee) {
            (Place::At(position), Guarantee::Synced) => self.core.wait_until_synced(*position, timeout),
            _ => block_until(timeout, |waker| self.poll(waker)),
        };
        waited.unwrap_or_else(|| {
            let cause = format!(
                "not {} after {} s; the record is still on its way",
                self.wanted.guarantee,
                timeout.as_secs_f32()
            );
            Err(Error::new(ErrorKind::Timeout, "wait for a record").because(cause))
        })
    }

    fn position(&self) -> Option<Position> {
        match self.place(Waker::noop()) {
            Poll::Ready(Ok(arrival)) => arrival.map(|(position, _)| position),
            Poll::Ready(Err(_)) | Poll::Pending => None,
        }
    }
}

impl Pending {
    fn place(&self, waker: &Waker) -> Poll<Result<Arrival, Error>> {
        match &self.place {
            Place::At(position) => Poll::Ready(Ok(Some((*position, self.layer)))),
            Place::Waiting(ticket) => ticket.poll(waker),
        }
    }
}

impl Drop for Pending {
    /// A task that gave up waiting must not be kept in mind for as long as a destination is down.
    fn drop(&mut self) {
        if let (Some(waker), Poll::Ready(Ok(Some((position, layer))))) = (self.noted.take(), self.place(Waker::noop()))
        {
            self.core.forget(position, layer, self.level, &waker);
        }
    }
}

impl Future for Receipt {
    type Output = Result<(), Error>;

    // In the caller's code: most receipts have nothing to wait for.
    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let receipt = self.get_mut();
        match receipt.state {
            State::Disabled | State::Reached(_) => Poll::Ready(Ok(())),
            State::Nested | State::Open(_) => receipt.poll_on(context.waker()),
        }
    }
}

/// Wakes the thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Blocks the thread until `poll` gives something, at most for `timeout`.
pub(crate) fn block_until<T>(timeout: Duration, poll: impl Fn(&Waker) -> Option<T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Deadline::after(timeout);
    loop {
        if let Some(result) = poll(&waker) {
            return Some(result);
        }
        if end.is_over() {
            return None;
        }
        thread::park_timeout(end.left());
    }
}
