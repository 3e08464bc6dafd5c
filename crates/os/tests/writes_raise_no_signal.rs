//! What a write of the host's own thread does at a limit, and at a pipe that nobody reads, shown by this program run
//! once more as a child.

#![allow(clippy::unwrap_used, reason = "a test may fail by panicking")]

use std::env;
use std::io::{self, ErrorKind, pipe};
use std::os::fd::AsFd as _;
use std::process::Command;

use hydra_os::disk::{File, Mode, write_once};

const CHILD: &str = "HYDRA_TEST_CHILD";
/// Files may have 16 blocks of 512 bytes.
const LIMIT: &str = "ulimit -f 16; exec \"$0\" --exact a_limit_is_an_error --nocapture";
const LIMIT_BYTES: u64 = 16 * 512;

/// Whatever a thread of the host's writes past the limit on file length, or to a closed pipe, is an error of the call
/// and no signal: the process goes on, and takes signals as before.
#[test]
fn a_limit_is_an_error() {
    if env::var_os(CHILD).is_some() {
        return write_past_the_limit();
    }
    let program = env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", LIMIT])
        .arg(program)
        .env(CHILD, "")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
}

fn write_past_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    let bytes = vec![7; LIMIT_BYTES as usize + 1];
    // As any program that is not Rust's begins.
    set_default(libc::SIGPIPE);
    let before = taken();
    let appended = File::open(one, Mode::CreateAppend).unwrap();
    assert_eq!(appended.append(&bytes).unwrap() as u64, LIMIT_BYTES);
    let written = File::open(two, Mode::CreateReadWrite).unwrap();
    let errors = [
        appended.append(&bytes).map(|_| ()),
        written.write_at(&bytes, 0),
        written.truncate(LIMIT_BYTES + 1),
        written.preallocate(LIMIT_BYTES + 1),
    ];
    let kinds = errors.map(|result| result.unwrap_err().kind());
    assert_eq!(kinds, [ErrorKind::FileTooLarge; 4]);
    let (reader, writer) = pipe().unwrap();
    drop(reader);
    let error = write_once(writer.as_fd(), b"nobody reads this").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    assert_eq!(
        (taken(), before),
        ([true; 2], [true; 2]),
        "the thread takes what it took"
    );
    assert_eq!(
        written
            .write_at(b"and goes on", 0)
            .map_err(|error: io::Error| error.kind()),
        Ok(())
    );
}

fn set_default(signal: i32) {
    // SAFETY: the default action runs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Whether the thread takes the two signals, and has none of them yet to come.
fn taken() -> [bool; 2] {
    // SAFETY: a set is a plain array of numbers, for which zeros are valid.
    let (mut blocked, mut pending) = unsafe { std::mem::zeroed::<(libc::sigset_t, libc::sigset_t)>() };
    // SAFETY: the set is a live local, and nothing is changed.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut blocked) };
    // SAFETY: the set is a live local.
    unsafe { libc::sigpending(&raw mut pending) };
    [libc::SIGXFSZ, libc::SIGPIPE].map(|signal| {
        // SAFETY: the sets are live locals, and the signal's number is the system's own.
        let is_in = |set: &libc::sigset_t| unsafe { libc::sigismember(set, signal) } == 1;
        !is_in(&blocked) && !is_in(&pending)
    })
}
