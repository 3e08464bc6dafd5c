//! Layers over layers: what containers run on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Turn;
use crate::load::Load;
use crate::mount::{What, hold_at, take_down};
use crate::spec::{JOURNAL, JSON, PLAIN};
use crate::tools::{run, word};

/// How long a victim logs before it is killed, at most.
const LOGS_FOR: Duration = Duration::from_millis(150);

/// Journal and files lie on an overlay. Processes are killed there: everything is in the files, once. Then what the
/// last of them left becomes the layer underneath, as when a container is made from an image: its successor starts over
/// files that are copied up before they are written to, and delivers everything. Some of it may come twice, as those
/// are other files to a cursor. Or everything is mounted anew, as when a container is started again, under another
/// number: then it comes once.
pub(super) fn run_row(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.rotate = round.random.pick(&[0, 200 << 10]);
    let overlay = Layers::mount(round.dir())?;
    hold_at(&overlay.dir, round.dir(), What::All)?;
    let mut load = Load::start(round)?;
    for _ in 0..2 {
        load.wait(LOGS_FOR);
        load = Load::start(load.kill(turn)?)?;
    }
    load.wait(LOGS_FOR);
    let mut round = load.kill(turn)?;
    match round.random.below(3) {
        0 => {
            overlay.bury()?;
            round.may_repeat = true;
        }
        1 => overlay.again()?,
        _ => {}
    }
    round.spec.heeds = false;
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// Some directories over one another.
struct Layers {
    home: PathBuf,
    dir: PathBuf,
}

impl Layers {
    fn mount(home: &Path) -> io::Result<Layers> {
        let (home, dir) = (home.to_owned(), home.join("overlay"));
        for name in ["overlay", "lower", "upper", "work"] {
            fs::create_dir(home.join(name))?;
        }
        let layers = Layers { home, dir };
        layers.up("lower", "upper", "work")?;
        Ok(layers)
    }

    fn up(&self, lower: &str, upper: &str, work: &str) -> io::Result<()> {
        let [lower, upper, work] = [lower, upper, work].map(|name| self.home.join(name));
        let (lower, upper, work) = (lower.display(), upper.display(), work.display());
        let options = format!("lowerdir={lower},upperdir={upper},workdir={work}");
        let words = ["-t", "overlay", "-o", &options, "overlay", word(&self.dir)];
        run("mount", words).map(drop)
    }

    /// Mounts the same layers anew, while something else has taken the number that they had.
    fn again(&self) -> io::Result<()> {
        let other = self.home.join("other");
        fs::create_dir(&other)?;
        run("umount", [word(&self.dir)])?;
        run("mount", ["-t", "tmpfs", "tmpfs", word(&other)])?;
        let up = self.up("lower", "upper", "work");
        run("umount", [word(&other)])?;
        up
    }

    /// Puts another layer on top of what was written so far.
    fn bury(&self) -> io::Result<()> {
        run("umount", [word(&self.dir)])?;
        for name in ["upper-2", "work-2"] {
            fs::create_dir(self.home.join(name))?;
        }
        self.up("upper", "upper-2", "work-2")?;
        debug_assert!(self.dir.join(JOURNAL).exists() && self.dir.join(PLAIN).exists() && self.dir.join(JSON).exists());
        Ok(())
    }
}

impl Drop for Layers {
    fn drop(&mut self) {
        take_down(&self.dir);
    }
}
