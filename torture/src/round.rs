//! A directory in which victims live and die.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use tempfile::TempDir;

use crate::life::{self, HANGS_AFTER, Life};
use crate::oracle::{self, Found, Promise};
use crate::random::Random;
use crate::snapshot::Snapshot;
use crate::spec::{End, JOURNAL, Spec, TAPE};
use crate::tape::Tape;
use crate::tools;
use crate::victim::AS_TOLD;

/// Directories of rounds that went well and could not be removed: something is mounted there until the row ends.
static MOUNTED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes what rounds that went well have left.
pub fn sweep() {
    for home in std::mem::take(&mut *MOUNTED.lock().unwrap_or_else(PoisonError::into_inner)) {
        // Should it still be in use, nobody is harmed by what stays there.
        let _ = fs::remove_dir_all(home);
    }
}

/// A round on its way.
#[derive(Debug)]
pub struct Round {
    home: TempDir,
    exe: PathBuf,
    /// What the next life is told.
    pub spec: Spec,
    /// The program, and its words, that the next life is started by; none: it is started directly.
    pub under: Vec<String>,
    /// Where the next lives see the directory; none: where it is.
    pub seen_as: Option<PathBuf>,
    /// What the round's chances are drawn from.
    pub random: Random,
    /// Victims killed so far.
    pub kills: u64,
    /// Whether a victim may say that something failed.
    pub may_complain: bool,
    /// Whether records may be in the files more than once where a file was put aside: what a failed sync casts doubt on
    /// is written again.
    pub may_double: bool,
    /// Whether they may be there more than once in any case: what is known of the files may be lost.
    pub may_repeat: bool,
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
            under: Vec::new(),
            seen_as: None,
            random: Random::new(seed),
            kills: 0,
            may_complain: false,
            may_double: false,
            may_repeat: false,
            troubles,
        })
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        self.home.path()
    }

    /// Returns the program that is the victim.
    pub fn exe(&self) -> &Path {
        &self.exe
    }

    /// Starts the next life.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn live(&mut self) -> io::Result<Life> {
        let mut command = match self.under.split_first() {
            Some((program, words)) => {
                let mut command = tools::command(program);
                command.args(words).arg(&self.exe);
                command
            }
            None => Command::new(&self.exe),
        };
        let mut spec = self.spec.clone();
        spec.dir = self.seen_as.clone().unwrap_or(spec.dir);
        let life = Life::start_in(self.dir(), &mut command, &spec)?;
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
        self.must_be_delivered()
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

    /// Sees to it that there is nothing to recover.
    ///
    /// # Errors
    /// When the journal's directory cannot be read.
    pub fn must_be_delivered(&mut self) -> io::Result<()> {
        let left = journals(&self.dir().join(JOURNAL))?;
        if !left.is_empty() {
            self.trouble(format!("journals are left behind: {left:?}"));
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

    /// Says whether anything was noted.
    pub fn has_trouble(&self) -> bool {
        !self.troubles.is_empty()
    }

    /// Returns what was noted, and what victims said.
    pub fn told(&self) -> String {
        format!(
            "{}; victims said: {}",
            self.troubles.join("; "),
            life::said(self.dir()).trim()
        )
    }

    /// Keeps the directory, with everything in it; returns where it is.
    pub fn keep(self) -> PathBuf {
        self.home.keep()
    }

    /// Checks the files. The directory of a round that failed is kept, and named.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn finish(self) -> io::Result<Found> {
        self.finish_for(Promise::Journaled)
    }

    /// As [`Round::finish`], where less was promised than that.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn finish_for(mut self, promise: Promise) -> io::Result<Found> {
        let mut found = self.judge(promise)?;
        let (seed, home) = (self.spec.seed, self.dir().to_owned());
        if !found.is_right() {
            let kept = self.home.keep();
            found.troubles.push(format!("seed {seed}, kept in {}", kept.display()));
        } else if self.home.close().is_err() {
            MOUNTED.lock().unwrap_or_else(PoisonError::into_inner).push(home);
        }
        Ok(found)
    }

    /// Has `work` done to a copy of the directory, which stands in the directory's place meanwhile, and checks the
    /// copy. Then everything is as before. No victim may run: those that stand still do not notice.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn on_a_copy(&mut self, copy: &Snapshot, work: impl FnOnce(&mut Round) -> io::Result<()>) -> io::Result<Found> {
        let home = self.dir().to_owned();
        let (aside, failed) = (home.with_extension("aside"), home.with_extension("failed"));
        fs::rename(&home, &aside)?;
        fs::create_dir(&home)?;
        copy.put(&home)?;
        let (spec, troubles) = (self.spec.clone(), std::mem::take(&mut self.troubles));
        work(self)?;
        let mut found = self.judge(Promise::Journaled)?;
        // A copy of a file is another file to the mark of a head that stood still in the middle of a write.
        (found.doubled, found.disordered) = (0, 0);
        (self.spec, self.troubles) = (spec, troubles);
        if found.is_right() {
            fs::remove_dir_all(&home)?;
        } else {
            fs::rename(&home, &failed)?;
            let seed = self.spec.seed;
            found
                .troubles
                .push(format!("seed {seed}, kept in {}", failed.display()));
        }
        fs::rename(aside, home)?;
        Ok(found)
    }

    fn judge(&mut self, promise: Promise) -> io::Result<Found> {
        let mut found = oracle::check_for(&self.spec, promise)?;
        if self.may_double && oracle::has_poisoned(&self.spec)? {
            (found.doubled, found.disordered) = (0, 0);
        }
        if self.may_repeat {
            found.repeated += std::mem::take(&mut found.doubled);
            found.disordered = 0;
        }
        let said = life::said(self.dir());
        let panics = said.matches("panicked at").count() - life::starved_threads(&said);
        // A victim that is to panic says so.
        if panics > said.matches(AS_TOLD).count() || (said.contains("victim: ") && !self.may_complain) {
            found.troubles.push(format!("victims said: {}", said.trim()));
        }
        found.troubles.append(&mut self.troubles);
        Ok(found)
    }
}

/// Returns the journals in a directory that hold anything.
///
/// # Errors
/// When it cannot be read.
pub fn journals(root: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(root) {
        Ok(entries) => entries
            .map(|entry| Ok(entry?.path()))
            .filter(|path| path.as_ref().map_or(true, |path| path.is_dir()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
