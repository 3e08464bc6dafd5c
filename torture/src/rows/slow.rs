//! Disks that take their time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Turn;
use crate::load::Load;
use crate::mount::{Mount, What};
use crate::tools::{run, word};

/// How long a disk hangs.
const HANGS_FOR: Duration = Duration::from_secs(2);
/// As long as it takes to be sure, where the row may take its time.
const HANGS_LONG: Duration = Duration::from_secs(30);
/// Where the groups of processes are whose input and output is limited.
const GROUPS: &str = "/sys/fs/cgroup/blkio";
/// What the slow disk takes in a second.
const BYTES_PER_SECOND: u64 = 1 << 20;

/// A disk hangs. While only the files' does, callers do not wait; nothing is given up, and everything goes on when it
/// is back.
pub(super) fn frozen(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let mount = Mount::disk(round.dir(), "ext4", 256, "")?;
    let what = What::draw(&mut round.random);
    mount.hold(round.dir(), what)?;
    let mut load = Load::start(round)?;
    let frozen = Frozen::begin(mount.dir())?;
    if what == What::Files {
        load.must_go_on(500, "while only the files' disk hangs")?;
    }
    std::thread::sleep(if turn.exhaustive { HANGS_LONG } else { HANGS_FOR });
    drop(frozen);
    load.must_go_on(2_000, "though the disk is back")?;
    load.finish(turn)
}

/// A frozen file system; it thaws when this is dropped.
pub(super) struct Frozen<'m>(&'m Path);

impl<'m> Frozen<'m> {
    pub(super) fn begin(dir: &'m Path) -> io::Result<Frozen<'m>> {
        run("fsfreeze", ["-f", word(dir)])?;
        Ok(Frozen(dir))
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        // One that stays frozen shows in the row that goes on from here.
        let _ = run("fsfreeze", ["-u", word(self.0)]);
    }
}

/// The disk takes 1 MiB a second: records are accepted at their own pace, synced ones wait, and nothing is given up.
pub(super) fn slow(turn: &mut Turn<'_>) -> io::Result<()> {
    if !Path::new(GROUPS).join("blkio.throttle.write_bps_device").exists() {
        turn.outcome.skipped = Some("there is no blkio cgroup".to_owned());
        return Ok(());
    }
    let mut round = Load::round(turn)?;
    let mount = Mount::disk(round.dir(), "ext4", 256, "")?;
    mount.hold(round.dir(), What::All)?;
    round.spec.errors = 500;
    let mut load = Load::start(round)?;
    let group = Group::make(&mount, load.life.id())?;
    load.must_go_on(10_000, "on a slow disk")?;
    drop(group);
    load.finish(turn)
}

/// A group whose processes write slowly; they leave it when this is dropped.
struct Group {
    dir: PathBuf,
    process: u32,
}

impl Group {
    fn make(mount: &Mount, process: u32) -> io::Result<Group> {
        let dir = Path::new(GROUPS).join(format!("torture-{process}"));
        fs::create_dir_all(&dir)?;
        let group = Group { dir, process };
        let numbers = fs::read_to_string(format!("/sys/class/block/{}/dev", mount.device()?))?;
        let limit = format!("{} {BYTES_PER_SECOND}", numbers.trim());
        fs::write(group.dir.join("blkio.throttle.write_bps_device"), limit)?;
        fs::write(group.dir.join("cgroup.procs"), process.to_string())?;
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Neither is possible any more once the process has ended, and then the group is empty.
        let _ = fs::write(Path::new(GROUPS).join("cgroup.procs"), self.process.to_string());
        let _ = fs::remove_dir(&self.dir);
    }
}
