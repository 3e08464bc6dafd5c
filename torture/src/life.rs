//! A victim as its killer holds it.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::spec::Spec;

/// Where victims' standard error goes, in the round's directory.
const STDERR: &str = "stderr";
/// How often a waiting killer looks.
const LOOK: Duration = Duration::from_micros(500);
/// A victim that has not ended by itself after this long hangs.
pub const HANGS_AFTER: Duration = Duration::from_secs(120);

/// A running victim. Dropping it kills it.
#[derive(Debug)]
pub struct Life(Child);

impl Life {
    /// Starts a victim.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start(exe: &Path, spec: &Spec) -> io::Result<Life> {
        Life::start_by(&mut Command::new(exe), spec)
    }

    /// Starts a victim by a command that ends where its arguments begin.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start_by(command: &mut Command, spec: &Spec) -> io::Result<Life> {
        Life::start_in(&spec.dir, command, spec)
    }

    /// As [`Life::start_by`]; the victim may see the directory elsewhere.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn start_in(dir: &Path, command: &mut Command, spec: &Spec) -> io::Result<Life> {
        let stderr = OpenOptions::new().create(true).append(true).open(dir.join(STDERR))?;
        command.arg("victim").args(spec.words());
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .env("RUST_BACKTRACE", "0")
            .spawn()?;
        Ok(Life(child))
    }

    /// Returns the number of the process.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits, then kills. Says whether it was alive until then.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn kill_after(mut self, wait: Duration) -> io::Result<bool> {
        std::thread::sleep(wait);
        let was_alive = self.0.try_wait()?.is_none();
        self.0.kill()?;
        self.0.wait()?;
        Ok(was_alive)
    }

    /// Leaves it to somebody else to wait for it.
    pub fn disown(self) {
        std::mem::forget(self);
    }

    /// Kills it, and does not wait for it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn kill(&mut self) -> io::Result<()> {
        self.0.kill()
    }

    /// Waits for it to end by itself; `None` if it hangs.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn end(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let until = Instant::now() + patience;
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Ok(Some(status));
            }
            if Instant::now() > until {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // Both fail when it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns what victims said on standard error.
pub fn said(dir: &Path) -> String {
    fs::read_to_string(dir.join(STDERR)).unwrap_or_default()
}

/// Returns how often victims said that there was no memory, neither on the heap nor for a new thread's signals: of both
/// a program dies.
pub fn starved(said: &str) -> usize {
    said.matches("memory allocation of ").count() + starved_threads(said)
}

/// Returns how often it was a new thread; that is told as a panic.
pub fn starved_threads(said: &str) -> usize {
    said.matches("failed to allocate an alternative stack").count()
}
