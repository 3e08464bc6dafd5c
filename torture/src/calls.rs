//! A victim whose system calls are counted, and at one of which it is killed or told an error.
//!
//! The count is one for all its threads together, from the moment it asks to be traced. A call that a victim is killed
//! at is not made; a call that is to fail is not made either, unless it is `close`.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill, raise};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::life::Life;
use crate::spec::Spec;

/// How often a victim that is busy in the kernel is looked at before the processor is given away between looks.
const LOOKS_BUSY: u32 = 100;
/// For how long it is given away.
const PAUSE: Duration = Duration::from_micros(20);

/// What is done to a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meddling {
    /// Its calls are counted.
    Count,
    /// It is killed instead of its call with this index, from 0.
    KillAt(u64),
    /// Its calls of one kind fail, from the one with this index on, so many of them.
    Fail {
        /// The kind.
        call: Call,
        /// The index of the first among those of its kind, from 0.
        from: u64,
        /// How many.
        times: u64,
        /// The error.
        error: Errno,
    },
}

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// All its calls.
    pub calls: u64,
    /// Those of each kind that can be told apart here.
    pub kinds: BTreeMap<Call, u64>,
    /// Whether anything was done to it.
    pub meddled: bool,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Whether it had to be killed because it did not end.
    pub hung: bool,
}

macro_rules! calls {
    ($($name:ident = $number:ident,)+) => {
        /// A kind of system call that a logger may see fail.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "they are the system's names")]
        pub enum Call { $($name,)+ }

        impl Call {
            fn of(number: u64) -> Option<Call> {
                match number as libc::c_long {
                    $(libc::$number => Some(Call::$name),)+
                    _ => None,
                }
            }
        }
    };
}

calls! {
    Openat = SYS_openat,
    Mkdir = SYS_mkdir,
    Fallocate = SYS_fallocate,
    Ftruncate = SYS_ftruncate,
    Mmap = SYS_mmap,
    Madvise = SYS_madvise,
    Msync = SYS_msync,
    Fsync = SYS_fsync,
    Fdatasync = SYS_fdatasync,
    Read = SYS_read,
    Pread = SYS_pread64,
    Write = SYS_write,
    Pwrite = SYS_pwrite64,
    Writev = SYS_writev,
    Lseek = SYS_lseek,
    Flock = SYS_flock,
    Statx = SYS_statx,
    Fstat = SYS_newfstatat,
    Getdents = SYS_getdents64,
    Rename = SYS_rename,
    Unlink = SYS_unlink,
    Rmdir = SYS_rmdir,
    Close = SYS_close,
    Clone = SYS_clone3,
}

/// In a victim: waits to be taken in hand by the process that started it.
///
/// # Errors
/// Whatever the system says.
pub fn be_traced() -> io::Result<()> {
    ptrace::traceme()?;
    Ok(raise(Signal::SIGSTOP)?)
}

/// Runs a victim to its end, or for as long as `patience`, and meddles with it.
///
/// # Errors
/// Whatever the system says.
pub fn run(exe: &Path, spec: &Spec, meddling: Meddling, patience: Duration) -> io::Result<Ended> {
    let spec = Spec {
        traced: true,
        ..spec.clone()
    };
    let life = Life::start(exe, &spec)?;
    let leader = Pid::from_raw(life.id() as i32);
    // From here on it is waited for here alone.
    life.disown();
    let mut tracer = Tracer {
        leader,
        meddling,
        inside: BTreeMap::new(),
        ended: Ended::default(),
    };
    let begun = Instant::now();
    let mut idle = 0;
    loop {
        match waitpid(
            None,
            Some(WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD | WaitPidFlag::WNOHANG),
        ) {
            Ok(WaitStatus::StillAlive) => {
                idle += 1;
                if idle > LOOKS_BUSY {
                    std::thread::sleep(PAUSE);
                }
                if begun.elapsed() > patience && !tracer.ended.hung {
                    tracer.ended.hung = true;
                    kill(leader, Signal::SIGKILL)?;
                }
            }
            Ok(status) => {
                idle = 0;
                if tracer.take(status)? {
                    return Ok(tracer.ended);
                }
            }
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

struct Tracer {
    leader: Pid,
    meddling: Meddling,
    /// The threads that are in a call, and what it is to return if not what the kernel says.
    inside: BTreeMap<Pid, Option<Errno>>,
    ended: Ended,
}

impl Tracer {
    /// Deals with what a thread has come to; says whether the process is at its end.
    fn take(&mut self, status: WaitStatus) -> io::Result<bool> {
        match status {
            WaitStatus::Exited(pid, code) if pid == self.leader => {
                self.ended.code = Some(code);
                return Ok(true);
            }
            WaitStatus::Signaled(pid, ..) if pid == self.leader => return Ok(true),
            WaitStatus::Exited(pid, _) | WaitStatus::Signaled(pid, ..) => _ = self.inside.remove(&pid),
            WaitStatus::PtraceSyscall(pid) => {
                match self.inside.remove(&pid) {
                    Some(error) => self.leave(pid, error)?,
                    None => self.enter(pid)?,
                }
                go_on(pid, None)?;
            }
            WaitStatus::PtraceEvent(pid, ..) => go_on(pid, None)?,
            WaitStatus::Stopped(pid, Signal::SIGSTOP) => {
                // The victim's own stop at its start, and the first one of each new thread.
                let options =
                    Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_EXITKILL;
                alive(ptrace::setoptions(pid, options))?;
                go_on(pid, None)?;
            }
            WaitStatus::Stopped(pid, signal) => go_on(pid, Some(signal))?,
            _ => {}
        }
        Ok(false)
    }

    fn enter(&mut self, pid: Pid) -> io::Result<()> {
        let index = self.ended.calls;
        self.ended.calls += 1;
        self.inside.insert(pid, None);
        if self.meddling == Meddling::KillAt(index) {
            self.ended.meddled = true;
            kill(self.leader, Signal::SIGKILL)?;
            return Ok(());
        }
        if let Meddling::KillAt(_) = self.meddling {
            return Ok(());
        }
        let mut registers = match ptrace::getregs(pid) {
            Err(Errno::ESRCH) => return Ok(()),
            other => other?,
        };
        let Some(kind) = Call::of(registers.orig_rax) else {
            return Ok(());
        };
        // Memory of no file, and the standard streams, are not what this is about.
        let descriptor = registers.r8 as i32;
        let about_us = match kind {
            Call::Mmap => descriptor >= 0,
            Call::Write | Call::Writev | Call::Read | Call::Close => registers.rdi > 2,
            _ => true,
        };
        if !about_us {
            return Ok(());
        }
        let seen = self.ended.kinds.entry(kind).or_default();
        let nth = *seen;
        *seen += 1;
        if let Meddling::Fail {
            call,
            from,
            times,
            error,
        } = self.meddling
            && call == kind
            && (from..from + times).contains(&nth)
        {
            // A descriptor is closed whatever `close` says; any other call that fails has done nothing.
            if kind != Call::Close {
                // No such call: the kernel does nothing.
                registers.orig_rax = u64::MAX;
                alive(ptrace::setregs(pid, registers))?;
            }
            self.inside.insert(pid, Some(error));
            self.ended.meddled = true;
        }
        Ok(())
    }

    fn leave(&mut self, pid: Pid, error: Option<Errno>) -> io::Result<()> {
        let Some(error) = error else {
            return Ok(());
        };
        match ptrace::getregs(pid) {
            Ok(mut registers) => {
                registers.rax = (-i64::from(error as i32)) as u64;
                alive(ptrace::setregs(pid, registers))
            }
            Err(Errno::ESRCH) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn go_on(pid: Pid, signal: Option<Signal>) -> io::Result<()> {
    alive(ptrace::syscall(pid, signal))
}

/// A thread may be gone at any moment, with its process.
fn alive(result: nix::Result<()>) -> io::Result<()> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        other => Ok(other?),
    }
}
