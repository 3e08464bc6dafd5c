//! Little memory: a control group with a limit, and the kernel's killer in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Turn;
use crate::life::{HANGS_AFTER, Life};
use crate::round::Round;
use crate::spec::{End, Files};

const MIB: u64 = 1 << 20;
/// Where groups with a limit on memory are made.
const GROUPS: &str = "/sys/fs/cgroup/memory";
/// What a process may have, its journal's and its files' pages in memory included.
const LIMIT: u64 = 20 * MIB;
/// What it journals meanwhile, at least.
const JOURNALED: u64 = 200 * MIB;
/// What the hog takes, all of it in one piece.
const HOG: u64 = 100 * MIB;

/// A control group. It is removed with this.
struct Group(PathBuf);

impl Group {
    fn make(name: &str, limit: u64) -> io::Result<Group> {
        let group = Group(Path::new(GROUPS).join(format!("hydra-torture-{name}-{}", hydra_os::process::id())));
        fs::create_dir(&group.0)?;
        fs::write(group.0.join("memory.limit_in_bytes"), limit.to_string())?;
        Ok(group)
    }

    /// A command that joins the group and becomes the program that follows; the kernel kills it as readily as `score`
    /// says.
    fn command(&self, score: i32) -> Command {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                r#"echo $$ > "$0"; echo "$1" > /proc/self/oom_score_adj; shift; exec "$@""#,
            ])
            .arg(self.0.join("tasks"))
            .arg(score.to_string());
        command
    }

    fn peak(&self) -> io::Result<u64> {
        let text = fs::read_to_string(self.0.join("memory.max_usage_in_bytes"))?;
        text.trim().parse().map_err(io::Error::other)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Whoever was in it has been waited for; the kernel may take a moment longer.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// A process journals ten times what it may have in memory.
pub(super) fn little(turn: &mut Turn<'_>) -> io::Result<()> {
    let Some(group) = group(turn, "little", LIMIT) else {
        return Ok(());
    };
    let mut round = Round::begin(turn.exe, turn.seed)?;
    (round.spec.threads, round.spec.records, round.spec.end) = (4, 450_000, End::Shutdown);
    round.spec.files = Files::Plain;
    let mut life = Life::start_by(group.command(0).arg(turn.exe), &round.spec)?;
    round.spec.life += 1;
    match life.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        ended => round.trouble(format!("with {LIMIT} bytes of memory the victim ended with {ended:?}")),
    }
    let written = fs::metadata(round.dir().join(crate::spec::PLAIN))?.len();
    if written < JOURNALED {
        round.trouble(format!("only {written} bytes were logged"));
    }
    let peak = group.peak()?;
    turn.outcome.notes.push(format!(
        "{} MB logged with {} MiB at most",
        written / 1_000_000,
        peak / MIB
    ));
    round.recover()?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

/// A hog takes all memory, and the kernel kills the process that logs.
pub(super) fn killed(turn: &mut Turn<'_>) -> io::Result<()> {
    let Some(group) = group(turn, "killed", 2 * LIMIT) else {
        return Ok(());
    };
    let mut round = Round::begin(turn.exe, turn.seed)?;
    (round.spec.threads, round.spec.records, round.spec.end) = (4, 5_000, End::Park);
    let mut life = Life::start_by(group.command(1_000).arg(turn.exe), &round.spec)?;
    round.spec.life += 1;
    let hog = format!("head -c {HOG} /dev/zero | tail -c {HOG} | tail -c 1");
    let mut hogs = group
        .command(-500)
        .args(["sh", "-c", &hog])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let ended = life.end(HANGS_AFTER)?;
    hogs.kill()?;
    hogs.wait()?;
    match ended {
        Some(status) if status.code().is_none() => round.kills += 1,
        ended => round.trouble(format!("the victim was not killed for its memory: {ended:?}")),
    }
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

fn group(turn: &mut Turn<'_>, name: &str, limit: u64) -> Option<Group> {
    Group::make(name, limit)
        .inspect_err(|error| turn.outcome.skipped = Some(format!("no group may be made in {GROUPS}: {error}")))
        .ok()
}
