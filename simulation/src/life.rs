//! What a life does: it starts the logger, logs from some threads, and ends.

use std::time::Duration;

use hydra_logger::{HydraLogger, Level, Receipt, debug, error, info, warning};
use hydra_os::atomic::thread::park_timeout;

use crate::payload::Id;
use crate::random::Random;
use crate::scene::{LAYER, LEVELS, Scene};
use crate::tape::Tape;

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
        let log = match self.scene.config().and_then(HydraLogger::new) {
            Ok(log) => log,
            Err(error) => return self.tape.tell(format!("life {}: not started: {error}", self.number)),
        };
        let threads: Vec<_> = (0..self.scene.threads)
            .filter(|_| self.records > 0)
            .filter_map(|thread| {
                let (life, log) = (self.clone(), log.clone());
                hydra_os::thread::spawn(&format!("caller-{thread}"), move || life.call(&log, thread)).ok()
            })
            .collect();
        for thread in threads {
            if thread.join().is_err() {
                self.tape.complain(format!("life {}: a caller panicked", self.number));
            }
        }
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

    /// What one thread logs.
    fn call(&self, log: &HydraLogger, thread: u64) {
        let mut random = Random::of(&[self.scene.seed, 2, self.number, thread]);
        for number in 1..=self.records {
            let id = Id {
                life: self.number,
                thread,
                number,
            };
            let level = random.pick(&LEVELS);
            self.tape.intend(id, level);
            match call(log, &self.scene, id, level).wait() {
                Ok(()) => self.tape.accept(id),
                Err(error) => self.tape.tell(format!("{id:?}: {error}")),
            }
            if random.below(self.scene.pause_every) == 0 {
                park_timeout(Duration::from_micros(random.pick(&[10, 1_000, 50_000, 2_000_000])));
            }
        }
    }
}

/// One call: in turn by a macro with typed fields and by a method.
fn call(log: &HydraLogger, scene: &Scene, id: Id, level: Level) -> Receipt {
    let Id { life, thread, number } = id;
    if number.is_multiple_of(2) {
        return log.log(LAYER, level, id.text(scene.seed));
    }
    let body = id.body(scene.seed);
    match level {
        Level::Debug => debug!(log, layer: LAYER, "{life} {thread} {number} {body}"),
        Level::Info => info!(log, layer: LAYER, "{life} {thread} {number} {body}"; half = number as f64 / 2.0),
        Level::Warning => warning!(log, layer: LAYER, "{life} {thread} {number} {body}"),
        _ => error!(log, layer: LAYER, "{} {} {} {body}", life, thread, number),
    }
}
