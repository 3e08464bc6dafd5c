//! The rows: one fault each.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use crate::args::Args;
use crate::faults;
use crate::ledger;
use crate::random::Random;
use crate::round;
use crate::table::{self, Outcome, Verdicts};
use crate::tools;

mod backlog;
mod bytes;
mod chaos;
mod clone;
mod corrupt;
mod device;
mod ends;
mod full;
mod gone;
mod guests;
mod instruction;
mod kill;
mod large;
mod limits;
mod memory;
mod moved;
mod orphans;
mod overlay;
mod overload;
mod permissions;
mod power;
mod remote;
mod sandbox;
mod signal;
mod slow;
mod space;
mod stalled;
mod starts;
mod starved;
mod stuck;
mod syscall;
pub mod versions;

/// One fault and how it is made.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What `--row` calls it.
    pub name: &'static str,
    /// The fault.
    pub fault: &'static str,
    /// How often it is run.
    pub turns: Turns,
    /// Programs that it borrows from the system.
    programs: &'static [&'static str],
    needs_root: bool,
    run: Run,
}

impl Row {
    const fn with(self, programs: &'static [&'static str]) -> Row {
        Row { programs, ..self }
    }

    const fn as_root(self, programs: &'static [&'static str]) -> Row {
        Row {
            programs,
            needs_root: true,
            ..self
        }
    }
}

/// How often a row is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Until it has had its share of `--kills`.
    UntilKilled,
    /// A few times.
    AFew,
    /// Once: it makes its share of `--kills`, or all there can be, by itself.
    Once,
}

/// A row's turn: what a row works with.
#[derive(Debug)]
pub struct Turn<'t> {
    /// This program.
    pub exe: &'t Path,
    /// The seed of the round.
    pub seed: u64,
    /// The row's share of `--kills`.
    pub kills: u64,
    /// Whether nothing may be left out.
    pub exhaustive: bool,
    /// Adds up.
    pub outcome: &'t mut Outcome,
}

/// All rows, in the order of the table.
pub const ALL: &[Row] = &[
    kills("kill-1", "SIGKILL, 1 thread", |turn| kill::run(turn, &[1], kill::plain)),
    kills("kill-4", "SIGKILL, 4 threads", |turn| {
        kill::run(turn, &[4], kill::plain)
    }),
    kills("kill-32", "SIGKILL, 32 threads", |turn| {
        kill::run(turn, &[32], kill::plain)
    }),
    kills("kill-async", "SIGKILL, async handle", |turn| {
        kill::run(turn, &[1, 4, 32], kill::asynchronous)
    }),
    kills("kill-synced", "SIGKILL, errors synced", |turn| {
        kill::run(turn, &[1, 4, 32], kill::synced)
    }),
    kills("kill-recycle", "SIGKILL, small journal, segments recycled", |turn| {
        kill::run(turn, &[1, 4, 32], kill::small)
    }),
    kills("kill-rotate", "SIGKILL, files rotated by size", |turn| {
        kill::run(turn, &[1, 4, 32], kill::rotating)
    }),
    kills(
        "kill-recovery",
        "SIGKILL of the recovery, again and again",
        orphans::recovery_is_killed,
    ),
    once(
        "every-instruction",
        "SIGKILL at every instruction of a call",
        instruction::run,
    ),
    once("every-syscall", "SIGKILL at every system call of a life", syscall::kill),
    once(
        "every-error",
        "each kind of system call fails, once and often",
        syscall::fail,
    ),
    once("every-allocation", "an allocation fails, each in turn", starved::run),
    once("exit-ways", "every way a process ends", ends::run),
    once("oom-little", "200 MB journaled with 20 MiB of memory", memory::little),
    once("oom-killed", "killed for another's memory", memory::killed),
    once("threads-churn", "10,000 threads, one after another", guests::churn),
    once("threads-crowd", "10,000 threads at once", guests::crowd),
    once("signal", "a signal at every instruction; its handler logs", signal::run),
    once("stalled", "a thread stands still within a call", stalled::run),
    other("signal-drain", "SIGTERM and SIGINT drain first", signal::drains),
    once("display", "texts that panic, log, wait or lie", guests::display),
    once("clock", "the wall clock jumps", guests::clock).with(&["faketime"]),
    once("big", "records at every limit of their size", large::run),
    other("adoption-race", "8 processes adopt at once", orphans::adoption_race),
    other("fork", "fork under load; children log, too", orphans::forked),
    other("blocked", "a destination blocks, then is read", stuck::run),
    other("corrupt", "bits of a dead journal flipped", corrupt::run),
    once("every-byte", "a dead journal damaged at every place", bytes::run),
    other(
        "full-file",
        "disk of the destinations full, then freed",
        full::destination,
    ),
    other("full-journal", "disk of the journal full, then freed", full::journal),
    other("file-size", "RLIMIT_FSIZE reached, then raised", limits::file_size).with(&["prlimit"]),
    other(
        "descriptors",
        "no descriptor to be had for a while",
        limits::descriptors,
    )
    .with(&["prlimit"]),
    other("stopped", "SIGSTOP and SIGCONT under load", limits::stopped).with(&["kill"]),
    other(
        "destination-error",
        "writes to a file fail now and then",
        sandbox::failing_writes,
    )
    .with(&["strace"]),
    other("inodes", "no inode to be had for a while", space::inodes).as_root(&["mkfs.ext4", "mount", "umount"]),
    other("quota", "disk quota reached, then raised", space::quota).as_root(&[
        "mkfs.btrfs",
        "btrfs",
        "mount",
        "umount",
    ]),
    other("readonly", "the journal's disk turns read-only", space::read_only).as_root(&[
        "mkfs.ext4",
        "mount",
        "umount",
        "findmnt",
    ]),
    other(
        "address-space",
        "no memory to be mapped for a while",
        space::address_space,
    )
    .with(&["prlimit"]),
    other("frozen", "a disk hangs", slow::frozen).as_root(&["mkfs.ext4", "mount", "umount", "fsfreeze"]),
    other("slow-disk", "a disk takes 1 MiB a second", slow::slow).as_root(&["mkfs.ext4", "mount", "umount", "findmnt"]),
    other(
        "remote-files",
        "the files' server goes stale, fails, hangs",
        remote::files,
    )
    .as_root(&["umount"]),
    other("remote-journal", "journal and files on FUSE; killed", remote::journal).as_root(&["umount"]),
    other("overlay", "journal and files on layers; killed", overlay::run_row).as_root(&["mount", "umount"]),
    other("journal-gone", "journal removed or moved under load", gone::lives_on),
    other("journal-made-again", "... then killed", gone::made_again),
    other("segment-cut", "segments of a living process emptied", gone::segment_cut),
    other("parts-lost", "head, cursors or lock lost or damaged", gone::parts),
    other("clone", "journal of a living process copied", clone::files),
    other("clone-volume", "the volume under it cloned", clone::volume).as_root(&[
        "mkfs.ext4",
        "mount",
        "umount",
        "findmnt",
        "fsfreeze",
        "kill",
    ]),
    other("permissions", "rights taken away and given back", permissions::run_row)
        .as_root(&["setpriv", "chattr", "chown", "chmod"]),
    other("privileges", "successor with fewer rights", permissions::dropped).as_root(&["setpriv", "chown", "chmod"]),
    other(
        "standard-descriptors",
        "started without standard descriptors",
        sandbox::standard_descriptors,
    ),
    other("sandbox", "system calls refused from the start", sandbox::refused_calls).with(&["strace", "kill"]),
    kills(
        "power-cut",
        "power cut: pages old or new since their sync",
        power::pages,
    )
    .with(&["strace", "kill"]),
    kills(
        "sync-error",
        "syncs fail, later ones do not, power cut",
        power::after_failed_syncs,
    )
    .with(&["strace", "kill"]),
    other(
        "power-cut-disk",
        "a file system shut down, mounted again",
        power::file_system,
    )
    .as_root(&["mkfs.ext4", "mount", "umount", "xfs_io"]),
    other("device-error", "a device fails, then works", device::fails).as_root(device::PROGRAMS),
    other(
        "device-error-told",
        "... and somebody else is told of it",
        device::tells_another,
    )
    .as_root(device::PROGRAMS),
    other(
        "two-starts",
        "several processes start at once, some die",
        starts::together,
    ),
    other("beside", "processes come and go beside another", starts::beside),
    other("versions", "this version and a later one take turns", versions::run_row),
    other(
        "containers",
        "processes that are all number 1; some die",
        starts::containers,
    )
    .with(&["unshare", "kill"]),
    other("bare", "no home, a read-only root", starts::bare).with(&["unshare"]),
    other("overload", "64 threads without a pause", overload::run_row),
    once("backlog", "a large backlog", backlog::run),
    other("logrotate", "files renamed under load", moved::renamed),
    other("logrotate-create", "files rotated by logrotate", moved::by_logrotate).with(&["logrotate"]),
    other(
        "logrotate-copy",
        "files copied and emptied by logrotate",
        moved::copied_and_emptied,
    )
    .with(&["logrotate"]),
    other("chaos", "everything at once", chaos::run_row).with(&["prlimit", "kill"]),
    other(
        "chaos-left",
        "... and who is refused a record leaves",
        chaos::run_unbearing,
    )
    .with(&["prlimit", "kill"]),
];

/// How often a row is run that does not kill at random.
const RUNS: u64 = 5;

type Run = fn(&mut Turn<'_>) -> io::Result<()>;

const fn row(name: &'static str, fault: &'static str, turns: Turns, run: Run) -> Row {
    Row {
        name,
        fault,
        turns,
        programs: &[],
        needs_root: false,
        run,
    }
}

const fn kills(name: &'static str, fault: &'static str, run: Run) -> Row {
    row(name, fault, Turns::UntilKilled, run)
}

const fn other(name: &'static str, fault: &'static str, run: Run) -> Row {
    row(name, fault, Turns::AFew, run)
}

const fn once(name: &'static str, fault: &'static str, run: Run) -> Row {
    row(name, fault, Turns::Once, run)
}

/// Runs what `args` asks for, `exe` being this program, and prints the table. Says whether every row held.
pub fn run(args: &Args, exe: &Path, out: &mut dyn Write) -> bool {
    let asked: Vec<&Row> = ALL
        .iter()
        .filter(|row| args.rows.is_empty() || args.rows.iter().any(|name| name == row.name))
        .collect();
    let unknown = args
        .rows
        .iter()
        .find(|name| !ALL.iter().any(|row| row.name == name.as_str()));
    if let Some(name) = unknown {
        let _ = writeln!(out, "there is no row `{name}`; `--list` names them");
        return false;
    }
    if args.packages {
        let missing = tools::packages(asked.iter().flat_map(|row| row.programs.iter().copied()));
        return missing
            .iter()
            .try_for_each(|package| writeln!(out, "{package}"))
            .is_ok();
    }
    let sharers = asked.iter().filter(|row| row.turns != Turns::AFew).count().max(1) as u64;
    let mut told = writeln!(out, "seed {}", args.seed).and_then(|()| table::head(out));
    let mut verdicts = Verdicts::default();
    for row in &asked {
        let begun = Instant::now();
        let outcome = run_row(row, args, exe, args.kills.div_ceil(sharers), asked.len());
        verdicts.add(row.name, &outcome);
        told = told.and_then(|()| table::row(out, row.fault, &outcome, begun.elapsed()));
        if let Some(path) = &args.ledger {
            told = told.and_then(|()| ledger::add(path, args.seed, row.name, &outcome));
        }
    }
    if let Some(path) = &args.ledger {
        told = told.and_then(|()| ledger::sum(path, out));
    }
    if args.rows.is_empty() {
        told = told.and_then(|()| faults::tell(out, &verdicts.not_held()));
    }
    told = told.and_then(|()| verdicts.tell(out));
    // A table nobody could read proves nothing.
    verdicts.are_right() && told.is_ok()
}

fn run_row(row: &Row, args: &Args, exe: &Path, kills: u64, rows: usize) -> Outcome {
    let mut outcome = Outcome {
        skipped: tools::missing(row.programs, row.needs_root),
        ..Outcome::default()
    };
    let time = args.time.map(|time| time / rows as u32);
    let begun = Instant::now();
    for round in 0.. {
        let more = match (time, row.turns) {
            (Some(time), _) => begun.elapsed() < time,
            (None, Turns::UntilKilled) => outcome.kills < kills,
            (None, Turns::AFew) => outcome.runs < RUNS,
            (None, Turns::Once) => outcome.runs < 1,
        };
        if !more || outcome.skipped.is_some() || !outcome.found.troubles.is_empty() {
            break;
        }
        // The first round has the seed itself, so that a failing one is found again by `--seed`.
        let seed = if round == 0 {
            args.seed
        } else {
            Random::of(&[args.seed, round]).next()
        };
        let mut turn = Turn {
            exe,
            seed,
            kills,
            exhaustive: args.exhaustive,
            outcome: &mut outcome,
        };
        if let Err(error) = (row.run)(&mut turn) {
            outcome
                .found
                .troubles
                .push(format!("seed {seed}: the harness itself: {error}"));
        }
        round::sweep();
        outcome.runs += 1;
    }
    if outcome.found.accepted == 0 && outcome.skipped.is_none() {
        outcome
            .found
            .troubles
            .push("no record was accepted in any run: nothing is proved".to_owned());
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever program a row borrows, the package that has it is known: the command installs it, or names it.
    #[test]
    fn packages_are_known() {
        for row in ALL {
            for program in row.programs {
                assert!(tools::package_of(program).is_some(), "{}: {program}", row.name);
            }
        }
    }
}
