//! A journal with much more in it than any process has memory.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::pipe::Pipe;
use crate::round::Round;
use crate::spec::{End, Files, PLAIN};

/// The size of the backlog: in a short run, in any other, and if nothing may be left out.
const BYTES_SHORT: u64 = 64 << 20;
const BYTES: u64 = 1 << 30;
const BYTES_EXHAUSTIVE: u64 = 10 << 30;
/// About what a record takes in the journal.
const RECORD_BYTES: u64 = 270;
/// What a process may have in memory of its own for any backlog.
const MEMORY_MAX: u64 = 64 << 20;
/// A first line that takes longer means that all of the backlog is read before anything is delivered.
const FIRST_AFTER: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(2);

/// A dead process left a large backlog: its successor starts, and begins to deliver, at once, in bounded memory, and
/// delivers it all.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let bytes = match turn.exhaustive {
        true => BYTES_EXHAUSTIVE,
        false if turn.kills == 0 => BYTES_SHORT,
        false => BYTES,
    };
    let mut round = Round::begin(turn.exe, turn.seed)?;
    let threads = 2;
    (round.spec.files, round.spec.threads) = (Files::Plain, threads);
    (round.spec.records, round.spec.end) = (bytes / RECORD_BYTES / threads, End::Kill);
    round.spec.quota = 2 * bytes;
    let pipe = Pipe::make_full(&round.dir().join(PLAIN))?;
    if round.live()?.end(10 * HANGS_AFTER)?.is_none() {
        round.trouble("the victim whose destination takes nothing hangs");
    }
    pipe.remove()?;
    let left = crate::power::sizes(&round.dir().join(crate::spec::JOURNAL))?;
    let (first, memory) = recover(&mut round)?;
    turn.outcome.notes.push(format!(
        "backlog of {} MiB: first line after {} ms, {} MiB of memory at most",
        left >> 20,
        first.as_millis(),
        memory >> 20
    ));
    if memory > MEMORY_MAX {
        round.trouble(format!("the recovery took {} MiB of memory", memory >> 20));
    }
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Has a successor deliver everything; returns when its first line stood in the file, and the most memory it took.
fn recover(round: &mut Round) -> io::Result<(Duration, u64)> {
    (round.spec.records, round.spec.threads, round.spec.end) = (1, 1, End::Shutdown);
    round.spec.patience_s = 3_600;
    let begun = Instant::now();
    let mut life = round.live()?;
    let (mut first, mut memory) = (None, 0);
    let file = round.dir().join(PLAIN);
    let status = loop {
        memory = memory.max(memory_of(life.id()));
        if first.is_none() && fs::metadata(&file).is_ok_and(|file| file.len() > 0) {
            first = Some(begun.elapsed());
        }
        match life.end(LOOK)? {
            None if first.is_none() && begun.elapsed() > FIRST_AFTER => {
                round.trouble("nothing is delivered before everything is read");
                first = Some(begun.elapsed());
            }
            None if begun.elapsed() > 10 * HANGS_AFTER => break None,
            None => {}
            ended => break ended,
        }
    };
    if !status.is_some_and(|status| status.success()) {
        round.trouble(format!("the recovery ended with {status:?}"));
    }
    Ok((first.unwrap_or(begun.elapsed()), memory))
}

/// What a process has in memory that is not in a file, in bytes.
pub(super) fn memory_of(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kib.unwrap_or_default() << 10
}
