//! File systems of a round's own, which can be taken from under a victim: a file as a disk, or memory.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::random::Random;
use crate::spec::{JOURNAL, JSON, PLAIN};
use crate::tools::{command, run, word};

/// How often a file system is mounted again that others may still hold, and how long to wait in between.
const TRIES_MAX: u32 = 200;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);

/// A mounted file system. Dropping it takes it down.
#[derive(Debug)]
pub struct Mount {
    dir: PathBuf,
    image: Option<PathBuf>,
    options: String,
}

impl Mount {
    /// Makes a file system of a kind (`ext4`, `xfs`, `btrfs`) on a file in `home` and mounts it; needs root.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn disk(home: &Path, kind: &str, mib: u64, options: &str) -> io::Result<Mount> {
        Mount::disk_as(home, kind, mib, options, &[])
    }

    /// As [`Mount::disk`], with further words for the program that makes it.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn disk_as(home: &Path, kind: &str, mib: u64, options: &str, words: &[&str]) -> io::Result<Mount> {
        let image = home.join(format!("{kind}.image"));
        File::create(&image)?.set_len(mib << 20)?;
        let force = if kind == "ext4" { "-F" } else { "-f" };
        let words = words.iter().copied().chain(["-q", force, word(&image)]);
        run(&format!("mkfs.{kind}"), words)?;
        Mount::make(home, Some(image), options)
    }

    /// Mounts a file system that there is on a file already; needs root.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn image(home: &Path, image: PathBuf) -> io::Result<Mount> {
        Mount::make(home, Some(image), "")
    }

    /// Mounts a tmpfs; needs root.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn memory(home: &Path, options: &str) -> io::Result<Mount> {
        Mount::make(home, None, options)
    }

    fn make(home: &Path, image: Option<PathBuf>, options: &str) -> io::Result<Mount> {
        let dir = home.join("mount");
        fs::create_dir_all(&dir)?;
        let mount = Mount {
            dir,
            image,
            options: options.to_owned(),
        };
        mount.up()?;
        Ok(mount)
    }

    /// Returns where it is mounted.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Mounts it, once it was taken down.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn up(&self) -> io::Result<()> {
        match &self.image {
            Some(image) => {
                let options = format!("loop,{}", self.options);
                run(
                    "mount",
                    ["-o", options.trim_end_matches(','), word(image), word(&self.dir)],
                )?
            }
            None => run("mount", ["-t", "tmpfs", "-o", &self.options, "tmpfs", word(&self.dir)])?,
        };
        Ok(())
    }

    /// Takes it down and mounts it again.
    ///
    /// # Errors
    /// Whatever the programs say; when the file system stays as it was, because a process in another namespace still
    /// holds it.
    pub fn again(&self) -> io::Result<()> {
        let test = self.dir.join("mounted-again");
        for _ in 0..TRIES_MAX {
            run("umount", [word(&self.dir)])?;
            self.up()?;
            if File::create(&test).is_ok() {
                return fs::remove_file(test);
            }
            std::thread::sleep(BETWEEN_TRIES);
        }
        Err(io::Error::other("the file system is still mounted elsewhere"))
    }

    /// Changes how it is mounted.
    ///
    /// # Errors
    /// Whatever the programs say.
    pub fn remount(&self, options: &str) -> io::Result<()> {
        run("mount", ["-o", &format!("remount,{options}"), word(&self.dir)]).map(drop)
    }

    /// Returns the block device under it, as `loop3`.
    ///
    /// # Errors
    /// When it has none.
    pub fn device(&self) -> io::Result<String> {
        let source = run("findmnt", ["-n", "-o", "SOURCE", "--mountpoint", word(&self.dir)])?;
        let name = source.trim().strip_prefix("/dev/").map(str::to_owned);
        name.ok_or_else(|| io::Error::other(format!("`{source}` is no device")))
    }

    /// Has a round's journal, its files or both lie there.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn hold(&self, round: &Path, what: What) -> io::Result<()> {
        self.hold_under("", round, what)
    }

    /// As [`Mount::hold`], in a directory that is there already.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn hold_under(&self, under: &str, round: &Path, what: What) -> io::Result<()> {
        hold_at(&self.dir.join(under), round, what)
    }
}

/// Has a round's journal, its files or both lie in another directory.
///
/// # Errors
/// Whatever the system says.
pub fn hold_at(dir: &Path, round: &Path, what: What) -> io::Result<()> {
    if what != What::Files {
        fs::create_dir_all(dir.join(JOURNAL))?;
        symlink(dir.join(JOURNAL), round.join(JOURNAL))?;
    }
    if what != What::Journal {
        for name in [PLAIN, JSON] {
            symlink(dir.join(name), round.join(name))?;
        }
    }
    Ok(())
}

/// Takes down what is mounted in a directory. Lazily: whoever still has something open there must not keep it for ever.
pub fn take_down(dir: &Path) {
    let _ = command("umount").arg("-l").arg(dir).output();
}

impl Drop for Mount {
    fn drop(&mut self) {
        take_down(&self.dir);
    }
}

/// What of a round lies on a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The journal.
    Journal,
    /// The destinations' files.
    Files,
    /// Both.
    All,
}

impl What {
    /// Draws one.
    pub fn draw(random: &mut Random) -> What {
        random.pick(&[What::Journal, What::Files, What::All])
    }
}
