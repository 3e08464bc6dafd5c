//! Rights that are taken away from a running process, and given back.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::Turn;
use crate::life::{self, HANGS_AFTER, Life};
use crate::load::Load;
use crate::round::Round;
use crate::spec::{JOURNAL, JSON, PLAIN};
use crate::tools::{command, run, word};

/// Nobody in particular.
const NOBODY: &str = "65534";
/// How long the rights are gone, at most, and how long they are there.
const LASTS_FOR: Duration = Duration::from_millis(120);

const KIB: u64 = 1 << 10;

/// Rights that are taken, and how: `chmod`, `chown` or `chattr`, a word to take and a word to give back, and from what.
const TAKEN: [(&str, &str, &str, &str); 9] = [
    ("chmod", "000", "644", PLAIN),
    ("chmod", "000", "755", JOURNAL),
    ("chmod", "000", "755", ""),
    ("chmod", "555", "755", ""),
    ("chown", "0:0", "65534:65534", PLAIN),
    ("chown", "0:0", "65534:65534", ""),
    ("chattr", "+i", "-i", PLAIN),
    ("chattr", "+a", "-a", JSON),
    ("chattr", "+i", "-i", JOURNAL),
];

/// A plain user's process loses its rights to its files, to its journal or to their directory, again and again: what it
/// has open goes on, what it cannot open is waited for, and nothing is lost.
pub(super) fn run_row(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    round.spec.rotate = round.random.pick(&[0, 200 * KIB]);
    round.spec.bears = true;
    let mut victim = nobody(&round)?;
    let mut load = Load::start_by(round, &mut victim)?;
    for _ in 0..4 {
        load.wait(LASTS_FOR);
        let (program, take, give, from) = load.round.random.pick(&TAKEN);
        let path = real(&load.round.dir().join(from))?;
        run(program, [take, word(&path)])?;
        let mut taken = Taken {
            program,
            give,
            path: Some(path),
        };
        load.wait(LASTS_FOR);
        taken.give_back()?;
        load.must_go_on(500, "though it has its rights again")?;
        let when = format!("after `{program} {take} {from}` was taken back");
        load.must_sync_again(&when)?;
    }
    load.finish(turn)
}

/// Rights to be given back, whatever happens: else the round's directory could not even be removed.
struct Taken {
    program: &'static str,
    give: &'static str,
    path: Option<PathBuf>,
}

impl Taken {
    fn give_back(&mut self) -> io::Result<()> {
        match self.path.take() {
            Some(path) => run(self.program, [self.give, word(&path)]).map(drop),
            None => Ok(()),
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let _ = self.give_back();
    }
}

/// A file that is being rotated has no name for a moment: then its directory is meant.
fn real(path: &Path) -> io::Result<PathBuf> {
    let parent = || path.parent().map(Path::to_owned);
    if path.exists() {
        return Ok(path.to_owned());
    }
    parent().ok_or_else(|| io::Error::other("there is no directory"))
}

/// The command of a victim that is nobody's, in a directory that is nobody's.
fn nobody(round: &Round) -> io::Result<Command> {
    run("chown", ["-R", "65534:65534", word(round.dir())])?;
    // The program may lie where only root may look.
    let exe = round.dir().join("victim");
    fs::copy(round.exe(), &exe)?;
    run("chmod", ["755", word(&exe)])?;
    let mut victim = command("setpriv");
    victim
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
        .arg(exe);
    Ok(victim)
}

/// A process starts as root and its successor as nobody, which may not write to root's files: it says so, and names the
/// file; nothing of what root's process left is lost, and once the successor may, everything arrives.
pub(super) fn dropped(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut root = Load::start(Load::round(turn)?)?;
    root.wait(LASTS_FOR);
    let mut round = root.kill(turn)?;
    let mut victim = nobody(&round)?;
    let from = round.random.pick(&[PLAIN, JSON, JOURNAL]);
    let path = round.dir().join(from);
    run("chown", ["-R", "0:0", word(&path)])?;
    run("chmod", ["-R", "go-rwx", word(&path)])?;
    (round.spec.heeds, round.spec.records) = (false, 10);
    let ended = Life::start_by(&mut victim, &round.spec)?.end(HANGS_AFTER)?;
    round.spec.life += 1;
    let said = life::said(round.dir());
    if ended.is_none_or(|status| status.success()) || !said.contains(from) || !said.contains("Permission denied") {
        round.trouble(format!(
            "it does not say that it may not write to {from}: {said:?}, {ended:?}"
        ));
    }
    run("chown", ["-R", "65534:65534", word(round.dir())])?;
    round.spec.heeds = false;
    round.recover()?;
    // What was said was asked for.
    fs::remove_file(round.dir().join("stderr"))?;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
