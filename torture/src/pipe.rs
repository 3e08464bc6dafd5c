//! A destination that takes nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `O_NONBLOCK`.
const NONBLOCKING: i32 = 0o4000;

/// A named pipe in a file's place that is full from the start: whoever writes to it waits.
#[derive(Debug)]
pub struct Pipe {
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
    pub fn make_full(path: &Path) -> io::Result<Pipe> {
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
    pub fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)
    }

    /// Reads everything there is and appends it to `out`; says whether there was anything. The filling is left out.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn drain(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
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
