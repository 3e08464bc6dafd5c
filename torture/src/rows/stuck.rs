//! A destination that takes nothing for a while.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::pipe::Pipe;
use crate::round::Round;
use crate::spec::{End, JSON, PLAIN};

/// How often the healthy file is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// One of two destinations blocks: all records are accepted, the other destination has them all while the first one is
/// still blocked; read at last, the first one has them all, too.
pub(super) fn run(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    let mut pipe = Pipe::make_full(&round.dir().join(PLAIN))?;
    (round.spec.threads, round.spec.records, round.spec.end) = (4, 2_000, End::Shutdown);
    let all = (round.spec.threads * round.spec.records) as usize;
    let mut life = round.live()?;
    let healthy = round.dir().join(JSON);
    let until = Instant::now() + HANGS_AFTER;
    while lines(&fs::read(&healthy).unwrap_or_default()) < all {
        if life.end(LOOK)?.is_some() || Instant::now() > until {
            round.trouble("the healthy destination waits for the blocked one");
            break;
        }
    }
    let mut text = Vec::new();
    let status = loop {
        while pipe.drain(&mut text)? {}
        match life.end(LOOK)? {
            None if Instant::now() > until => break None,
            None => {}
            ended => break ended,
        }
    };
    while pipe.drain(&mut text)? {}
    if !status.is_some_and(|status| status.success()) {
        round.trouble(format!("the victim ended with {status:?}"));
    }
    pipe.remove()?;
    fs::write(round.dir().join(PLAIN), text)?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

fn lines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
