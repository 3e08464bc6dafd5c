//! What a life does: it starts the logger, logs from some threads, and ends.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use hydra_logger::{
    AsyncHydraLogger, Counts, Error, ErrorKind, HydraLogger, Level, Receipt, Value, debug, error, info, warning,
};
use hydra_os::atomic::thread::{Thread, current, park_timeout};
use hydra_os::clock::mono_ns;
use hydra_os::disk::{self, File, Mode};
use hydra_os::thread::JoinHandle;

use crate::payload::Id;
use crate::random::Random;
use crate::scene::{JOURNAL, LAYER, LEVELS, LOOKS_AFTER, Scene};
use crate::tape::Tape;

/// Threads of one start of the logger at most: the next start's are numbered from here on.
const THREADS_MAX: u64 = 10;

/// How long a call may wait for its guarantee where nothing fails.
const WAIT_MAX: Duration = Duration::from_secs(10);
/// How long a flush may take where destinations fail.
const FLUSH_MAX: Duration = Duration::from_secs(300);
/// How often, and how long after one another, a destination is looked at that might do nothing.
const LOOKS: u32 = 100;
const LOOK: Duration = Duration::from_secs(1);
/// How soon somebody has looked whose time is over.
const AT_ONCE: Duration = Duration::from_millis(1);

/// How a life ends that is not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// `shutdown` is called.
    Shutdown,
    /// The last handle is dropped.
    Drop,
    /// The process exits with the logger in a static: the exit hook has to drain it.
    Leak,
}

/// One life.
#[derive(Clone, Debug)]
pub struct Life {
    /// The scene.
    pub scene: Scene,
    /// Which life.
    pub number: u64,
    /// Records of each thread; 0 in a life that only recovers.
    pub records: u64,
    /// How it ends.
    pub ending: Ending,
    /// Where it notes what it does.
    pub tape: Tape,
}

impl Life {
    /// The `main` of the process.
    pub fn main(self) {
        for start in 0..self.scene.starts {
            self.run(start);
        }
    }

    /// The logger from its start to its end.
    fn run(&self, start: u64) {
        let log = match self.scene.config().and_then(HydraLogger::new) {
            Ok(log) => log,
            Err(error) => return self.tape.tell(format!("life {}: not started: {error}", self.number)),
        };
        let records = if self.records > 0 { self.scene.threads } else { 0 };
        let threads: Vec<_> = (0..records)
            .filter_map(|thread| {
                let (life, log) = (self.clone(), log.clone());
                let work = move || life.work(&log, thread, start * THREADS_MAX + thread);
                hydra_os::thread::spawn(&format!("caller-{thread}"), work).ok()
            })
            .chain(self.start_reloading(&log, start))
            .chain(self.start_taking_away(start))
            .collect();
        if self.scene.is_cut_short {
            park_timeout(Duration::from_millis(3));
            self.end(log);
            self.join(threads);
        } else {
            self.join(threads);
            self.flush(&log);
            self.end(log);
        }
    }

    fn start_reloading(&self, log: &HydraLogger, start: u64) -> Option<JoinHandle<()>> {
        if self.records == 0 || self.scene.reloads == 0 {
            return None;
        }
        let (life, log) = (self.clone(), log.clone());
        hydra_os::thread::spawn("reloader", move || life.reload(&log, start)).ok()
    }

    fn start_taking_away(&self, start: u64) -> Option<JoinHandle<()>> {
        if self.records == 0 || self.scene.losses == 0 {
            return None;
        }
        let life = self.clone();
        hydra_os::thread::spawn("operator", move || life.take_away(start)).ok()
    }

    /// Moves the journals away under the living process, now and then so that they cannot be made anew for a while.
    fn take_away(&self, start: u64) {
        let mut random = Random::of(&[self.scene.seed, 6, self.number, start]);
        for loss in 0..self.scene.losses {
            park_timeout(Duration::from_micros(random.pick(&[1, 100, 5_000, 300_000, 2_000_000])));
            let to = format!("/away-{}-{start}-{loss}", self.number);
            // It may not be there any more, or not yet again.
            if disk::rename(JOURNAL, to).is_err() || random.below(2) == 0 {
                continue;
            }
            let is_blocked = File::open(JOURNAL, Mode::CreateReadWrite).is_ok();
            park_timeout(Duration::from_micros(random.pick(&[100, 300_000, 3_000_000])));
            // What cannot be removed at once is tried again.
            let mut tries = if is_blocked { 0..100 } else { 0..0 };
            while tries.next().is_some() && disk::remove_file(JOURNAL).is_err() {}
        }
    }

    /// What was logged is soon with its destinations, unless one of them fails.
    fn flush(&self, log: &HydraLogger) {
        let begun_ns = mono_ns();
        let flushed = log.flush(FLUSH_MAX);
        let took = Duration::from_nanos(mono_ns() - begun_ns);
        let is_slow = took > WAIT_MAX && !self.scene.family.has_faults();
        if is_slow || flushed.is_err() && is_idle(log) {
            let what = format!("a flush took {took:?}: {flushed:?}; {:?}", log.health());
            self.tape.complain(format!("life {}: {what}", self.number));
        }
    }

    /// Puts other configurations in force, one after the other.
    fn reload(&self, log: &HydraLogger, start: u64) {
        let mut random = Random::of(&[self.scene.seed, 4, self.number, start]);
        for _ in 0..self.scene.reloads {
            park_timeout(Duration::from_micros(random.pick(&[1, 100, 2_000, 100_000])));
            let varied = self.scene.varied(&mut random);
            match varied.config().and_then(|config| log.reload(config)) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Closed || self.scene.family.has_faults() => {
                    self.tape.tell(format!("life {}: {error}", self.number));
                }
                Err(error) => self.tape.complain(format!("life {}: {error}", self.number)),
            }
        }
    }

    /// A world without faults keeps nobody waiting for long, and in no world is somebody told only because he has
    /// looked for himself.
    fn judge_wait(&self, id: Id, waited_ns: u64, error: Option<&Error>) {
        let waited = Duration::from_nanos(waited_ns);
        let is_slow = waited > WAIT_MAX && !self.scene.family.has_faults();
        let is_forgotten = waited >= LOOKS_AFTER && waited - LOOKS_AFTER < AT_ONCE && error.is_none();
        if is_slow || is_forgotten {
            self.tape.complain(format!("{id:?} waited {waited:?}: {error:?}"));
        }
    }

    fn join(&self, threads: Vec<JoinHandle<()>>) {
        for thread in threads {
            if thread.join().is_err() {
                self.tape.complain(format!("life {}: a caller panicked", self.number));
            }
        }
    }

    fn end(&self, log: HydraLogger) {
        match self.ending {
            Ending::Shutdown => {
                let begun_ns = mono_ns();
                let ended = log.shutdown(Duration::from_secs(300));
                let took = Duration::from_nanos(mono_ns() - begun_ns);
                if took > WAIT_MAX && !self.scene.family.has_faults() {
                    let what = format!("shutting down took {took:?}: {ended:?}; {:?}", log.health());
                    self.tape.complain(format!("life {}: {what}", self.number));
                }
                match ended {
                    Ok(report) => self.tape.report(self.number, report),
                    Err(error) => self.tape.tell(format!("life {}: shutdown: {error}", self.number)),
                }
                log.health()
                    .problems
                    .into_iter()
                    .for_each(|problem| self.tape.tell(problem));
            }
            Ending::Drop => drop(log),
            Ending::Leak => std::mem::forget(log),
        }
    }

    /// What one thread logs; on the tape it is called `whose`.
    fn work(&self, log: &HydraLogger, thread: u64, whose: u64) {
        let mut random = Random::of(&[self.scene.seed, 2, self.number, whose]);
        let is_async = thread < self.scene.async_threads;
        let front = if is_async {
            Front::Async(log.handle())
        } else {
            Front::Sync(log.clone())
        };
        for number in 1..=self.records {
            let id = Id {
                life: self.number,
                thread: whose,
                number,
            };
            let level = random.pick(&LEVELS);
            self.tape.intend(id, level);
            let begun_ns = mono_ns();
            let receipt = match &front {
                Front::Sync(log) => sync_call(log, &self.scene, id, level),
                Front::Async(log) => async_call(log, &self.scene, id, level),
            };
            // As of a level that is off: so a call after the end is answered.
            let is_off = receipt.is_reached() && receipt.sequence().is_none();
            let result = if is_async { block_on(receipt) } else { receipt.wait() };
            self.judge_wait(id, mono_ns() - begun_ns, result.as_ref().err());
            match result {
                Ok(()) if is_off => self.tape.pass_over(id),
                Ok(()) => self.tape.accept(id),
                Err(error) => self.tape.tell(format!("{id:?}: {error}")),
            }
            if random.below(8 * self.scene.pause_every) == 0 && !self.scene.is_cut_short {
                match &front {
                    Front::Sync(log) => self.flush(log),
                    Front::Async(_) => {}
                }
            }
            if random.below(self.scene.pause_every) == 0 {
                park_timeout(Duration::from_micros(random.pick(&[10, 1_000, 50_000, 2_000_000])));
            }
        }
    }
}

/// Says whether all destinations do nothing: none of them fails, or takes its time, for as long as one may wait between
/// two tries.
fn is_idle(log: &HydraLogger) -> bool {
    let works = |counts: &Counts| counts.failing || counts.busy_for.is_some();
    let before = log.health();
    let is_idle = (0..LOOKS).all(|_| {
        park_timeout(LOOK);
        !log.health().destinations.iter().any(|(_, counts)| works(counts))
    });
    is_idle && log.health().destinations == before.destinations
}

/// Either handle.
enum Front {
    Sync(HydraLogger),
    Async(AsyncHydraLogger),
}

/// One call: by a macro with typed fields, by a method, or through a layer's handle.
macro_rules! call {
    ($name:ident, $handle:ty) => {
        fn $name(log: &$handle, scene: &Scene, id: Id, level: Level) -> Receipt {
            let Id { life, thread, number } = id;
            if scene.pad > 0 && number.is_multiple_of(2) {
                let pad = "p".repeat(scene.pad);
                let fields = [("pad", Value::Str(&pad))];
                return log.layer(LAYER).record(level, &id.text(scene.seed), &fields);
            }
            if number.is_multiple_of(2) {
                return log.log(LAYER, level, id.text(scene.seed));
            }
            let body = id.body(scene.seed);
            match level {
                Level::Debug => debug!(log, layer: LAYER, "{life} {thread} {number} {body}"),
                Level::Info => {
                    info!(log, layer: LAYER, "{life} {thread} {number} {body}"; half = number as f64 / 2.0)
                }
                Level::Warning => warning!(log, layer: LAYER, "{life} {thread} {number} {body}"),
                _ => error!(log, layer: LAYER, "{} {} {} {body}", life, thread, number),
            }
        }
    };
}

call!(sync_call, HydraLogger);
call!(async_call, AsyncHydraLogger);

/// Waits for a future on a simulated thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => park_timeout(LOOKS_AFTER),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
