//! More records than any disk takes, for as long as it lasts.

use std::io;
use std::time::Duration;

use super::Turn;
use super::backlog::memory_of;
use crate::load::Load;
use crate::round::Round;
use crate::spec::Files;
use crate::tape::THREADS_MAX;

const KIB: u64 = 1 << 10;
/// How long it lasts; and where the row may take its time.
const LASTS_FOR: Duration = Duration::from_millis(1_500);
const LASTS_LONG: Duration = Duration::from_secs(20);
/// One record in so many is synced.
const ERRORS: u64 = 20;
/// What the slowest thread has logged, as a part of what each would have if all were equal.
const SHARE_LEAST: u64 = 20;
/// What the process may have in memory of its own.
const MEMORY_MAX: u64 = 64 << 20;

/// All threads log without a pause into a journal that is full most of the time, and some records are synced: everyone
/// gets on, nobody's synced records wait for ever behind the others', memory is bounded, and nothing is lost.
pub(super) fn run_row(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round: Round = Load::round(turn)?;
    (round.spec.threads, round.spec.pace_us) = (THREADS_MAX, 0);
    (round.spec.files, round.spec.errors) = (Files::Plain, ERRORS);
    (round.spec.segment, round.spec.quota) = (64 * KIB, round.random.pick(&[512 * KIB, 2048 * KIB]));
    let mut load = Load::start(round)?;
    std::thread::sleep(if turn.exhaustive { LASTS_LONG } else { LASTS_FOR });
    let (noted, memory) = (load.noted(), memory_of(load.life.id()));
    let all: u64 = noted.iter().map(|noted| noted.accepted).sum();
    let least = noted.iter().map(|noted| noted.accepted).min().unwrap_or_default();
    let is_fair = noted.len() as u64 == THREADS_MAX && least >= ERRORS && least * SHARE_LEAST * THREADS_MAX >= all;
    if !is_fair {
        load.round
            .trouble(format!("of {all} records the slowest thread has logged {least}"));
    }
    if memory > MEMORY_MAX {
        load.round.trouble(format!("{} MiB of memory", memory >> 20));
    }
    let (threads, mib) = (noted.len(), memory >> 20);
    turn.outcome.notes.push(format!(
        "{threads} threads: {all} records, {least} of the slowest, {mib} MiB"
    ));
    load.finish(turn)
}
