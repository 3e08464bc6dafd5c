//! Disks that stop taking things while a victim runs: no inodes, a quota, read-only; and a process without memory.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::Turn;
use crate::load::Load;
use crate::mount::{Mount, What};
use crate::spec::{HEALTH, REFUSED};
use crate::tools::{run, word};

const KIB: u64 = 1 << 10;
/// How long a fault lasts, at most.
const LASTS_FOR: Duration = Duration::from_millis(150);
/// More files than any of the small file systems has room for.
const INODES_MAX: u64 = 10_000;
/// How often it is tried to raise a quota.
const RAISES_MAX: u32 = 20;
/// Records that may be on their way when a fault begins.
const SLACK: u64 = 2;

/// No file can be made for a while, though files are to be rotated and segments made: nothing is lost, and it goes on
/// when there are inodes again.
pub(super) fn inodes(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let mount = Mount::disk_as(round.dir(), "ext4", 64, "", &["-N", "64"])?;
    let what = What::draw(&mut round.random);
    mount.hold(round.dir(), what)?;
    round.spec.rotate = round.random.pick(&[0, 200 * KIB]);
    let mut load = Load::start(round)?;
    for _ in 0..2 {
        load.wait(LASTS_FOR);
        let taken = take_inodes(mount.dir())?;
        load.wait(LASTS_FOR);
        for file in 0..taken {
            fs::remove_file(mount.dir().join(format!("taken-{file}")))?;
        }
        load.must_go_on(500, "though there are inodes again")?;
    }
    load.finish(turn)
}

/// Makes files until no more can be made; returns how many.
fn take_inodes(dir: &Path) -> io::Result<u64> {
    for file in 0..INODES_MAX {
        match fs::File::create(dir.join(format!("taken-{file}"))) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(file),
            other => other.map(drop)?,
        }
    }
    Err(io::Error::other("the file system has more inodes than it should"))
}

/// A quota is reached: callers wait, or their records wait in the journal; once it is raised everything goes on.
pub(super) fn quota(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let mount = Mount::disk(round.dir(), "btrfs", 256, "")?;
    let limited = mount.dir().join("limited");
    run("btrfs", ["-q", "quota", "enable", word(mount.dir())])?;
    run("btrfs", ["-q", "subvolume", "create", word(&limited)])?;
    let what = round.random.pick(&[What::Journal, What::Files]);
    mount.hold_under("limited", round.dir(), what)?;
    (round.spec.segment, round.spec.quota, round.spec.pace_us) = (256 * KIB, 8 * 1024 * KIB, 0);
    // At its quota this file system takes its time: a sync has been seen to stand in the kernel for half a minute.
    round.spec.patience_s = 110;
    let mut load = Load::start(round)?;
    run("btrfs", ["-q", "qgroup", "limit", "6M", word(&limited)])?;
    // Long enough for the files, or the journal behind a slow head, to grow past it.
    load.goes_on(40_000, Duration::from_secs(2))?;
    // To raise the quota takes some of it.
    let raise = || run("btrfs", ["-q", "qgroup", "limit", "none", word(&limited)]);
    let tried = (0..RAISES_MAX).find_map(|_| raise().map_err(|_| std::thread::sleep(LASTS_FOR)).ok());
    tried.map_or_else(raise, Ok)?;
    load.must_go_on(500, "though the quota is raised")?;
    load.finish(turn)
}

/// The journal's file system turns read-only, as it does after an error of its own: stores into the map still work, so
/// records are accepted and delivered while there are segments, but none is called synced, and health says so. What
/// needs a segment that cannot be made is refused, and in the files all the same.
pub(super) fn read_only(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let mount = Mount::disk(round.dir(), "ext4", 64, "errors=remount-ro")?;
    mount.hold(round.dir(), What::Journal)?;
    (round.spec.bears, round.spec.errors) = (true, 10);
    // Without a pause, more segments are needed than there are, and none can be made.
    round.spec.pace_us = round.random.pick(&[0, 50]);
    let mut load = Load::start(round)?;
    load.wait(LASTS_FOR);
    let trigger = format!("/sys/fs/ext4/{}/trigger_fs_error", mount.device()?);
    fs::write(trigger, "torture")?;
    let before = load.noted();
    load.must_answer(2_000, "though only the disk is read-only")?;
    let after = load.noted();
    load.end()?;
    let refused = fs::read_to_string(load.round.dir().join(REFUSED)).unwrap_or_default();
    let errors = load.round.spec.errors;
    for (before, after) in before.iter().zip(&after) {
        let told = |number: &u64| {
            refused
                .lines()
                .any(|line| line.starts_with(&format!("0 {} {number} ", before.thread)))
        };
        let lied = (before.intended + SLACK..=after.accepted).filter(|number| number % errors == 0);
        let lied: Vec<u64> = lied.filter(|number| !told(number)).collect();
        if !lied.is_empty() {
            load.round
                .trouble(format!("called synced on a read-only disk: {lied:?}"));
        }
    }
    let health = fs::read_to_string(load.round.dir().join(HEALTH)).unwrap_or_default();
    if health.contains("syncs_failed: 0") {
        load.round.trouble("health does not tell of it");
    }
    turn.outcome.found.add(load.round.finish()?);
    Ok(())
}

/// No memory can be mapped for a while.
pub(super) fn address_space(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.rotate = round.random.pick(&[0, 200 * KIB]);
    let mut load = Load::start(round)?;
    let process = load.life.id().to_string();
    for _ in 0..3 {
        load.wait(LASTS_FOR);
        run("prlimit", ["--pid", &process, "--as=1048576:unlimited"])?;
        load.wait(LASTS_FOR);
        run("prlimit", ["--pid", &process, "--as=unlimited:unlimited"])?;
        load.must_go_on(500, "though there is memory again")?;
    }
    load.finish(turn)
}
