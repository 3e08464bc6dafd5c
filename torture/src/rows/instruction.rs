//! SIGKILL at every instruction of an append, of a head's write with its cursor, and of the keeper's work.
//!
//! A victim logs up to a gate. There one of its threads is taken in hand and stepped through a call, while the others
//! stand still unless it waits for them.
//!
//! In the first pass the directory is looked at after each instruction: what stands there is what a SIGKILL at that
//! instruction would leave. Wherever it has changed, a copy is recovered and checked; two instructions that leave the
//! same cannot differ. A copy of a destination's file is another file to its mark, so where a head is stepped a victim
//! is killed in each state instead. In the second pass victims are killed at as many instructions as the row may kill.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::{HANGS_AFTER, Life};
use crate::payload::Id;
use crate::round::Round;
use crate::snapshot::Snapshot;
use crate::spec::{Play, Spec, TAPE};
use crate::step::{Held, Step, sleeps, thread_of, threads};
use crate::tape::Tape;
use crate::victim::gate::LOGS;

/// The head of the first file; that before it serves the console of the layer `DEFAULT`.
const HEAD: &str = "hydra-head-1";
/// How often the gate is looked at.
const LOOK: Duration = Duration::from_micros(100);
/// A step that has not ended after this long waits for another thread.
const BLOCKS_AFTER: Duration = Duration::from_millis(5);
/// A thread that still waits after this long, while the others run, has nothing to do.
const SLEEPS_AFTER: Duration = Duration::from_millis(100);
/// A call that has not ended after so many instructions never will.
const STEPS_MAX: u64 = 5_000_000;
/// The size of a segment, the smallest there is: a call rolls soon.
const SEGMENT: u64 = 64 << 10;
/// A quota of few segments, so that they are recycled.
const QUOTA: u64 = 8 * SEGMENT;
/// Text of this length goes into a segment of its own.
const LARGE: usize = 70_000;

/// One call whose instructions are gone through.
struct Case {
    name: &'static str,
    play: Play,
    thread: &'static str,
    /// After how many instructions each the directory is looked at, where most of them copy or clear.
    every: u64,
    shape: Shape,
}

/// What comes before a call.
pub(super) type Shape = fn(&mut Round) -> io::Result<()>;

/// How many of the cases are short.
const SHORT: usize = 6;

const CASES: &[Case] = &[
    append("a text", 1, |round| records(round, 32)),
    append("typed values and a field", 1, |round| records(round, 33)),
    append("through a layer's handle", 1, |round| records(round, 34)),
    append("a thread's first record", 1, |round| records(round, 0)),
    append("a synced record", 1, |round| {
        round.spec.errors = 10;
        records(round, 9)
    }),
    append("a call that begins a segment", 1, |round| rolled(round, 1)),
    append("a record with a segment of its own", 499, large),
    Case {
        name: "a head's write and its cursor",
        play: Play::GateDelivered,
        thread: HEAD,
        every: 1,
        shape: |round| records(round, 20),
    },
    Case {
        name: "the keeper makes a segment",
        play: Play::Gate,
        thread: "hydra-keeper",
        every: 1,
        shape: |round| rolled(round, 1),
    },
    Case {
        name: "the keeper recycles a segment",
        play: Play::Gate,
        thread: "hydra-keeper",
        every: 29,
        shape: |round| rolled(round, 9),
    },
];

const fn append(name: &'static str, every: u64, shape: Shape) -> Case {
    Case {
        name,
        play: Play::Gate,
        thread: LOGS,
        every,
        shape,
    }
}

/// Goes through all instructions, and kills at an even choice of as many as this row may.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    turn.outcome.skipped = cannot_trace(turn);
    if turn.outcome.skipped.is_some() {
        return Ok(());
    }
    let share = turn.kills.div_ceil(CASES.len() as u64).max(1);
    // Too few kills for all: one case, by the seed. Those that take long are left to longer runs.
    let chosen = turn.seed as usize % SHORT;
    let is_short = turn.kills < CASES.len() as u64;
    let cases = CASES.iter().enumerate();
    for (_, case) in cases.filter(|(index, _)| !is_short || *index == chosen) {
        let begun = Instant::now();
        let mut shaped = Round::begin(turn.exe, turn.seed)?;
        (case.shape)(&mut shaped)?;
        let (steps, states) = look_at_each(turn, case, &shaped.spec)?;
        let stride = if turn.exhaustive {
            1
        } else {
            steps.div_ceil(share).max(1)
        };
        let before = turn.outcome.kills;
        for at in (turn.seed % stride..steps).step_by(stride as usize) {
            if !turn.outcome.found.troubles.is_empty() {
                break;
            }
            kill_at(turn, case, &shaped.spec, at)?;
        }
        let (kills, took) = (turn.outcome.kills - before, begun.elapsed().as_secs_f64());
        turn.outcome.notes.push(format!(
            "{}: {steps} instructions leave {states} states; {kills} kills; {took:.1} s",
            case.name
        ));
        if !turn.outcome.found.troubles.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Looks at what each instruction leaves. Returns how many instructions there are and how many differing states.
fn look_at_each(turn: &mut Turn<'_>, case: &Case, spec: &Spec) -> io::Result<(u64, u64)> {
    let mut stand = Stand::at_gate(turn, case, spec)?;
    let every = match case.every {
        many if many > 1 && !turn.exhaustive => many / 2 + turn.seed % many,
        _ => 1,
    };
    let (mut steps, mut states, mut snapshot) = (0, 0, Snapshot::default());
    loop {
        if steps % every == 0 && snapshot.take(stand.round.dir())? {
            states += 1;
            if case.thread == HEAD {
                kill_in_state(turn, case, spec, states)?;
            } else {
                stand.hands.gather()?;
                let found = stand.round.on_a_copy(&snapshot, |round| {
                    round.spec.play = Play::Log;
                    round.recover()
                })?;
                turn.outcome.found.add(found);
            }
            if !turn.outcome.found.troubles.is_empty() {
                let what = format!("{}: as instruction {steps} leaves it", case.name);
                turn.outcome.notes.push(what);
                break;
            }
        }
        if !stand.step()? {
            break;
        }
        steps += 1;
        if steps > STEPS_MAX {
            return Err(io::Error::other(format!("{}: the call has no end", case.name)));
        }
    }
    Ok((steps, states))
}

/// Has a victim killed as soon as its directory has been in so many states, and checks what it leaves.
fn kill_in_state(turn: &mut Turn<'_>, case: &Case, spec: &Spec, state: u64) -> io::Result<()> {
    let mut stand = Stand::at_gate(turn, case, spec)?;
    let (mut states, mut snapshot) = (0, Snapshot::default());
    loop {
        states += u64::from(snapshot.take(stand.round.dir())?);
        if states >= state || !stand.step()? {
            return finish(turn, case, stand);
        }
    }
}

/// Has a victim killed after `at` instructions, and checks what it leaves.
fn kill_at(turn: &mut Turn<'_>, case: &Case, spec: &Spec, at: u64) -> io::Result<()> {
    let mut stand = Stand::at_gate(turn, case, spec)?;
    for _ in 0..at {
        if !stand.step()? {
            break;
        }
    }
    finish(turn, case, stand)
}

/// Kills the victim and checks what it leaves.
fn finish(turn: &mut Turn<'_>, case: &Case, stand: Stand) -> io::Result<()> {
    let mut round = stand.kill();
    round.spec.play = Play::Log;
    round.recover()?;
    turn.outcome.kills += 1;
    turn.outcome.found.add(round.finish()?);
    if !turn.outcome.found.troubles.is_empty() {
        turn.outcome.notes.push(format!("{}: killed", case.name));
    }
    Ok(())
}

/// A victim whose call has begun and whose threads all stand still.
pub(super) struct Stand {
    pub(super) round: Round,
    pub(super) tape: Tape,
    hands: Hands,
    /// Whether the thread in hand is the one that logs: its part ends with its call.
    is_call: bool,
    /// The number of the record whose call it is.
    pub(super) next: u64,
}

/// A process whose threads are in hand. It does not outlive this.
struct Hands {
    life: Life,
    stepped: Held,
    others: Vec<Held>,
}

impl Hands {
    /// Takes in hand what threads there are besides: a call may begin one.
    fn gather(&mut self) -> io::Result<()> {
        for (number, _) in threads(self.life.id())? {
            let is_held = |held: &Held| held.number() == number;
            if !is_held(&self.stepped) && !self.others.iter().any(is_held) {
                self.others.push(Held::seize(number)?);
            }
        }
        Ok(())
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        // It fails when it is dead already. Its threads have to be buried before it can be waited for.
        let _ = self.life.kill();
        self.stepped.bury();
        self.others.iter().for_each(Held::bury);
    }
}

impl Stand {
    fn at_gate(turn: &Turn<'_>, case: &Case, spec: &Spec) -> io::Result<Stand> {
        Stand::begin(turn, spec, case.play, case.thread)
    }

    /// Starts a victim and brings the thread of that name to where it begins what is to be stepped through.
    pub(super) fn begin(turn: &Turn<'_>, spec: &Spec, play: Play, thread: &str) -> io::Result<Stand> {
        let mut round = Round::begin(turn.exe, turn.seed)?;
        round.spec = Spec {
            dir: round.spec.dir.clone(),
            play,
            ..spec.clone()
        };
        let tape = Tape::open(&round.dir().join(TAPE))?;
        let next = round.spec.records + 1;
        let mut life = round.live()?;
        stand_at_gate(&tape, &mut life)?;
        let number = thread_of(life.id(), thread)?;
        let caller = thread_of(life.id(), LOGS)?;
        let stepped = Held::seize(number)?;
        let mut hands = Hands {
            life,
            stepped,
            others: Vec::new(),
        };
        tape.open_gate();
        let process = hands.life.id();
        let until = Instant::now() + HANGS_AFTER;
        let has_begun = || tape.of(0, 0).0 >= next;
        if number == caller {
            while !has_begun() {
                hands.stepped.step(None, HANGS_AFTER)?;
            }
        } else {
            // The call itself goes as far as it can without the thread in hand.
            while !(has_begun() && sleeps(process, caller)?) && Instant::now() < until {
                std::thread::sleep(LOOK);
            }
        }
        hands.gather()?;
        Ok(Stand {
            round,
            tape,
            hands,
            is_call: number == caller,
            next,
        })
    }

    /// Lets the thread do one step, whatever it needs of the others; says whether there is more to come.
    pub(super) fn step(&mut self) -> io::Result<bool> {
        self.step_with(None)
    }

    /// As [`Stand::step`], with a signal on its way.
    pub(super) fn step_with(&mut self, signal: Option<nix::sys::signal::Signal>) -> io::Result<bool> {
        let mut step = self.hands.stepped.step(signal, BLOCKS_AFTER)?;
        if step == Step::Blocked {
            self.hands.others.iter().try_for_each(Held::run)?;
            step = self.wait_for_others()?;
            if step == Step::Done {
                self.hands.others.iter().try_for_each(Held::stop)?;
            }
        }
        match step {
            Step::Done => Ok(!self.is_call || self.tape.of(0, 0).1 < self.next),
            // Asleep while all others ran: it has done its part.
            Step::Blocked => Ok(false),
            Step::Gone => {
                let said = crate::life::said(self.round.dir());
                Err(io::Error::other(format!("the thread to be stepped is gone: {said}")))
            }
        }
    }

    /// Waits, while the others run, for a step to end: for long if it is part of the call, else until the thread
    /// sleeps.
    fn wait_for_others(&self) -> io::Result<Step> {
        let begun = Instant::now();
        let mut asleep_since = None;
        while begun.elapsed() < HANGS_AFTER {
            match self.hands.stepped.wait(BLOCKS_AFTER)? {
                Step::Blocked if self.is_call => {}
                Step::Blocked if !sleeps(self.hands.life.id(), self.hands.stepped.number())? => asleep_since = None,
                Step::Blocked if asleep_since.get_or_insert_with(Instant::now).elapsed() < SLEEPS_AFTER => {}
                step => return Ok(step),
            }
        }
        Err(io::Error::other("the call hangs"))
    }

    /// Lets all threads go on by themselves, and waits for the victim's end at most for `patience`.
    pub(super) fn let_go(mut self, patience: Duration) -> io::Result<(Option<ExitStatus>, Round)> {
        self.hands.stepped.let_go()?;
        self.hands.others.drain(..).try_for_each(|other| other.let_go())?;
        let ended = self.hands.life.end(patience)?;
        Ok((ended, self.round))
    }

    /// Lets all threads go on but the one in hand; and waits for the process's end at most for `patience`;
    /// says what its threads do if it does not come.
    pub(super) fn let_others_go(mut self, patience: Duration) -> io::Result<(Option<String>, Round)> {
        self.hands.others.drain(..).try_for_each(|other| other.let_go())?;
        let until = Instant::now() + patience;
        let mut is_gone = false;
        // A process is not gone before all its threads have been buried.
        while !is_gone && Instant::now() < until {
            is_gone = self.hands.stepped.wait(SLEEPS_AFTER)? == Step::Gone;
        }
        let told = (!is_gone).then(|| crate::stall::states(self.hands.life.id()));
        Ok((told, self.round))
    }

    /// Kills the victim.
    pub(super) fn kill(self) -> Round {
        self.round
    }
}

/// Tries whether a thread can be taken in hand at all; says why not.
pub(super) fn cannot_trace(turn: &Turn<'_>) -> Option<String> {
    let tried = Round::begin(turn.exe, turn.seed).and_then(|round| {
        let mut spec = round.spec.clone();
        spec.records = 1;
        Stand::begin(turn, &spec, Play::Gate, LOGS)
    });
    let error = tried.err()?;
    Some(format!("a thread cannot be traced here: {error}"))
}

/// Returns how many instructions the call has that follows what a spec says.
pub(super) fn count(turn: &Turn<'_>, spec: &Spec) -> io::Result<u64> {
    let mut stand = Stand::begin(turn, spec, Play::Gate, LOGS)?;
    let mut steps = 1;
    while stand.step()? {
        steps += 1;
    }
    Ok(steps)
}

/// Waits until the victim stands at its gate.
fn stand_at_gate(tape: &Tape, life: &mut Life) -> io::Result<()> {
    let until = Instant::now() + HANGS_AFTER;
    while !tape.is_awaited() {
        if let Some(status) = life.end(Duration::ZERO)? {
            return Err(io::Error::other(format!(
                "the victim ended with {status} before its gate"
            )));
        }
        if Instant::now() > until {
            return Err(io::Error::other("the victim does not come to its gate"));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

pub(super) fn records(round: &mut Round, records: u64) -> io::Result<()> {
    round.spec.segment = SEGMENT;
    round.spec.records = records;
    Ok(())
}

/// Has a victim log until so many segments have been begun; the next ones stop one record before.
pub(super) fn rolled(round: &mut Round, segments: u64) -> io::Result<()> {
    (round.spec.segment, round.spec.quota) = (SEGMENT, QUOTA);
    (round.spec.play, round.spec.records) = (Play::Roll, segments);
    let tape = Tape::open(&round.dir().join(TAPE))?;
    let mut life = Life::start(round.exe(), &round.spec)?;
    stand_at_gate(&tape, &mut life)?;
    let (_, accepted) = tape.of(0, 0);
    round.spec.records = accepted - 1;
    Ok(())
}

/// Looks for a record that is too large for an ordinary segment.
fn large(round: &mut Round) -> io::Result<()> {
    let seed = round.spec.seed;
    let is_large = |number: &u64| {
        let id = Id {
            life: 0,
            thread: 0,
            number: *number,
        };
        id.body(seed).len() > LARGE
    };
    let number = (1..).find(is_large).unwrap_or(1);
    round.spec.quota = QUOTA;
    records(round, number - 1)
}
