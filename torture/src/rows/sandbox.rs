//! Processes that are started with less than usual: without standard descriptors, without some system calls.

use std::fs;
use std::io;
use std::process::Command;
use std::time::Duration;

use super::Turn;
use crate::load::Load;
use crate::tools::{self, children, command};

/// How long a victim logs, at most.
const LOGS_FOR: Duration = Duration::from_millis(200);
/// What a sandbox, an old kernel or a file system may refuse, and how.
const REFUSED: [(&str, &str); 11] = [
    ("fallocate", "ENOSYS"),
    ("fallocate", "EOPNOTSUPP"),
    ("fallocate", "EPERM"),
    ("madvise", "ENOSYS"),
    ("madvise", "EPERM"),
    ("statx", "EPERM"),
    ("ioctl", "EPERM"),
    ("getrandom", "ENOSYS"),
    ("fstatfs,statfs", "EPERM"),
    ("prlimit64,getrlimit", "EPERM"),
    ("sched_setaffinity,sched_getaffinity,prctl", "EPERM"),
];

/// A process is started with its standard descriptors closed: none of our files lands on one of them.
pub(super) fn standard_descriptors(turn: &mut Turn<'_>) -> io::Result<()> {
    let round = Load::round(turn)?;
    let mut closed = Command::new("sh");
    closed
        .args(["-c", r#"exec "$@" 0<&- 1>&- 2>&-"#, "sh"])
        .arg(round.exe());
    let mut load = Load::start_by(round, &mut closed)?;
    load.wait(LOGS_FOR);
    for descriptor in 0..3 {
        let leads_to = fs::read_link(format!("/proc/{}/fd/{descriptor}", load.life.id())).unwrap_or_default();
        if leads_to.starts_with(load.round.dir()) {
            let what = format!("descriptor {descriptor} is {}", leads_to.display());
            load.round.trouble(what);
        }
    }
    load.finish(turn)
}

/// A system call that the library would like is refused from the start: it takes the next way, and loses nothing; a
/// kill in the middle is survived as ever.
pub(super) fn refused_calls(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let (calls, error) = round.random.pick(&REFUSED);
    let refused = format!("inject={calls}:error={error}");
    let mut victim = command("strace");
    victim.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e"]);
    victim
        .arg(format!("trace={calls}"))
        .args(["-e", &refused])
        .arg(round.exe());
    let mut load = match Load::start_by(round, &mut victim) {
        Ok(load) => load,
        Err(error) => return Err(io::Error::other(format!("{refused}: {error}"))),
    };
    load.wait(LOGS_FOR);
    if load.round.random.below(2) == 0 {
        load.must_go_on(500, &refused)?;
        load.end()?;
    } else {
        children(load.life.id())
            .into_iter()
            .try_for_each(|victim| tools::signal(victim, "-KILL"))?;
        load.life.end(LOGS_FOR * 10)?;
        turn.outcome.kills += 1;
        load.round.spec.heeds = false;
        load.round.recover()?;
    }
    let mut found = load.round.finish()?;
    if !found.is_right() {
        found.troubles.push(refused);
    }
    turn.outcome.found.add(found);
    Ok(())
}

/// Writing to a destination's file fails now and then: the file is mended or put aside, and nothing is lost or torn.
pub(super) fn failing_writes(turn: &mut Turn<'_>) -> io::Result<()> {
    let mut round = Load::round(turn)?;
    let error = round.random.pick(&["EIO", "ENOSPC", "EDQUOT", "EINTR"]);
    // Not every time: then nothing would ever be written, and the records wait in the journal.
    let (first, every) = (1 + round.random.below(20), 2 + round.random.below(20));
    let inject = format!("inject=write,pwrite64,writev:error={error}:when={first}+{every}");
    let mut victim = command("strace");
    victim.args(["-f", "-qq", "-o", "/dev/null", "-P"]);
    victim.arg(round.dir().join(round.random.clone().pick(round.spec.file_names())));
    victim
        .args(["-e", "trace=write,pwrite64,writev", "-e", &inject])
        .arg(round.exe());
    let mut load = Load::start_by(round, &mut victim)?;
    load.wait(LOGS_FOR);
    load.must_go_on(1_000, &inject)?;
    load.end()?;
    let mut found = load.round.finish()?;
    if !found.is_right() {
        found.troubles.push(inject);
    }
    turn.outcome.found.add(found);
    Ok(())
}
