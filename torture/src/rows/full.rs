//! A disk that is full for a while: a small tmpfs in a namespace of the victim's own.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::Turn;
use crate::life::{HANGS_AFTER, Life};
use crate::round::Round;
use crate::spec::{End, JOURNAL, JSON, PLAIN};
use crate::tape::Tape;

/// How often the tape is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// No record is accepted for so long: the victim waits for room.
const STANDS_FOR: Duration = Duration::from_millis(300);

/// The destinations' disk is full: records are accepted all the same; once there is room they all arrive.
pub(super) fn destination(turn: &mut Turn<'_>) -> io::Result<()> {
    run(turn, "files", 40_000)
}

/// The journal's disk is full: callers wait; once there is room they go on.
pub(super) fn journal(turn: &mut Turn<'_>) -> io::Result<()> {
    run(turn, JOURNAL, 40_000)
}

fn run(turn: &mut Turn<'_>, what: &str, records: u64) -> io::Result<()> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    let small = round.dir().join("small");
    fs::create_dir(&small)?;
    if !may_mount(&small)? {
        turn.outcome.skipped = Some("`unshare -Urm` is not permitted here".to_owned());
        return Ok(());
    }
    (round.spec.threads, round.spec.records, round.spec.end) = (2, records, End::Shutdown);
    (round.spec.segment, round.spec.quota) = (256 << 10, 64 << 20);
    let mut command = Command::new("unshare");
    command
        .args(["-Urm", "sh", "-c", SCRIPT, "sh", "2m"])
        .arg(&small)
        .arg(what)
        .arg(round.dir())
        .arg(turn.exe);
    let mut life = Life::start_by(&mut command, &round.spec)?;
    round.spec.life += 1;
    wait_until_it_stands(&round, &mut life)?;
    fs::write(round.dir().join("room"), "")?;
    match life.end(HANGS_AFTER)? {
        Some(status) if status.success() => {}
        Some(status) => round.trouble(format!("the victim ended with {status}")),
        None => round.trouble("the victim hangs though there is room"),
    }
    for name in [PLAIN, JSON] {
        if !round.dir().join(name).is_file() {
            round.trouble(format!("{name} is missing"));
        }
    }
    turn.outcome.found.add(round.finish()?);
    Ok(())
}

fn may_mount(dir: &Path) -> io::Result<bool> {
    let tried = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "tmpfs"])
        .arg(dir)
        .output();
    match tried {
        Ok(output) => Ok(output.status.success()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Waits until the victim has accepted something and then nothing more for a while, or has ended.
pub(super) fn wait_until_it_stands(round: &Round, life: &mut Life) -> io::Result<()> {
    let tape = Tape::open(&round.dir().join(crate::spec::TAPE))?;
    let (mut last, mut since) = (0, Instant::now());
    let until = Instant::now() + HANGS_AFTER;
    while Instant::now() < until && life.end(LOOK)?.is_none() {
        let accepted: u64 = tape.read().iter().map(|noted| noted.accepted).sum();
        if accepted > last {
            (last, since) = (accepted, Instant::now());
        } else if accepted > 0 && since.elapsed() > STANDS_FOR {
            break;
        }
    }
    Ok(())
}

/// Waits until the victim has accepted something, or has ended.
pub(super) fn wait_until_it_logs(round: &Round, life: &mut Life) -> io::Result<()> {
    let tape = Tape::open(&round.dir().join(crate::spec::TAPE))?;
    let until = Instant::now() + HANGS_AFTER;
    let has_logged = || tape.read().iter().any(|noted| noted.accepted > 0);
    while Instant::now() < until && !has_logged() && life.end(LOOK)?.is_none() {}
    Ok(())
}

/// Arguments: the size, where to mount, what lies there (`files` or `journal`), the round's directory, the victim's
/// command. The tmpfs exists in the namespace alone: the script makes it, makes room in it when told to, and saves
/// the files.
const SCRIPT: &str = r#"
    set -e
    size=$1 small=$2 what=$3 dir=$4
    shift 4
    mount -t tmpfs -o size="$size" tmpfs "$small"
    mkdir "$small/$what"
    if [ "$what" = journal ]; then
        ln -s "$small/journal" "$dir/journal"
    else
        for file in plain.log records.jsonl; do ln -s "$small/files/$file" "$dir/$file"; done
    fi
    (
        while [ ! -e "$dir/room" ]; do sleep 0.01; done
        mount -o remount,size=256m "$small"
    ) &
    status=0
    "$@" || status=$?
    wait
    for file in plain.log records.jsonl; do
        if [ -L "$dir/$file" ]; then
            cp "$small/files/$file" "$dir/copy"
            mv "$dir/copy" "$dir/$file"
        fi
    done
    exit $status
"#;
