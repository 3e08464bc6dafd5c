//! SIGKILL at every system call of a process, and errors from each kind of them.
//!
//! The process starts over what a dead one left, logs through many small segments that are recycled, rotates its files
//! and shuts down: recovery, roll, reclaim, cursors and sinks all make their calls in it.

use std::io;
use std::time::Duration;

use nix::errno::Errno;

use super::Turn;
use crate::calls::{self, Call, Ended, Meddling};
use crate::life::HANGS_AFTER;
use crate::pipe::Pipe;
use crate::round::Round;
use crate::spec::{End, Files, JSON, PLAIN, Spec};

const KIB: u64 = 1 << 10;
/// What the dead process has left, in records.
const LEFT: u64 = 200;
/// What the process in hand logs, in records a thread.
const RECORDS: u64 = 300;
/// A process in hand that takes longer than this hangs.
const PATIENCE: Duration = HANGS_AFTER;

/// Kills at each call, or at an even choice of as many as the row may.
pub(super) fn kill(turn: &mut Turn<'_>) -> io::Result<()> {
    let Some(whole) = count(turn, &[PLAIN])? else {
        return Ok(());
    };
    let stride = if turn.exhaustive {
        1
    } else {
        whole.calls.div_ceil(turn.kills.max(1)).max(1)
    };
    // How many calls there are differs a little from run to run: the last few are tried in any case.
    for at in (turn.seed % stride..whole.calls + whole.calls / 8).step_by(stride as usize) {
        let mut round = orphan(turn, &[PLAIN])?;
        let ended = calls::run(turn.exe, &round.spec, Meddling::KillAt(at), PATIENCE)?;
        round.spec.life += 1;
        round.kills += u64::from(ended.meddled);
        if ended.hung || !(ended.meddled || ended.code == Some(0)) {
            round.trouble(format!("to be killed at call {at}: {ended:?}"));
        }
        recover(turn, round)?;
        if !turn.outcome.found.is_right() {
            turn.outcome
                .notes
                .push(format!("killed at call {at} of {}", whole.calls));
            break;
        }
    }
    turn.outcome
        .notes
        .push(format!("{} calls, every {stride}th", whole.calls));
    Ok(())
}

/// The files that a process in the middle of whose calls errors are made finds empty: what one that died in a write
/// has left torn is mended by who can read its journal, and some errors forbid just that.
pub(super) const ALL: &[&str] = &[PLAIN, JSON];
/// What each kind of call may fail with.
const ERRORS: &[(Call, &[Errno])] = &[
    (
        Call::Openat,
        &[Errno::EMFILE, Errno::EINTR, Errno::ENOSPC, Errno::EIO, Errno::EACCES],
    ),
    (Call::Mkdir, &[Errno::ENOSPC, Errno::EIO]),
    (
        Call::Fallocate,
        &[Errno::ENOSPC, Errno::EINTR, Errno::EIO, Errno::EOPNOTSUPP],
    ),
    (Call::Ftruncate, &[Errno::ENOSPC, Errno::EINTR, Errno::EIO]),
    (Call::Mmap, &[Errno::ENOMEM]),
    (Call::Madvise, &[Errno::EINVAL, Errno::EIO, Errno::ENOMEM]),
    (Call::Msync, &[Errno::EIO]),
    (Call::Fsync, &[Errno::EIO, Errno::ENOSPC]),
    (Call::Fdatasync, &[Errno::EIO, Errno::ENOSPC]),
    (Call::Read, &[Errno::EIO, Errno::EINTR]),
    (Call::Pread, &[Errno::EIO, Errno::EINTR]),
    (Call::Write, &[Errno::ENOSPC, Errno::EIO, Errno::EINTR, Errno::EFBIG]),
    (Call::Pwrite, &[Errno::ENOSPC, Errno::EIO, Errno::EINTR]),
    (Call::Writev, &[Errno::ENOSPC, Errno::EIO, Errno::EINTR]),
    (Call::Lseek, &[Errno::EIO]),
    (Call::Flock, &[Errno::EINTR, Errno::ENOLCK, Errno::EWOULDBLOCK]),
    (Call::Statx, &[Errno::EIO, Errno::ENOMEM]),
    (Call::Fstat, &[Errno::EIO]),
    (Call::Getdents, &[Errno::EIO]),
    (Call::Rename, &[Errno::ENOSPC, Errno::EIO]),
    (Call::Unlink, &[Errno::EIO, Errno::EACCES]),
    (Call::Rmdir, &[Errno::EIO, Errno::ENOTEMPTY]),
    // The standard library itself panics when a directory cannot be closed with any other error.
    (Call::Close, &[Errno::EINTR]),
    (Call::Clone, &[Errno::EAGAIN]),
];

/// Has each kind of call fail with each of its errors: once at each place, and from there on for a while.
///
/// The process may end with an error that it tells; it does not crash or hang, and what was accepted is in the files
/// after its shutdown, or after the next start.
pub(super) fn fail(turn: &mut Turn<'_>) -> io::Result<()> {
    let Some(whole) = count(turn, ALL)? else {
        return Ok(());
    };
    let mut faults = Vec::new();
    for (call, errors) in ERRORS {
        let seen = whole.kinds.get(call).copied().unwrap_or_default();
        for error in *errors {
            for times in [1, 5] {
                faults.extend((0..seen).map(|from| (*call, *error, from, times)));
            }
        }
    }
    let stride = if turn.exhaustive {
        1
    } else {
        faults.len().div_ceil(turn.kills.max(1) as usize).max(1)
    };
    let (mut told, mut made) = (0, 0);
    for (call, error, from, times) in faults.iter().skip(turn.seed as usize % stride).step_by(stride) {
        let mut round = orphan(turn, ALL)?;
        round.may_complain = true;
        round.may_double = true;
        let meddling = Meddling::Fail {
            call: *call,
            from: *from,
            times: *times,
            error: *error,
        };
        let ended = calls::run(turn.exe, &round.spec, meddling, PATIENCE)?;
        round.spec.life += 1;
        made += u64::from(ended.meddled);
        told += u64::from(ended.code != Some(0));
        if ended.hung || ended.code.is_none() {
            round.trouble(format!("{meddling:?}: {ended:?}"));
        }
        recover(turn, round)?;
        if !turn.outcome.found.is_right() {
            turn.outcome.notes.push(format!("{meddling:?}"));
            break;
        }
    }
    let what = format!(
        "{} places for an error, every {stride}th: {made} errors made, {told} ended the process with a message",
        faults.len()
    );
    turn.outcome.notes.push(what);
    Ok(())
}

/// Runs the process without meddling; nothing if it cannot be traced here.
fn count(turn: &mut Turn<'_>, blocked: &[&str]) -> io::Result<Option<Ended>> {
    let mut round = orphan(turn, blocked)?;
    let ended = match calls::run(turn.exe, &round.spec, Meddling::Count, PATIENCE) {
        Err(error) => {
            turn.outcome.skipped = Some(format!("a process cannot be traced here: {error}"));
            return Ok(None);
        }
        Ok(ended) => ended,
    };
    round.spec.life += 1;
    if ended.code != Some(0) {
        round.trouble(format!("a process nobody meddled with: {ended:?}"));
    }
    recover(turn, round)?;
    Ok(Some(ended))
}

/// A round with a dead process's journal, of which those files have had nothing, and the next process told what to do.
pub(super) fn orphan(turn: &Turn<'_>, blocked: &[&str]) -> io::Result<Round> {
    let mut round = Round::begin(turn.exe, turn.seed)?;
    let pipes = blocked.iter().map(|name| Pipe::make_full(&round.dir().join(name)));
    let pipes = pipes.collect::<io::Result<Vec<_>>>()?;
    round.spec = Spec {
        records: LEFT,
        segment: 64 * KIB,
        quota: 512 * KIB,
        rotate: 40 * KIB,
        files: Files::Both,
        end: End::Kill,
        ..round.spec.clone()
    };
    if round.live()?.end(HANGS_AFTER)?.is_none() {
        round.trouble("the process that is to leave something hangs");
    }
    pipes.iter().try_for_each(Pipe::remove)?;
    (round.spec.records, round.spec.threads, round.spec.errors) = (RECORDS, 2, 50);
    round.spec.end = End::Shutdown;
    Ok(round)
}

fn recover(turn: &mut Turn<'_>, mut round: Round) -> io::Result<()> {
    round.recover()?;
    turn.outcome.kills += round.kills;
    turn.outcome.found.add(round.finish()?);
    Ok(())
}
