//! A victim under load for as long as the harness likes, with something done to it meanwhile.

use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::life::{HANGS_AFTER, Life};
use crate::oracle::Promise;
use crate::round::Round;
use crate::rows::Turn;
use crate::spec::{ENOUGH, End, REFUSED, TAPE};
use crate::stall;
use crate::tape::{Noted, Tape};

/// How often the tape is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// The most records of a thread: none gets that far.
const RECORDS_MAX: u64 = 100_000_000;

/// How often it is tried whether records are called synced again.
const SYNC_TRIES: u32 = 20;

/// A running victim that logs until it is enough.
#[derive(Debug)]
pub struct Load {
    /// Its round.
    pub round: Round,
    /// The victim.
    pub life: Life,
    tape: Tape,
}

impl Load {
    /// Begins a round whose next victim logs until it is enough, from two threads, at a pace that keeps the files
    /// short.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn round(turn: &Turn<'_>) -> io::Result<Round> {
        let mut round = Round::begin(turn.exe, turn.seed)?;
        (round.spec.threads, round.spec.records, round.spec.end) = (2, RECORDS_MAX, End::Shutdown);
        (round.spec.heeds, round.spec.pace_us) = (true, 50);
        round.spec.segment = round.random.pick(&[64 << 10, 256 << 10]);
        round.spec.errors = 20;
        Ok(round)
    }

    /// Starts the victim and waits until it logs.
    ///
    /// # Errors
    /// Whatever the system says; when it does not log.
    pub fn start(mut round: Round) -> io::Result<Load> {
        let life = round.live()?;
        Load::of(round, life)
    }

    /// As [`Load::start`], by a command that ends where the victim's arguments begin.
    ///
    /// # Errors
    /// As [`Load::start`].
    pub fn start_by(mut round: Round, command: &mut Command) -> io::Result<Load> {
        let life = Life::start_by(command, &round.spec)?;
        round.spec.life += 1;
        Load::of(round, life)
    }

    fn of(round: Round, life: Life) -> io::Result<Load> {
        let tape = Tape::open(&round.dir().join(TAPE))?;
        let mut load = Load { round, life, tape };
        if !load.goes_on(10, HANGS_AFTER)? {
            let said = crate::life::said(load.round.dir());
            return Err(io::Error::other(format!("the victim does not log: {said}")));
        }
        Ok(load)
    }

    /// Returns what the tape says of each thread.
    pub fn noted(&self) -> Vec<Noted> {
        self.tape.read()
    }

    /// Returns how many records have been accepted so far.
    pub fn accepted(&self) -> u64 {
        self.tape.read().iter().map(|noted| noted.accepted).sum()
    }

    /// Waits until so many more records have been accepted; says whether they were in that time.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn goes_on(&mut self, more: u64, patience: Duration) -> io::Result<bool> {
        let (goal, until) = (self.accepted() + more, Instant::now() + patience);
        while self.accepted() < goal {
            if Instant::now() > until || self.life.end(LOOK)?.is_some() {
                return Ok(self.accepted() >= goal);
            }
        }
        Ok(true)
    }

    /// As [`Load::goes_on`] with all the patience there is; that it does not go on is a trouble.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn must_go_on(&mut self, more: u64, when: &str) -> io::Result<()> {
        if !self.goes_on(more, HANGS_AFTER)? {
            let threads = stall::threads(self.life.id());
            self.round
                .trouble(format!("no more records are accepted {when}: {threads}"));
        }
        Ok(())
    }

    /// Waits until so many more calls have returned, whatever they said; that they do not is a trouble.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn must_answer(&mut self, more: u64, when: &str) -> io::Result<()> {
        let begun = |load: &Load| load.tape.read().iter().map(|noted| noted.intended).sum::<u64>();
        let (goal, until) = (begun(self) + more, Instant::now() + HANGS_AFTER);
        while begun(self) < goal {
            if Instant::now() > until || self.life.end(LOOK)?.is_some() {
                self.round.trouble(format!("no more calls return {when}"));
                break;
            }
        }
        Ok(())
    }

    /// Waits until synced records are accepted again, which were refused for a while; that they are not is a trouble.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn must_sync_again(&mut self, when: &str) -> io::Result<()> {
        let refused = |load: &Load| fs::metadata(load.round.dir().join(REFUSED)).map_or(0, |file| file.len());
        for _ in 0..SYNC_TRIES {
            let before = refused(self);
            // Many of so many are errors.
            if !self.goes_on(50 * self.round.spec.errors.max(1), HANGS_AFTER)? || refused(self) == before {
                return Ok(());
            }
        }
        self.round.trouble(format!("nothing is called synced any more {when}"));
        Ok(())
    }

    /// Waits for a random while.
    pub fn wait(&mut self, longest: Duration) {
        let wait = self.round.random.below(longest.as_micros() as u64);
        std::thread::sleep(Duration::from_micros(wait));
    }

    /// Tells the victim that it is enough, and waits for it to shut down well.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn end(&mut self) -> io::Result<()> {
        fs::write(self.round.dir().join(ENOUGH), "")?;
        match self.life.end(HANGS_AFTER)? {
            Some(status) if status.success() => {}
            Some(status) => self.round.trouble(format!("the victim ended with {status}")),
            None => {
                let threads = stall::threads(self.life.id());
                self.round.trouble(format!("the victim hangs: {threads}"));
            }
        }
        fs::remove_file(self.round.dir().join(ENOUGH))
    }

    /// Ends it and checks what is in the files then.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn finish(mut self, turn: &mut Turn<'_>) -> io::Result<()> {
        self.end()?;
        turn.outcome.found.add(self.round.finish_for(Promise::Journaled)?);
        Ok(())
    }

    /// Kills it; it has no say in the matter.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn kill(self, turn: &mut Turn<'_>) -> io::Result<Round> {
        let Load { round, life, .. } = self;
        life.kill_after(Duration::ZERO)?;
        turn.outcome.kills += 1;
        Ok(round)
    }
}
