//! A directory in which victims live and die.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;

use crate::life::{self, HANGS_AFTER, Life};
use crate::oracle::{self, Found};
use crate::random::Random;
use crate::spec::{End, JOURNAL, Spec, TAPE};
use crate::tape::Tape;

/// A round on its way.
#[derive(Debug)]
pub struct Round {
    home: TempDir,
    exe: PathBuf,
    /// What the next life is told.
    pub spec: Spec,
    /// What the round's chances are drawn from.
    pub random: Random,
    /// Victims killed so far.
    pub kills: u64,
    troubles: Vec<String>,
}

impl Round {
    /// Makes the directory and the tape.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn begin(exe: &Path, seed: u64) -> io::Result<Round> {
        let home = tempfile::Builder::new().prefix("torture-").tempdir()?;
        Tape::create(&home.path().join(TAPE))?;
        let spec = Spec::new(home.path(), seed);
        let troubles = Vec::new();
        Ok(Round {
            home,
            exe: exe.to_owned(),
            spec,
            random: Random::new(seed),
            kills: 0,
            troubles,
        })
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Starts the next life.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn live(&mut self) -> io::Result<Life> {
        let life = Life::start(&self.exe, &self.spec)?;
        self.spec.life += 1 + self.spec.forks;
        self.spec.forks = 0;
        Ok(life)
    }

    /// Lets the next life go on for a random while, at most `longest`, and kills it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn live_and_kill(&mut self, longest: Duration) -> io::Result<()> {
        let wait = Duration::from_micros(self.random.below(longest.as_micros() as u64));
        self.spec.end = End::Park;
        let was_alive = self.live()?.kill_after(wait)?;
        if !was_alive {
            self.trouble("a victim ended before it was killed");
        }
        self.kills += 1;
        Ok(())
    }

    /// Has a last life log one record and shut down: whatever earlier ones left must be in the files then, and no
    /// journal.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn recover(&mut self) -> io::Result<()> {
        self.recover_what_is_left()?;
        let left = journals(&self.dir().join(JOURNAL))?;
        if !left.is_empty() {
            self.trouble(format!("journals are left behind: {left:?}"));
        }
        Ok(())
    }

    /// Recovers as [`Round::recover`] does; journals that are damaged may stay.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn recover_what_is_left(&mut self) -> io::Result<()> {
        (self.spec.records, self.spec.threads, self.spec.end) = (1, 1, End::Shutdown);
        match self.live()?.end(HANGS_AFTER)? {
            Some(status) if status.success() => {}
            Some(status) => self.trouble(format!("the recovery ended with {status}")),
            None => self.trouble("the recovery hangs"),
        }
        Ok(())
    }

    /// Returns what is in the files, without judging it.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn look(&self) -> io::Result<Found> {
        let mut found = oracle::check(&self.spec)?;
        if life::said(self.dir()).contains("panicked") {
            found.torn += 1;
        }
        Ok(found)
    }

    /// Notes something that must not be.
    pub fn trouble(&mut self, what: impl Into<String>) {
        self.troubles.push(what.into());
    }

    /// Checks the files. The directory of a round that failed is kept, and named.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn finish(self) -> io::Result<Found> {
        let mut found = oracle::check(&self.spec)?;
        let said = life::said(self.dir());
        if said.contains("panicked") || said.contains("victim:") {
            found.troubles.push(format!("victims said: {}", said.trim()));
        }
        found.troubles.extend(self.troubles);
        if !found.is_right() {
            let seed = self.spec.seed;
            found
                .troubles
                .push(format!("seed {seed}, kept in {}", self.home.keep().display()));
        }
        Ok(found)
    }
}

/// Returns the journals in a directory that hold anything.
fn journals(root: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(root) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.path()))
            .filter(|path| path.as_ref().map_or(true, |path| path.is_dir()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
