//! Signals: at every instruction of an append, with a handler that logs, and as a request to end.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::Turn;
use super::instruction::{Shape, Stand, count, rolled};
use crate::life::HANGS_AFTER;
use crate::load::Load;
use crate::round::Round;
use crate::spec::{End, Front, Play, Spec};
use crate::tools;
use crate::victim::gate::LOGS;

/// A victim that has not ended this long after its signal is in a deadlock.
const DEADLOCK_AFTER: Duration = Duration::from_secs(20);

/// Which calls are interrupted.
const CASES: &[(&str, Shape)] = &[
    ("a text", |round| records(round, 32, 0)),
    ("typed values and a field", |round| records(round, 33, 0)),
    ("a thread's first record", |round| records(round, 0, 0)),
    ("a synced record", |round| records(round, 9, 10)),
    ("a call that begins a segment", |round| rolled(round, 1)),
];

/// The handler's record is accepted or refused, the interrupted one is accepted, and the process goes on.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let share = turn.kills.div_ceil(CASES.len() as u64).max(1);
    for (name, shape) in CASES {
        let mut shaped = Round::begin(turn.exe, turn.seed)?;
        shape(&mut shaped)?;
        let steps = count(turn, &shaped.spec)?;
        let stride = if turn.exhaustive {
            1
        } else {
            steps.div_ceil(share).max(1)
        };
        let (mut signals, mut answered) = (0, 0);
        for at in (turn.seed % stride..steps).step_by(stride as usize) {
            signals += 1;
            answered += u64::from(interrupt(turn, &shaped.spec, at)?);
            if !turn.outcome.found.is_right() {
                turn.outcome
                    .notes
                    .push(format!("{name}: a signal at instruction {at} of {steps}"));
                return Ok(());
            }
        }
        turn.outcome.notes.push(format!(
            "{name}: {signals} signals in {steps} instructions, {answered} records of the handler accepted"
        ));
    }
    Ok(())
}

/// Sends the signal after so many instructions; says whether the handler's record was accepted.
fn interrupt(turn: &mut Turn<'_>, spec: &Spec, at: u64) -> io::Result<bool> {
    let spec = Spec {
        end: End::Shutdown,
        ..spec.clone()
    };
    let mut stand = Stand::begin(turn, &spec, Play::Signal, LOGS)?;
    for _ in 0..at {
        if !stand.step()? {
            break;
        }
    }
    stand.step_with(Some(Signal::SIGUSR1))?;
    let (ended, mut round) = stand.let_go(DEADLOCK_AFTER)?;
    match ended {
        Some(status) if status.success() => {}
        Some(status) => round.trouble(format!("the interrupted process ended with {status}")),
        None => round.trouble("the interrupted process is in a deadlock"),
    }
    let tape = crate::tape::Tape::open(&round.dir().join(crate::spec::TAPE))?;
    let answered = tape.of(0, crate::victim::handler::LANE).1 > 0;
    round.spec.play = Play::Log;
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(answered)
}

/// How long a victim logs before it is asked to end, at most.
const LOGS_FOR: Duration = Duration::from_millis(150);

/// A process that drains on signals is asked to end while its threads log: everything accepted is in the files then,
/// nothing is left to recover, and it ends by the signal.
pub(super) fn drains(turn: &mut Turn<'_>) -> io::Result<()> {
    for (name, signal) in [("-TERM", Signal::SIGTERM), ("-INT", Signal::SIGINT)] {
        let mut round = Load::round(turn)?;
        (round.spec.drains, round.spec.heeds, round.spec.end) = (true, false, End::Park);
        round.spec.front = round.random.pick(Front::ALL);
        round.spec.threads = round.random.pick(&[1, 2, 8]);
        let mut load = Load::start(round)?;
        load.wait(LOGS_FOR);
        tools::signal(load.life.id(), name)?;
        let ended = load.life.end(HANGS_AFTER)?;
        let Load { mut round, .. } = load;
        if ended.and_then(|status| status.signal()) != Some(signal as i32) {
            round.trouble(format!("after {name} it ended with {ended:?}"));
        }
        round.must_be_delivered()?;
        turn.outcome.found.add(round.finish()?);
    }
    Ok(())
}

fn records(round: &mut Round, records: u64, errors: u64) -> io::Result<()> {
    round.spec.segment = 64 << 10;
    (round.spec.records, round.spec.errors) = (records, errors);
    Ok(())
}
