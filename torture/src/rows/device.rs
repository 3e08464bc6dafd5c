//! A device that cannot take what the file system on it has promised: the true error of write-back.
//!
//! An ext4 stands on a file of a tmpfs, and the free blocks of the one are holes in the other. While the tmpfs is full,
//! whatever is written to a block for the first time fails after it was accepted; the system tells each descriptor
//! once, marks the pages clean, and later syncs succeed. What the device really has is seen once it is mounted again,
//! after everything in memory is forgotten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Turn;
use super::power::weigh_after_a_cut;
use crate::load::Load;
use crate::mount::{Mount, What};
use crate::spec::HEALTH;
use crate::tools::{self, run, word};

/// The file system, and the memory under it, which is as large: but for its filler it could hold everything.
const MIB: u64 = 48;
/// How long the device fails, and how long it works before and after, at most.
const LASTS_FOR: Duration = Duration::from_millis(200);
/// How often it is tried to catch the victim with something that is not on the device yet.
const TRIES_MAX: u32 = 40;

/// A device that can be made to fail.
struct Device {
    memory: Mount,
    disk: Mount,
}

impl Device {
    fn new(home: &Path) -> io::Result<Device> {
        let home = home.join("memory");
        fs::create_dir(&home)?;
        let memory = Mount::memory(&home, &format!("size={}m", MIB + 2))?;
        // Nothing is left to be set up later, when it would fail.
        let words = ["-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard"];
        let disk = Mount::disk_as(memory.dir(), "ext4", MIB, "errors=continue", &words)?;
        let image = memory.dir().join("ext4.image");
        run("umount", [word(disk.dir())])?;
        // First everything has its place, then what is free gives it back: its own blocks seldom fail.
        run("fallocate", ["-l", &format!("{MIB}m"), word(&image)])?;
        disk.up()?;
        run("fstrim", [word(disk.dir())])?;
        // A write that the memory takes in part counts as done to a loop device. One of a page is taken or it is not.
        fs::write(format!("/sys/block/{}/queue/max_sectors_kb", disk.device()?), "4")?;
        Ok(Device { memory, disk })
    }

    fn fail(&self) -> io::Result<()> {
        let mut filler = OpenOptions::new().create(true).append(true).open(self.filler())?;
        let mut size = 64 << 10;
        while size >= 4 << 10 {
            match filler.write_all(&vec![1; size]) {
                Err(error) if error.kind() == io::ErrorKind::StorageFull => size /= 2,
                other => other?,
            }
        }
        Ok(())
    }

    fn work(&self) -> io::Result<()> {
        fs::remove_file(self.filler())
    }

    /// Records must be synced again, unless the file system has given up for good: that one of its own blocks could not
    /// be written makes it read-only until it is mounted again.
    fn must_be_used_again(&self, load: &mut Load) -> io::Result<()> {
        let probe = self.disk.dir().join("probe");
        match File::create(&probe) {
            Ok(_) => fs::remove_file(probe)?,
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => return Ok(()),
            Err(error) => return Err(error),
        }
        load.must_sync_again("though the device works again")
    }

    fn filler(&self) -> PathBuf {
        self.memory.dir().join("filler")
    }
}

/// The device fails for a while under the journal, the files or both, and then does not any more: no record is called
/// synced for a sync that came after a failed one, health tells of it, and records are synced again.
pub(super) fn fails(turn: &mut Turn<'_>) -> io::Result<()> {
    let (mut load, device, what) = start(turn, &[What::Journal, What::Files, What::All])?;
    load.wait(LASTS_FOR);
    device.fail()?;
    std::thread::sleep(LASTS_FOR);
    load.wait(LASTS_FOR);
    device.work()?;
    device.must_be_used_again(&mut load)?;
    end(turn, load, &device, what, false)
}

/// As before; but it is somebody else who syncs the files while the device fails, and is told. The victim stands still
/// meanwhile, and every sync of its own would succeed. (The journal alone is not drawn: from outside nobody knows
/// whether what failed was part of a segment that is ever synced again, so that health would have to tell.)
pub(super) fn tells_another(turn: &mut Turn<'_>) -> io::Result<()> {
    let (mut load, device, what) = start(turn, &[What::Files, What::All])?;
    let mut told = 0;
    for _ in 0..TRIES_MAX {
        load.wait(LASTS_FOR / 4);
        tools::signal(load.life.id(), "-STOP")?;
        device.fail()?;
        told += sync_all(device.disk.dir())?;
        device.work()?;
        tools::signal(load.life.id(), "-CONT")?;
        if told > 0 {
            break;
        }
    }
    if told == 0 {
        load.round.trouble("nobody was told of an error: nothing is proved");
    }
    device.must_be_used_again(&mut load)?;
    end(turn, load, &device, what, true)
}

/// Syncs all files under a directory, as a backup or an administrator does; returns how often that failed.
fn sync_all(dir: &Path) -> io::Result<u32> {
    let mut failed = 0;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            failed += sync_all(&path)?;
        } else if File::open(&path)?.sync_all().is_err() {
            failed += 1;
        }
    }
    Ok(failed)
}

/// The programs that [`Device`] is made with.
pub(super) const PROGRAMS: &[&str] = &["mkfs.ext4", "mount", "umount", "fstrim", "findmnt", "fallocate", "kill"];

fn start(turn: &Turn<'_>, among: &[What]) -> io::Result<(Load, Device, What)> {
    let mut round = Load::round(turn)?;
    let device = Device::new(round.dir())?;
    let what = round.random.pick(among);
    device.disk.hold(round.dir(), what)?;
    round.spec.bears = true;
    Ok((Load::start(round)?, device, what))
}

/// The end comes by a kill or in order; then everything is forgotten that is not on the device.
fn end(turn: &mut Turn<'_>, mut load: Load, device: &Device, what: What, must_tell: bool) -> io::Result<()> {
    let is_killed = load.round.random.below(2) == 0;
    let round = if is_killed {
        load.kill(turn)?
    } else {
        load.end()?;
        let health = fs::read_to_string(load.round.dir().join(HEALTH))?;
        if must_tell && !tells(&health) {
            load.round
                .trouble(format!("health does not tell of a sync that failed: {health}"));
        }
        load.round
    };
    device.disk.again()?;
    weigh_after_a_cut(turn, round, &format!("{what:?}, killed: {is_killed}"))
}

/// Says whether health counts a sync of the journal that failed, a segment that was copied because its own failed, or a
/// failure of a destination.
fn tells(health: &str) -> bool {
    let counted = |what: &str| health.split(what).skip(1).any(|rest| !rest.starts_with('0'));
    counted(" syncs_failed: ") || counted(" segments_poisoned: ") || counted(" failures: ")
}
