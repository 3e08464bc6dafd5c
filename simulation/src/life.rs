//! What a life does: it starts the logger, logs from some threads, and ends.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use hydra_logger::{AsyncHydraLogger, ErrorKind, HydraLogger, Level, Receipt, Value, debug, error, info, warning};
use hydra_os::atomic::thread::{Thread, current, park_timeout};
use hydra_os::thread::JoinHandle;

use crate::payload::Id;
use crate::random::Random;
use crate::scene::{LAYER, LEVELS, Scene};
use crate::tape::Tape;

/// Threads of one start of the logger at most: the next start's are numbered from here on.
const THREADS_MAX: u64 = 10;

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
            .collect();
        if self.scene.is_cut_short {
            park_timeout(Duration::from_millis(3));
            self.end(log);
            self.join(threads);
        } else {
            self.join(threads);
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
                match log.shutdown(Duration::from_secs(300)) {
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
            let receipt = match &front {
                Front::Sync(log) => sync_call(log, &self.scene, id, level),
                Front::Async(log) => async_call(log, &self.scene, id, level),
            };
            // As of a level that is off: so a call after the end is answered.
            let is_off = receipt.is_reached() && receipt.sequence().is_none();
            let result = if is_async { block_on(receipt) } else { receipt.wait() };
            match result {
                Ok(()) if is_off => self.tape.pass_over(id),
                Ok(()) => self.tape.accept(id),
                Err(error) => self.tape.tell(format!("{id:?}: {error}")),
            }
            if random.below(self.scene.pause_every) == 0 {
                park_timeout(Duration::from_micros(random.pick(&[10, 1_000, 50_000, 2_000_000])));
            }
        }
    }
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
            Poll::Pending => park_timeout(Duration::from_secs(900)),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
