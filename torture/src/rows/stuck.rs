//! A destination that takes nothing for a while.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::HANGS_AFTER;
use crate::round::Round;
use crate::spec::{End, JSON, PLAIN};

/// `O_NONBLOCK`.
const NONBLOCKING: i32 = 0o4000;
/// How often the healthy file is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// A named pipe in a file's place that is full from the start: whoever writes to it waits.
#[derive(Debug)]
pub(super) struct Pipe {
    path: PathBuf,
    file: File,
    /// How much stands in it.
    filled: usize,
}

impl Pipe {
    /// Makes it.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(super) fn make_full(path: &Path) -> io::Result<Pipe> {
        let made = Command::new("mkfifo").arg(path).status()?;
        if !made.success() {
            return Err(io::Error::other("mkfifo failed"));
        }
        // Both ends are ours, so that neither we nor the victim wait at the opening.
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(NONBLOCKING)
            .open(path)?;
        let mut filled = 0;
        loop {
            match file.write(&[b'-'; 4096]) {
                Ok(written) => filled += written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Pipe {
            path: path.to_owned(),
            file,
            filled,
        })
    }

    /// Removes it from its place; whoever waits at it still waits.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(super) fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Reads everything there is and appends it to `out`; says whether there was anything. The filling is left out.
    ///
    /// # Errors
    /// Whatever the system says.
    pub(super) fn drain(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut buffer = vec![0; 64 << 10];
        match self.file.read(&mut buffer) {
            Ok(read) => {
                let filling = read.min(self.filled);
                self.filled -= filling;
                out.extend_from_slice(buffer.get(filling..read).unwrap_or_default());
                Ok(read > 0)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

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
