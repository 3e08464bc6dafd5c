//! The baton, the clock and the dice.
//!
//! Only the thread that holds the baton runs, so the statics below have one writer at a time; the real lock around
//! [`World`] hands their contents over together with the baton.

mod life;
mod runners;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use self::life::never;
pub use self::life::{End, live};
pub(super) use self::life::{die, dies_within};
pub(super) use self::runners::{On, Slot, begin, enter, finish, is_done, park, unpark, wait, wake, yield_baton};
use self::runners::{Runner, pass};
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
}
