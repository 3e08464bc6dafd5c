//! The baton, the clock and the dice.
//!
//! Only the thread that holds the baton runs, so the statics below have one writer at a time; the real lock around
//! [`World`] hands their contents over together with the baton.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::disk;
use super::plan::{Death, Plan};

/// Time that passes with each step.
const STEP_NS: u64 = 10;
/// Who sleeps for longer than this, with nobody left to wake him, has been forgotten.
const FORGOTTEN_NS: u64 = 1_000_000_000_000;
/// A life of more steps goes round in circles.
const STEPS_MAX: u64 = 400_000_000;
/// The wall clock at the beginning: 2023-11-14T22:13:20Z.
const EPOCH_NS: i64 = 1_700_000_000_000_000_000;

static NOW_NS: AtomicU64 = AtomicU64::new(1);
/// Steps until the world looks up again, and how many it had then.
static LEFT: AtomicU64 = AtomicU64::new(u64::MAX);
static GRANTED: AtomicU64 = AtomicU64::new(u64::MAX);
static LIFE: AtomicU32 = AtomicU32::new(0);
static BOOT: AtomicU32 = AtomicU32::new(0);
static TELLS: AtomicBool = AtomicBool::new(false);
static WORLD: Mutex<World> = Mutex::new(World::new());
static ENDED: Condvar = Condvar::new();

thread_local! {
    /// Which simulated thread this is; 0 for one outside. Without a destructor: it is asked for in others'.
    static ME: Cell<u32> = const { Cell::new(0) };
}

/// How a life ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// `main` returned.
    Exit,
    /// `main` panicked.
    Panic,
    /// It was killed.
    Killed,
    /// The power went: see [`super::power_off`], which the caller has yet to call.
    PowerCut,
    /// Nobody could go on: who waits for what.
    Stuck(String),
}

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
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
pub(super) struct Slot {
    go: Mutex<bool>,
    called: Condvar,
}

impl Slot {
    fn call(&self) {
        *self.go.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.called.notify_one();
    }

    pub(super) fn wait(&self) {
        let mut go = self.go.lock().unwrap_or_else(PoisonError::into_inner);
        while !*go {
            go = self.called.wait(go).unwrap_or_else(PoisonError::into_inner);
        }
        *go = false;
    }
}

#[derive(Debug)]
struct Runner {
    name: String,
    state: State,
    slot: Arc<Slot>,
    priority: u64,
    /// The wait that has just ended did so because its time was over.
    timed_out: bool,
    /// It was unparked while it ran.
    token: bool,
}

pub(super) struct World {
    random: u64,
    trace: u64,
    plan: Option<Plan>,
    threads: BTreeMap<u32, Runner>,
    last_id: u32,
    running: u32,
    steps: u64,
    end: Option<End>,
    hooks: Vec<fn()>,
    wall_offset_ns: i64,
}

/// Begins everything anew from `seed`: one seed a real process, for what the code above keeps in statics stays.
pub fn seed(seed: u64) {
    world().random = seed;
}

/// Has every call to the disk told on standard error, for those who look for the cause of a failure.
pub fn tell_calls() {
    TELLS.store(true, Relaxed);
}

/// Tells of a call to the disk, if somebody wants to know.
#[expect(clippy::print_stderr, reason = "it is what was asked for")]
pub(super) fn told(what: impl FnOnce() -> String) {
    if TELLS.load(Relaxed) {
        let name = world()
            .threads
            .get(&me())
            .map(|runner| runner.name.clone())
            .unwrap_or_default();
        eprintln!("{:>15} {} {name}: {}", now_ns(), me(), what());
    }
}

/// Returns a number that two runs share only if they did the same.
pub fn trace() -> u64 {
    let mut world = world();
    world.note(0);
    world.trace
}

/// Returns the simulated time since the beginning, in nanoseconds.
pub fn now_ns() -> u64 {
    NOW_NS.load(Relaxed)
}

/// Keeps this real process on one processor: the baton then changes hands without waking another one.
pub fn stay_on(processor: usize) {
    let mut set = std::mem::MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: a set is a plain array of numbers, for which zeros are valid.
    let set = unsafe { set.assume_init_mut() };
    // SAFETY: the set is a live local, and a number too large for it changes nothing.
    unsafe { libc::CPU_SET(processor % 1024, set) };
    // SAFETY: pointer and size are the live local's. Should the system refuse, it is only slower.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const *set) };
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

/// One step of the calling thread: time passes, and something may happen.
#[inline]
pub(crate) fn step() {
    if me() == 0 {
        return;
    }
    NOW_NS.store(NOW_NS.load(Relaxed) + STEP_NS, Relaxed);
    match LEFT.load(Relaxed) {
        0 => happen(),
        left => LEFT.store(left - 1, Relaxed),
    }
}

/// Returns which simulated thread this is; 0 outside.
#[inline]
pub(crate) fn me() -> u32 {
    ME.get()
}

/// Returns which life this is.
pub(crate) fn life() -> u32 {
    LIFE.load(Relaxed)
}

/// Returns how often the machine has been started.
pub(crate) fn boot() -> u32 {
    BOOT.load(Relaxed)
}

pub(super) fn next_boot() {
    BOOT.fetch_add(1, Relaxed);
}

/// Returns the simulated wall clock. No step: the disk asks under its lock.
pub(crate) fn wall_ns() -> i64 {
    EPOCH_NS + world().wall_offset_ns + now_ns().cast_signed()
}

/// Draws a number.
pub(crate) fn draw() -> u64 {
    world().next()
}

/// Says yes once in `one_in` times, and never if that is 0 or for a thread outside.
pub(crate) fn roll(one_in: impl FnOnce(&Plan) -> u64) -> bool {
    me() != 0 && world().roll(one_in)
}

/// A call to the disk: it takes its time, others go on meanwhile.
pub(crate) fn io(what: u64) {
    if me() == 0 {
        return;
    }
    let wait_ns = {
        let mut world = world();
        world.note(what);
        match world.roll(|plan| plan.faults.slow) {
            true => world.next() % 5_000_000_000,
            false if world.next().is_multiple_of(16) => world.next() % 200_000,
            false => 0,
        }
    };
    match wait_ns {
        0 => step(),
        wait_ns => _ = wait(On::Time, Some(now_ns() + wait_ns)),
    }
}

/// Has `hook` called when `main` returns.
pub(crate) fn at_exit(hook: fn()) {
    let mut world = world();
    if !world.hooks.iter().any(|held| std::ptr::fn_addr_eq(*held, hook)) {
        world.hooks.push(hook);
    }
}

/// Whether the process is killed within so few steps that a call of several steps does not end.
pub(super) fn dies_within(steps: u64) -> bool {
    let world = world();
    let death = world.plan.map_or(Death::None, |plan| plan.death);
    let done = world.steps + (GRANTED.load(Relaxed) - LEFT.load(Relaxed));
    match death {
        Death::None => false,
        Death::Kill(at) | Death::PowerCut(at) => at <= done + steps,
    }
}

/// Ends the life here and now, by the death that is planned.
pub(super) fn die() {
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

/// Waits for something; says whether it ended because the time was over.
pub(super) fn wait(on: On, until_ns: Option<u64>) -> bool {
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
pub(super) fn yield_baton() {
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
pub(super) fn wake(on: On, one: bool) {
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
pub(super) fn park(until_ns: Option<u64>) {
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

pub(super) fn unpark(id: u32) {
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
pub(super) fn enter(name: &str) -> (u32, Arc<Slot>) {
    let mut world = world();
    let id = world.enter(name);
    (id, world.slot(id))
}

/// The calling real thread becomes the simulated one, once it has the baton.
pub(super) fn begin(id: u32, slot: &Slot) {
    slot.wait();
    ME.set(id);
}

/// The calling thread ends, and the baton goes on.
pub(super) fn finish() {
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
pub(super) fn is_done(id: u32) -> bool {
    world()
        .threads
        .get(&id)
        .is_none_or(|runner| runner.state == State::Done)
}

pub(super) fn world() -> MutexGuard<'static, World> {
    WORLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The granted steps are used up: the planned end, or a switch.
#[cold]
fn happen() {
    let me = me();
    let mut world = world();
    world.steps += GRANTED.load(Relaxed) + 1;
    let plan = world.plan.unwrap_or_default();
    let is_over = match plan.death {
        Death::None => false,
        Death::Kill(at) | Death::PowerCut(at) => world.steps >= at,
    };
    if is_over {
        LEFT.store(u64::MAX, Relaxed);
        GRANTED.store(u64::MAX, Relaxed);
        drop(world);
        return die();
    }
    if world.steps > STEPS_MAX {
        let told = world.tell();
        world.finish_life(End::Stuck(format!("it goes round in circles: {told}")));
        drop(world);
        return never();
    }
    if world.roll(|plan| plan.faults.clock) {
        let by_ns = (world.next() % 172_800_000_000_000).cast_signed() - 86_400_000_000_000;
        world.wall_offset_ns = (world.wall_offset_ns + by_ns).max(-86_400_000_000_000);
    }
    if world.roll(|plan| plan.write_back) {
        let dice = world.next();
        disk::write_back(dice);
    }
    world.grant();
    pass(world, me);
}

/// Gives the baton to whoever is chosen, and waits until it comes back.
fn pass(mut world: MutexGuard<'_, World>, me: u32) {
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

/// The process is dead: nothing of it runs again.
fn never() {
    loop {
        std::thread::park();
    }
}

impl World {
    const fn new() -> Self {
        Self {
            random: 0,
            trace: 0,
            plan: None,
            threads: BTreeMap::new(),
            last_id: 0,
            running: 0,
            steps: 0,
            end: None,
            hooks: Vec::new(),
            wall_offset_ns: 0,
        }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn roll(&mut self, one_in: impl FnOnce(&Plan) -> u64) -> bool {
        let one_in = self.plan.as_ref().map_or(0, one_in);
        one_in > 0 && self.next().is_multiple_of(one_in)
    }

    fn note(&mut self, what: u64) {
        let now = NOW_NS.load(Relaxed) ^ self.random;
        self.trace = (self.trace.rotate_left(7) ^ what ^ now).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn enter(&mut self, name: &str) -> u32 {
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

    fn slot(&self, id: u32) -> Arc<Slot> {
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

    /// Draws how many steps are left until something happens.
    fn grant(&mut self) {
        let plan = self.plan.unwrap_or_default();
        let mut steps = self.next() % (2 * plan.switch_every.max(1));
        if let Death::Kill(at) | Death::PowerCut(at) = plan.death {
            steps = steps.min(at.saturating_sub(self.steps + 1));
        }
        GRANTED.store(steps, Relaxed);
        LEFT.store(steps, Relaxed);
    }

    fn finish_life(&mut self, end: End) {
        if self.end.is_none() {
            self.end = Some(end);
        }
        ENDED.notify_all();
    }

    /// Chooses who goes on. Nobody can when the life has ended.
    fn choose(&mut self) -> Option<u32> {
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
    fn tell(&self) -> String {
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
