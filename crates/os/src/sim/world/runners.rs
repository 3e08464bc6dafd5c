//! Who has the baton, who waits for what, and who is next.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::{End, FORGOTTEN_NS, ME, NOW_NS, STEP_NS, World, me, never, step, world};

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum On {
    Lock(usize),
    Call(usize),
    Park,
    Thread(u32),
    Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    Waiting(On, Option<u64>),
    Done,
}

/// Where a real thread waits for the baton.
#[derive(Debug, Default)]
pub(in crate::sim) struct Slot {
    go: Mutex<bool>,
    called: Condvar,
}

impl Slot {
    pub(super) fn call(&self) {
        *self.go.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.called.notify_one();
    }

    pub(in crate::sim) fn wait(&self) {
        let mut go = self.go.lock().unwrap_or_else(PoisonError::into_inner);
        while !*go {
            go = self.called.wait(go).unwrap_or_else(PoisonError::into_inner);
        }
        *go = false;
    }
}

#[derive(Debug)]
pub(super) struct Runner {
    pub(super) name: String,
    state: State,
    slot: Arc<Slot>,
    priority: u64,
    /// The wait that has just ended did so because its time was over.
    timed_out: bool,
    /// It was unparked while it ran.
    token: bool,
}

/// Waits for something; says whether it ended because the time was over.
pub(in crate::sim) fn wait(on: On, until_ns: Option<u64>) -> bool {
    let me = me();
    let mut world = world();
    if let Some(runner) = world.threads.get_mut(&me) {
        runner.state = State::Waiting(on, until_ns);
        runner.timed_out = false;
    }
    pass(world, me);
    self::world().threads.get(&me).is_some_and(|runner| runner.timed_out)
}

/// Lets another thread go on.
pub(in crate::sim) fn yield_baton() {
    let me = me();
    if me == 0 {
        return;
    }
    NOW_NS.fetch_add(100 * STEP_NS, Relaxed);
    let mut world = world();
    if let Some(runner) = world.threads.get_mut(&me) {
        runner.priority = 0;
    }
    pass(world, me);
}

/// Makes those ready who wait for `on`; only one of them, drawn, if `one`.
pub(in crate::sim) fn wake(on: On, one: bool) {
    let mut world = world();
    let waiting = |runner: &Runner| matches!(runner.state, State::Waiting(what, _) if what == on);
    let mut ids: Vec<u32> = world
        .threads
        .iter()
        .filter(|(_, runner)| waiting(runner))
        .map(|(id, _)| *id)
        .collect();
    if one && ids.len() > 1 {
        let chosen = world.next() as usize % ids.len();
        ids = vec![ids.swap_remove(chosen)];
    }
    for id in ids {
        world.ready(id);
    }
}

/// Parks the calling thread, unless it was unparked since it last was.
pub(in crate::sim) fn park(until_ns: Option<u64>) {
    step();
    let has_token = world()
        .threads
        .get_mut(&me())
        .map(|runner| std::mem::take(&mut runner.token));
    if has_token == Some(false) {
        wait(On::Park, until_ns);
        if let Some(runner) = world().threads.get_mut(&me()) {
            runner.token = false;
        }
    }
}

pub(in crate::sim) fn unpark(id: u32) {
    {
        let mut world = world();
        let Some(runner) = world.threads.get_mut(&id) else {
            return;
        };
        match runner.state {
            State::Waiting(On::Park, _) => world.ready(id),
            _ => runner.token = true,
        }
    }
    step();
}

/// Makes a thread that has yet to get the baton.
pub(in crate::sim) fn enter(name: &str) -> (u32, Arc<Slot>) {
    let mut world = world();
    let id = world.enter(name);
    (id, world.slot(id))
}

/// The calling real thread becomes the simulated one, once it has the baton.
pub(in crate::sim) fn begin(id: u32, slot: &Slot) {
    slot.wait();
    ME.set(id);
}

/// The calling thread ends, and the baton goes on.
pub(in crate::sim) fn finish() {
    let me = ME.replace(0);
    if me == 0 {
        return;
    }
    let mut world = world();
    if let Some(runner) = world.threads.get_mut(&me) {
        runner.state = State::Done;
    }
    drop(world);
    wake(On::Thread(me), false);
    let mut world = self::world();
    if let Some(next) = world.choose() {
        world.running = next;
        let slot = world.slot(next);
        drop(world);
        slot.call();
    }
}

/// Whether the thread has ended.
pub(in crate::sim) fn is_done(id: u32) -> bool {
    world()
        .threads
        .get(&id)
        .is_none_or(|runner| runner.state == State::Done)
}

/// Gives the baton to whoever is chosen, and waits until it comes back.
pub(super) fn pass(mut world: MutexGuard<'_, World>, me: u32) {
    let Some(next) = world.choose() else {
        drop(world);
        return never();
    };
    world.running = next;
    if next == me {
        return;
    }
    let (to, mine) = (world.slot(next), world.slot(me));
    drop(world);
    to.call();
    mine.wait();
}

impl World {
    pub(super) fn enter(&mut self, name: &str) -> u32 {
        self.last_id += 1;
        let runner = Runner {
            name: name.to_owned(),
            state: State::Ready,
            slot: Arc::default(),
            priority: self.next(),
            timed_out: false,
            token: false,
        };
        self.threads.insert(self.last_id, runner);
        self.last_id
    }

    pub(super) fn slot(&self, id: u32) -> Arc<Slot> {
        self.threads
            .get(&id)
            .map(|runner| Arc::clone(&runner.slot))
            .unwrap_or_default()
    }

    fn ready(&mut self, id: u32) {
        if let Some(runner) = self.threads.get_mut(&id) {
            runner.state = State::Ready;
        }
    }

    /// Chooses who goes on. Nobody can when the life has ended.
    pub(super) fn choose(&mut self) -> Option<u32> {
        loop {
            if self.end.is_some() {
                return None;
            }
            self.expire();
            if self.roll(|plan| plan.spurious) {
                self.wake_for_nothing();
            }
            let ready: Vec<(u32, u64)> = self
                .threads
                .iter()
                .filter(|(_, runner)| runner.state == State::Ready)
                .map(|(id, runner)| (*id, runner.priority))
                .collect();
            if !ready.is_empty() {
                return Some(self.pick(&ready));
            }
            let now = NOW_NS.load(Relaxed);
            let deadline = |runner: &Runner| match runner.state {
                State::Waiting(_, until) => until,
                State::Ready | State::Done => None,
            };
            match self.threads.values().filter_map(deadline).min() {
                Some(at) if at.saturating_sub(now) < FORGOTTEN_NS => NOW_NS.store(at.max(now), Relaxed),
                _ => {
                    let told = self.tell();
                    self.finish_life(End::Stuck(told));
                }
            }
        }
    }

    fn pick(&mut self, ready: &[(u32, u64)]) -> u32 {
        let dice = self.next();
        self.note(dice);
        let chosen = match self.plan.is_some_and(|plan| plan.priorities) {
            true => ready.iter().max_by_key(|(_, priority)| *priority),
            false => ready.get((dice >> 8) as usize % ready.len()),
        };
        let id = chosen.map_or(0, |(id, _)| *id);
        if dice.is_multiple_of(8) {
            let priority = self.next();
            let ids: Vec<u32> = self.threads.keys().copied().collect();
            let changed = ids.get((dice >> 8) as usize % ids.len()).copied().unwrap_or(id);
            if let Some(runner) = self.threads.get_mut(&changed) {
                runner.priority = priority;
            }
        }
        id
    }

    /// Wakes those whose time is over.
    fn expire(&mut self) {
        let now = NOW_NS.load(Relaxed);
        for runner in self.threads.values_mut() {
            if matches!(runner.state, State::Waiting(_, Some(until)) if until <= now) {
                runner.state = State::Ready;
                runner.timed_out = true;
            }
        }
    }

    /// Condition variables and parked threads may wake for no reason.
    fn wake_for_nothing(&mut self) {
        let may = |runner: &&mut Runner| matches!(runner.state, State::Waiting(On::Call(_) | On::Park, _));
        let count = self.threads.values_mut().filter(|runner| may(runner)).count();
        let chosen = self.next() as usize % count.max(1);
        if let Some(runner) = self.threads.values_mut().filter(may).nth(chosen) {
            runner.state = State::Ready;
        }
    }

    /// Says who waits for what.
    pub(super) fn tell(&self) -> String {
        let now = NOW_NS.load(Relaxed);
        let told = self.threads.iter().filter(|(_, runner)| runner.state != State::Done);
        let told = told.map(|(id, runner)| match runner.state {
            State::Waiting(on, Some(until)) => {
                format!(
                    "{id} {} waits for {on:?}, {} s more",
                    runner.name,
                    until.saturating_sub(now) / 1_000_000_000
                )
            }
            State::Waiting(on, None) => format!("{id} {} waits for {on:?} for ever", runner.name),
            State::Ready | State::Done => format!("{id} {} runs", runner.name),
        });
        told.collect::<Vec<_>>().join("; ")
    }
}
