//! A process: how it begins, and how it ends.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::sync::atomic::Ordering::Relaxed;

use super::{ENDED, GRANTED, LEFT, LIFE, ME, World, world};
use crate::sim::disk;
use crate::sim::plan::{Death, Plan};

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// `main` returned.
    Exit,
    /// `main` panicked.
    Panic,
    /// It was killed.
    Killed,
    /// The power went: see [`crate::sim::power_off`], which the caller has yet to call.
    PowerCut,
    /// Nobody could go on: who waits for what.
    Stuck(String),
}

/// Runs `main` as a process, according to `plan`, to its end.
pub fn live(plan: Plan, main: impl FnOnce() + Send + 'static) -> End {
    let id = {
        let mut world = world();
        world.threads.clear();
        world.plan = Some(plan);
        world.end = None;
        world.steps = 0;
        world.hooks.clear();
        LIFE.fetch_add(1, Relaxed);
        let id = world.enter("main");
        world.running = id;
        world.grant();
        id
    };
    let slot = world().slot(id);
    slot.call();
    let started = std::thread::Builder::new().name("main".to_owned()).spawn(move || {
        slot.wait();
        ME.set(id);
        let result = catch_unwind(AssertUnwindSafe(main));
        let hooks = std::mem::take(&mut world().hooks);
        for hook in hooks.into_iter().rev() {
            let _contained = catch_unwind(hook);
        }
        world().finish_life(if result.is_ok() { End::Exit } else { End::Panic });
        // The process is gone, so nothing of its thread-locals is dropped while the next one lives.
        never();
    });
    if let Err(error) = started {
        return End::Stuck(format!("no real thread is to be had: {error}"));
    }
    let mut world = world();
    loop {
        if let Some(end) = world.end.clone() {
            world.plan = None;
            disk::process_gone();
            return end;
        }
        world = ENDED.wait(world).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Whether the process is killed within so few steps that a call of several steps does not end.
pub(in crate::sim) fn dies_within(steps: u64) -> bool {
    let world = world();
    let death = world.plan.map_or(Death::None, |plan| plan.death);
    let done = world.steps + (GRANTED.load(Relaxed) - LEFT.load(Relaxed));
    match death {
        Death::None => false,
        Death::Kill(at) | Death::PowerCut(at) => at <= done + steps,
    }
}

/// Ends the life here and now, by the death that is planned.
pub(in crate::sim) fn die() {
    let mut world = world();
    let death = world.plan.map_or(Death::None, |plan| plan.death);
    world.note(u64::MAX);
    world.finish_life(match death {
        Death::PowerCut(_) => End::PowerCut,
        Death::Kill(_) | Death::None => End::Killed,
    });
    drop(world);
    never();
}

/// The process is dead: nothing of it runs again.
pub(super) fn never() {
    loop {
        std::thread::park();
    }
}

impl World {
    pub(super) fn finish_life(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        ENDED.notify_all();
    }
}
