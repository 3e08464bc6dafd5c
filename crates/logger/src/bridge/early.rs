//! What the macros of other crates log before there is a logger.
//!
//! A program reads its configuration, and what it links against starts, before it has a logger: what is logged
//! meanwhile would be lost, for `log` and `tracing` have nowhere to take it. [`install_early`] gives them a place: a
//! buffer in memory, whose records the first logger that is installed takes over, in their order, with the time and the
//! thread they had.
//!
//! Until then a record is as safe as the process. One that ends in an orderly way without a logger leaves what there is
//! on standard error. The buffer is bounded; what it has no room for is counted, and told to the logger in a record.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use hydra_format::{ClockFace, Formatter, Plain, PlainOptions};
use hydra_os::atomic::{Mutex, MutexGuard};
use hydra_os::process;
use hydra_record::encode::set_layer;
use hydra_record::{Dictionary, Encoder, Head, LayerNote, Level, Location, ThreadNote, Value};

use crate::core::Core;
use crate::error::{Error, ErrorKind};
use crate::guarantee::Guarantee;
use crate::layer::DEFAULT;
use crate::local::{self, theirs};
use crate::pass::{self, Pass};
use crate::receipt::Receipt;
use crate::waiting::Waiting;

/// The most records that are kept before a logger is installed.
pub const EARLY_RECORDS_MAX: usize = 1024;
/// The most bytes of them, in the form that they have in a journal.
pub const EARLY_BYTES_MAX: usize = 1 << 20;

/// Takes what the macros of `log` (feature `log`) and `tracing` (feature `tracing`) log, from `least` on, before there
/// is a logger. The logger whose `install` is called later gets it, and everything from then on.
///
/// It is called first of all, by programs that call [`HydraLogger::install`](crate::HydraLogger::install): as that
/// does, it takes the place of the process's `log` backend and of its global `tracing` subscriber. Records arrive in
/// the order in which they were logged, with their own time, thread, place, fields and context, as far as the
/// configuration wants their levels; spans that are open go on.
///
/// # Guarantee
/// Until a logger is installed a record is in memory, as one that is `queued`: a process that dies loses it, and one
/// that ends in an orderly way without a logger writes it to standard error. When `install` returns, each of them has
/// what its guarantee says.
///
/// # Limits
/// [`EARLY_RECORDS_MAX`] records, [`EARLY_BYTES_MAX`] bytes. What comes when they are reached is counted, and a record
/// at `WARNING` in the layer `DEFAULT` says how many.
///
/// # Errors
/// [`ErrorKind::Unsupported`] if the process has a `log` backend or a global `tracing` subscriber already; with both
/// features the first may be taken then.
///
/// # Examples
/// ```standalone_crate
/// use hydra_logger::testing::TestLog;
/// use hydra_logger::{Level, install_early};
///
/// # #[cfg(feature = "log")] {
/// install_early(Level::Info)?;
/// log::info!("reading the configuration");
///
/// let log = TestLog::new(); // in a program: `HydraLogger::from_file("hydra.toml")?`
/// log.install()?;
/// log::info!("ready");
/// assert_eq!(log.messages(), ["reading the configuration", "ready"]);
/// # }
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn install_early(least: Level) -> Result<(), Error> {
    let early = &crate::global::EARLY;
    early.least.store(least.number(), Ordering::Relaxed);
    #[cfg(feature = "log")]
    super::log::install_early(least)?;
    #[cfg(feature = "tracing")]
    super::tracing::install_early()?;
    early.lock().process = process::id();
    let refused = |error| Error::new(ErrorKind::Unsupported, "keep early records").from_source(error);
    hydra_os::exit::at_exit(leave_on_stderr).map_err(refused)
}

/// What is kept, and what the macros lead to.
#[derive(Debug)]
pub(crate) struct Early {
    least: AtomicU8,
    /// How many there was no room for.
    dropped: AtomicU64,
    state: Mutex<State>,
    #[cfg(feature = "log")]
    pub(super) log: super::log::Early,
    #[cfg(feature = "tracing")]
    pub(super) tracing: super::tracing::Early,
}

#[derive(Debug)]
struct State {
    records: VecDeque<Kept>,
    bytes: usize,
    /// A logger has taken them over, and takes what comes.
    is_over: bool,
    /// Whose records they are: a forked child leaves its parent's alone.
    process: u32,
}

/// A record that waits for a logger.
#[derive(Debug)]
pub(super) struct Kept {
    level: Level,
    target: String,
    thread: u32,
    thread_name: String,
    bytes: Vec<u8>,
}

impl Early {
    pub(crate) const fn new() -> Early {
        Early {
            least: AtomicU8::new(0),
            dropped: AtomicU64::new(0),
            state: Mutex::new(State {
                records: VecDeque::new(),
                bytes: 0,
                is_over: false,
                process: 0,
            }),
            #[cfg(feature = "log")]
            log: super::log::Early::new(),
            #[cfg(feature = "tracing")]
            tracing: super::tracing::Early::new(),
        }
    }

    pub(super) fn takes(&self, level: Level) -> bool {
        level.number() >= self.least.load(Ordering::Relaxed)
    }

    /// Keeps a record, whose message and fields are rendered now; gives it back if a logger has come meanwhile.
    pub(super) fn keep(
        &self,
        (level, target): (Level, &str),
        place: Location<'_>,
        message: impl FnOnce() -> String,
        fill: impl FnOnce(&mut Encoder<'_>),
    ) -> Option<Kept> {
        let kept = local::with(|local| {
            let head = Head {
                time_ns: hydra_os::clock::wall_ns(),
                site: 0,
                thread: local.voice.thread,
                layer: 0,
                level,
            };
            let message = theirs(message);
            let mut encoder = Encoder::message(&mut local.scratch, head, &message, Some(place));
            theirs(|| fill(&mut encoder));
            encoder.finish();
            let kept = Kept {
                level,
                target: target.to_owned(),
                thread: local.voice.thread,
                thread_name: local.voice.name.clone(),
                bytes: local.scratch.to_vec(),
            };
            self.push(kept)
        });
        // None where it was made within another one: by a value without end, or by a signal's handler.
        kept.unwrap_or_else(|| {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            None
        })
    }

    fn push(&self, kept: Kept) -> Option<Kept> {
        let mut state = self.lock();
        if state.is_over {
            return Some(kept);
        }
        let bytes = state.bytes + kept.bytes.len();
        if state.records.len() >= EARLY_RECORDS_MAX || bytes > EARLY_BYTES_MAX {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.bytes = bytes;
            state.records.push_back(kept);
        }
        None
    }

    /// Gives what is kept to a logger, and has `connect` lead to it what comes. Nobody else's record gets in between.
    pub(super) fn hand_over(
        &self,
        core: &Arc<Core>,
        waits: bool,
        connect: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut receipts = Vec::new();
        let mut state = self.lock();
        // A forked child's are its parent's.
        if state.process == process::id() {
            receipts.extend(state.records.drain(..).filter_map(|kept| kept.give(core)));
            self.tell_dropped(core);
        }
        state.is_over = state.process != 0;
        let connected = connect();
        drop(state);
        receipts
            .into_iter()
            .for_each(|receipt| drop(receipt.and_then_wait(waits)));
        connected
    }

    fn tell_dropped(&self, core: &Arc<Core>) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        let layer = core.layers.find(DEFAULT).filter(|layer| layer.takes(Level::Warning));
        if let Some(layer) = layer.filter(|layer| dropped > 0 && !layer.is_empty()) {
            let message = format!("{dropped} records dropped before there was a logger: there was no room");
            // What cannot be appended here cannot be told anywhere; the journal counts it.
            let _ = pass::append_own(
                core,
                layer,
                Level::Warning,
                &message,
                &[("dropped", Value::U64(dropped))],
            );
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Logs it as a call that comes now does.
    pub(super) fn log(self, core: &Arc<Core>, waits: bool) {
        if let Some(receipt) = self.give(core) {
            drop(receipt.and_then_wait(waits));
        }
    }

    /// Logs it through `core`, if that wants it; `None` if not.
    fn give(self, core: &Arc<Core>) -> Option<Receipt> {
        let pass = core.open_found(self.level, || core.bridges.layer(core, &self.target), false)?;
        if pass.layer.is_empty() {
            return Some(core.discard());
        }
        let mut bytes = self.bytes;
        set_layer(&mut bytes, pass.layer.id);
        let speaker = (self.thread, self.thread_name);
        let mut record = Waiting::unasked(pass.layer.id, self.level, speaker, bytes);
        let (position, layer) = match Pass::append_waiting(core, &mut record) {
            Ok(arrival) => arrival?,
            Err(error) => return Some(Receipt::failed(error)),
        };
        let wanted = core.layers.get(layer)?.wanted(self.level);
        Some(match (wanted.guarantee, core.ask_for(wanted, position)) {
            (_, Err(error)) => Receipt::failed(error),
            (Guarantee::Queued | Guarantee::Journaled, Ok(())) => Receipt::reached_at(position),
            (Guarantee::Synced | Guarantee::Delivered, Ok(())) => {
                Receipt::pending(core, position, wanted, layer, self.level)
            }
        })
    }

    /// Returns it as a line.
    fn line(&self, plain: &Plain, face: &mut ClockFace, line: &mut Vec<u8>) {
        let (mut notes, mut note) = (Dictionary::new(), Vec::new());
        LayerNote::put(0, &self.target, DEFAULT, &mut note);
        notes.learn(&note);
        note.clear();
        ThreadNote::put(self.thread, &self.thread_name, &mut note);
        notes.learn(&note);
        if let Ok(record) = notes.decode(&self.bytes, 0) {
            plain.write(&record, face, line);
        }
    }
}

/// The process ends without a logger: what it has logged is told in the only place there is.
fn leave_on_stderr() {
    let early = &crate::global::EARLY;
    let (Ok(mut state), Ok(plain)) = (early.state.try_lock(), Plain::new(PlainOptions::default())) else {
        return;
    };
    if state.process != process::id() {
        return;
    }
    let (mut face, mut lines) = (ClockFace::new(hydra_os::clock::utc_offset_at), Vec::new());
    for kept in state.records.drain(..) {
        kept.line(&plain, &mut face, &mut lines);
    }
    let dropped = early.dropped.swap(0, Ordering::Relaxed);
    if dropped > 0 {
        lines
            .extend_from_slice(format!("{dropped} more records were dropped: there was room for no more\n").as_bytes());
    }
    // There is nobody left to be told of a failure.
    let _ = std::io::stderr().write_all(&lines);
}
