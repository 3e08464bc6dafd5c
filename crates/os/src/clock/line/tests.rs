use super::*;

/// A made-up machine: its counter, the pace of its clock, and what its clock shows.
struct Machine {
    tick: u64,
    mono_ns: f64,
    offset_ns: f64,
    ns_per_tick: f64,
}

impl Machine {
    fn new() -> Self {
        Self {
            tick: 1 << 40,
            mono_ns: 5e9,
            offset_ns: 1.7e15,
            ns_per_tick: 0.4,
        }
    }

    fn run(&mut self, ticks: u64) -> &mut Self {
        self.tick += ticks;
        self.mono_ns += ticks as f64 * self.ns_per_tick;
        self
    }

    fn sample(&self) -> Sample {
        let wall_ns = (self.mono_ns + self.offset_ns) as i64;
        Sample {
            tick: self.tick,
            wall_ns,
            mono_ns: self.mono_ns as u64,
        }
    }
}

/// A clock as the real one is built, but without threads.
struct Clock {
    line: Line,
    last: Sample,
    renewals: u32,
    implausible: u32,
}

impl Clock {
    fn new(machine: &mut Machine) -> Self {
        let earlier = machine.sample();
        let last = machine.run(2_500_000).sample();
        Self {
            line: Line::first(&earlier, &last).unwrap(),
            last,
            renewals: 0,
            implausible: 0,
        }
    }

    fn read(&mut self, machine: &Machine) -> i64 {
        match self.line.at(machine.tick) {
            Reading::Fresh(ns) => return ns,
            Reading::Stale(_) | Reading::Beyond => {}
        }
        let plan = self.line.next(&self.last, &machine.sample());
        (self.line, self.last) = (plan.line, machine.sample());
        self.renewals += 1;
        self.implausible += u32::from(!plan.is_rate_plausible);
        match self.line.at(machine.tick) {
            Reading::Fresh(ns) | Reading::Stale(ns) => ns,
            Reading::Beyond => panic!("a new line holds now"),
        }
    }
}

/// Reads the clock every `ticks` for `count` times; asserts that it never runs backwards; returns the largest
/// error.
fn follow(clock: &mut Clock, machine: &mut Machine, ticks: u64, count: u32) -> i64 {
    let (mut last_ns, mut error_max) = (i64::MIN, 0);
    for _ in 0..count {
        let ns = clock.read(machine.run(ticks));
        assert!(ns >= last_ns, "{ns} after {last_ns}");
        last_ns = ns;
        error_max = error_max.max((ns - machine.sample().wall_ns).abs());
    }
    error_max
}

/// A steady clock is followed to within a microsecond, renewed about once a second.
#[test]
fn steady_clock_is_followed() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    let error_max = follow(&mut clock, &mut machine, 25_000, 1_000_000);
    assert!(error_max < 1_000, "{error_max} ns");
    assert!(
        (10..=20).contains(&clock.renewals),
        "{} renewals in 10 s",
        clock.renewals
    );
}

/// A wrong first calibration and later changes of pace, as large as the kernel makes them, are slewed away, and
/// time never runs backwards meanwhile.
#[test]
fn changes_of_pace_are_slewed() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    clock.line.rate += clock.line.rate / 10_000;
    clock.line.rate_before = clock.line.rate;
    for pace in [1.0, 1.000_5, 1.0, 0.999_5] {
        machine.ns_per_tick = 0.4 * pace;
        assert!(follow(&mut clock, &mut machine, 100_003, 100_000) < STEP_NS_MIN);
        let settled = follow(&mut clock, &mut machine, 100_003, 50_000);
        assert!(settled < 2_000, "{settled} ns once settled at {pace}");
    }
    assert_eq!(clock.implausible, 0);
}

/// A clock set by less than a millisecond is slewed to, forwards and backwards.
#[test]
fn small_steps_are_slewed() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    follow(&mut clock, &mut machine, 100_003, 50_000);
    for step_ns in [900_000.0, -900_000.0] {
        machine.offset_ns += step_ns;
        assert!(follow(&mut clock, &mut machine, 100_003, 100_000) < STEP_NS_MIN);
        assert!(follow(&mut clock, &mut machine, 100_003, 50_000) < 2_000);
    }
}

/// A clock set by more is followed by a jump within a second, whichever way it was set.
#[test]
fn large_steps_are_jumped_to() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    follow(&mut clock, &mut machine, 100_003, 50_000);
    for step_ns in [3.6e12, -3.6e12, 2e6, -2e6] {
        machine.offset_ns += step_ns;
        for _ in 0..25_000 {
            clock.read(machine.run(100_003));
        }
        assert!(follow(&mut clock, &mut machine, 100_003, 50_000) < 2_000);
    }
}

/// A suspension, with the counter running on or begun anew, is followed at once and taken for no change of pace.
#[test]
fn suspension_is_followed() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    follow(&mut clock, &mut machine, 100_003, 50_000);
    for tick in [machine.tick + (1 << 45), 1_000] {
        machine.tick = tick;
        machine.offset_ns += 1e13;
        assert!(follow(&mut clock, &mut machine, 100_003, 50_000) < 2_000);
    }
    assert_eq!(clock.implausible, 2);
}

/// Callers that come once in a while get the system's time, never an earlier one than they got before.
#[test]
fn rare_calls_are_exact() {
    let mut machine = Machine::new();
    let mut clock = Clock::new(&mut machine);
    assert!(follow(&mut clock, &mut machine, 10_000_000_000, 1_000) < 1_000);
    assert_eq!(clock.renewals, 1_000);
}

/// The new line and the old one agree up to the bend, so that it does not matter who has seen which.
#[test]
fn old_and_new_line_agree() {
    let mut machine = Machine::new();
    let clock = Clock::new(&mut machine);
    machine.offset_ns += 500_000.0;
    let now = machine.run(clock.line.ticks_max * 3 / 4).sample();
    let next = clock.line.next(&clock.last, &now).line;
    assert_ne!(next.rate, next.rate_before);
    for tick in now.tick..clock.line.tick + clock.line.ticks_max {
        let (Reading::Stale(old), Reading::Fresh(new)) = (clock.line.at(tick), next.at(tick)) else {
            panic!("both lines hold at {tick}")
        };
        assert!((0..=1).contains(&(new - old)), "{old} and {new} at {tick}");
    }
}

/// The line that was never drawn holds nowhere.
#[test]
fn no_line_holds_nowhere() {
    for tick in [0, 1, u64::MAX] {
        assert_eq!(Line::NOWHERE.at(tick), Reading::Beyond);
    }
}
