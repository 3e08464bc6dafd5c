//! Threads of a victim in hand: stopped, let run, and stepped instruction by instruction.
//!
//! The machine's single step ends after one instruction, or after one whole system call; an instruction that repeats
//! itself (`rep movsb`) ends after each repetition.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, io};

use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// How often a step is looked at before the processor is given away between looks.
const LOOKS_BUSY: u32 = 200;
/// For how long it is given away.
const PAUSE: Duration = Duration::from_micros(20);
/// How often a thread is looked for.
const LOOK: Duration = Duration::from_millis(1);
/// A thread that does not stop after this long hangs in the kernel.
const STOPS_WITHIN: Duration = Duration::from_secs(10);

/// A thread in hand.
#[derive(Debug)]
pub struct Held(Pid);

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is done.
    Done,
    /// The thread waits in the kernel; the step ends when it comes back.
    Blocked,
    /// The thread is gone.
    Gone,
}

impl Held {
    /// Takes a thread in hand: it stands still from now on.
    ///
    /// # Errors
    /// Whatever the system says, most likely that it may not be done here.
    pub fn seize(thread: i32) -> io::Result<Held> {
        let held = Held(Pid::from_raw(thread));
        ptrace::seize(held.0, ptrace::Options::empty())?;
        held.stop()?;
        Ok(held)
    }

    /// Returns the number of the thread.
    pub fn number(&self) -> i32 {
        self.0.as_raw()
    }

    /// Stops it, if it runs.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn stop(&self) -> io::Result<()> {
        ptrace::interrupt(self.0)?;
        match self.wait(STOPS_WITHIN)? {
            Step::Done => Ok(()),
            step => Err(io::Error::other(format!("a thread to be stopped: {step:?}"))),
        }
    }

    /// Lets it run on.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn run(&self) -> io::Result<()> {
        Ok(ptrace::cont(self.0, None)?)
    }

    /// Lets it do one step, or takes it to the first instruction of its handler for `signal`; waits for that at most
    /// for `patience`.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn step(&self, signal: Option<Signal>, patience: Duration) -> io::Result<Step> {
        match ptrace::step(self.0, signal) {
            Err(Errno::ESRCH) => Ok(Step::Gone),
            Err(error) => Err(error.into()),
            Ok(()) => self.wait(patience),
        }
    }

    /// Waits for a step that was blocked to end, or for the thread to stop.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn wait(&self, patience: Duration) -> io::Result<Step> {
        let begun = Instant::now();
        for look in 0.. {
            match waitpid(self.0, Some(WaitPidFlag::__WALL | WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) if look < LOOKS_BUSY => std::hint::spin_loop(),
                Ok(WaitStatus::StillAlive) if begun.elapsed() < patience => std::thread::sleep(PAUSE),
                Ok(WaitStatus::StillAlive) => return Ok(Step::Blocked),
                Ok(WaitStatus::Stopped(..) | WaitStatus::PtraceEvent(..)) => break,
                Ok(_) | Err(Errno::ECHILD) => return Ok(Step::Gone),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Step::Done)
    }

    /// Lets it go on by itself, for good.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn let_go(&self) -> io::Result<()> {
        match ptrace::detach(self.0, None) {
            // It is gone, or blocked in the kernel and so not in hand.
            Err(Errno::ESRCH) => Ok(()),
            other => Ok(other?),
        }
    }

    /// Waits until the thread, whose process has been killed, is gone: only then can its process be waited for.
    pub fn bury(&self) {
        while let Ok(status) = waitpid(self.0, Some(WaitPidFlag::__WALL)) {
            if matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..)) {
                break;
            }
        }
    }
}

/// Returns the threads of a process but its first, which its parent waits for, with their names.
///
/// # Errors
/// Whatever the system says.
pub fn threads(process: u32) -> io::Result<Vec<(i32, String)>> {
    let mut threads = Vec::new();
    for entry in fs::read_dir(tasks(process))? {
        let path = entry?.path();
        let name = fs::read_to_string(path.join("comm"))?.trim().to_owned();
        let number = path.file_name().and_then(|name| name.to_str()?.parse().ok());
        threads.extend(
            number
                .filter(|number| *number != process as i32)
                .map(|number| (number, name)),
        );
    }
    Ok(threads)
}

/// Returns the thread of that name; waits for it to give itself the name.
///
/// # Errors
/// Whatever the system says; [`io::ErrorKind::NotFound`] when there is none.
pub fn thread_of(process: u32, name: &str) -> io::Result<i32> {
    let until = Instant::now() + STOPS_WITHIN;
    loop {
        let all = threads(process)?;
        if let Some((number, _)) = all.iter().find(|(_, its)| its == name) {
            return Ok(*number);
        }
        if Instant::now() > until {
            let what = format!("no thread of {process} is called {name}: {all:?}");
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        std::thread::sleep(LOOK);
    }
}

/// Says whether a thread sleeps in the kernel.
///
/// # Errors
/// Whatever the system says.
pub fn sleeps(process: u32, thread: i32) -> io::Result<bool> {
    let stat = fs::read_to_string(tasks(process).join(thread.to_string()).join("stat"))?;
    // The state stands behind the name, which may hold anything.
    Ok(stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('S')))
}

fn tasks(process: u32) -> std::path::PathBuf {
    Path::new("/proc").join(process.to_string()).join("task")
}
