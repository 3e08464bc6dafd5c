//! Records whose `Display` panics, logs, is slow, lies or waits for a lock that its own caller's neighbour holds.

use std::fmt;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hydra_logger::{HydraLogger, info};

use super::{AS_TOLD, LAYER, Log, Text, complain, shut_down};
use crate::payload::Id;
use crate::spec::Spec;
use crate::tape::Tape;

/// How long the slow one takes.
const SLOW: Duration = Duration::from_millis(300);
/// What the others log meanwhile, at least.
const MEANWHILE: u64 = 200;
/// A layer that is not configured: its records go to standard error, and what they say proves nothing.
const ELSEWHERE: &str = "ELSEWHERE";

/// Runs `0` while a text is made, then shows the text.
struct Shows<'a, F: Fn()>(&'a str, F);

impl<F: Fn()> fmt::Display for Shows<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.1)();
        // In pieces, as a `Display` may.
        self.0.split_inclusive(' ').try_for_each(|piece| f.write_str(piece))
    }
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half of a text")?;
        super::panic_as_told()
    }
}

/// Says something else each time, and claims failure after having written.
struct Lies(AtomicU64);

impl fmt::Display for Lies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.0.fetch_add(1, Ordering::Relaxed) as usize;
        f.write_str(&"x".repeat(10 + 10_000 * times))?;
        Err(fmt::Error)
    }
}

/// Never comes to an end.
struct Endless(u64);

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deeper = Endless(self.0 + 1);
        write!(f, "{} {deeper}", std::hint::black_box(self.0))
    }
}

/// Logs a record that overflows the stack as it is made.
pub(super) fn overflow(log: &Log) {
    let endless = Endless(0);
    match log {
        Log::Sync(log) => _ = info!(log, layer: LAYER, "{endless}"),
        Log::Async(log) => _ = info!(log, layer: LAYER, "{endless}"),
    }
}

/// Logs through each of them, and shuts down.
pub(super) fn run(spec: &Spec, log: HydraLogger, tape: &Arc<Tape>) -> ExitCode {
    let scene = Scene { spec, log: &log, tape };
    let found = scene
        .panics()
        .and_then(|()| scene.logs_itself())
        .and_then(|()| scene.is_slow())
        .and_then(|()| scene.waits_for_a_lock());
    match found {
        Ok(()) => shut_down(spec, &Log::Sync(log)),
        Err(what) => complain(&what),
    }
}

struct Scene<'s> {
    spec: &'s Spec,
    log: &'s HydraLogger,
    tape: &'s Tape,
}

impl Scene<'_> {
    /// Logs a record whose text is made by a `Display` that does `work` first.
    fn one(&self, thread: u64, number: u64, work: impl Fn()) -> Result<(), String> {
        let life = self.spec.life;
        let text = Text::new(self.spec, Id { life, thread, number });
        self.tape.intend(life, thread, number);
        let shown = Shows(&text.whole, work);
        let logged = info!(self.log, layer: LAYER, "{shown}").wait();
        logged.map_err(|error| format!("a record of thread {thread}: {error}"))?;
        self.tape.accept(life, thread, number);
        Ok(())
    }

    /// A panic and a lie spoil their own values: the records are accepted, and the caller goes on.
    fn panics(&self) -> Result<(), String> {
        for number in 1..=10 {
            let (panics, lies) = (Panics, Lies(AtomicU64::new(0)));
            let accepted = info!(self.log, layer: ELSEWHERE, "{panics} and {lies}"; of = AS_TOLD);
            accepted.wait().map_err(|error| error.to_string())?;
            let times = lies.0.load(Ordering::Relaxed);
            if times != 1 {
                return Err(format!("a text was made {times} times"));
            }
            self.one(0, number, || {})?;
        }
        Ok(())
    }

    /// A record that is logged while another one's text is made, three deep.
    fn logs_itself(&self) -> Result<(), String> {
        for number in 1..=10 {
            let inner = || {
                let innermost = || _ = self.one(3, number, || {});
                _ = self.one(2, number, innermost);
            };
            self.one(1, number, inner)?;
        }
        Ok(())
    }

    /// While one text takes its time, others log.
    fn is_slow(&self) -> Result<(), String> {
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let slow = scope.spawn(|| {
                let logged = self.one(4, 1, || std::thread::sleep(SLOW));
                is_over.store(true, Ordering::Release);
                logged
            });
            let (begun, mut number) = (Instant::now(), 0);
            while number < MEANWHILE {
                number += 1;
                self.one(5, number, || {})?;
            }
            // The others are done before the slow one, unless they waited for it.
            if is_over.load(Ordering::Acquire) && begun.elapsed() < SLOW * 2 {
                return Err("a slow text holds others up".to_owned());
            }
            slow.join()
                .unwrap_or_else(|_| Err("the slow thread panicked".to_owned()))
        })
    }

    /// A text waits for a lock whose holder logs before it lets go.
    fn waits_for_a_lock(&self) -> Result<(), String> {
        let (lock, is_inside) = (Mutex::new(()), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let held = lock.lock();
            let waits = scope.spawn(|| {
                self.one(6, 1, || {
                    is_inside.store(true, Ordering::Release);
                    drop(lock.lock());
                })
            });
            while !is_inside.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
            let logged = (1..=1_000).try_for_each(|number| self.one(7, number, || {}));
            drop(held);
            let waited = waits.join();
            logged.and(waited.unwrap_or_else(|_| Err("the thread that waits panicked".to_owned())))
        })
    }
}
