//! A mapped file that somebody cuts short does not end the process, and the signal stays the host's otherwise.
#![cfg(not(any(loom, sim)))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::exit,
    reason = "a test may fail by panicking; children answer on their standard output"
)]

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};
use std::sync::atomic::Ordering;

use hydra_os::disk::{File, Mode};
use hydra_os::map::{Map, leave_sigbus_alone};

const PAGE: usize = 4096;
const BYTES: usize = 16 * PAGE;

/// Runs the test `name` of this binary again, as the child that `role` says.
fn child(name: &str, role: &str) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env("HYDRA_FAULT_ROLE", role)
        .output()
        .unwrap()
}

fn is_child() -> Option<String> {
    std::env::var("HYDRA_FAULT_ROLE").ok()
}

/// A map of a file that has been filled and then cut to `len` bytes.
fn cut_to(len: u64) -> (tempfile::TempDir, File, Map) {
    let dir = tempfile::tempdir().unwrap();
    let file = File::open(dir.path().join("mapped"), Mode::CreateReadWrite).unwrap();
    file.preallocate(BYTES as u64).unwrap();
    let map = Map::file(&file, BYTES).unwrap();
    (0..BYTES).step_by(8).for_each(|at| map.store(at, 7, Ordering::Relaxed));
    assert_eq!(map.faults(), 0);
    file.truncate(len).unwrap();
    (dir, file, map)
}

/// What lies before the cut is there, what lies behind reads as zeros and takes stores; each page is counted once, in
/// the map it happened in.
#[test]
fn lost_pages_are_empty() {
    let (dir, _file, map) = cut_to(4 * PAGE as u64);
    let read_only = Map::file_read_only(&File::open(dir.path().join("mapped"), Mode::Read).unwrap(), 4 * PAGE).unwrap();
    assert_eq!(map.load(4 * PAGE - 8, Ordering::Relaxed), 7);
    assert_eq!(map.faults(), 0);
    let mut bytes = Vec::new();
    map.append_to(3 * PAGE, 3 * PAGE, &mut bytes);
    assert_eq!(bytes.iter().filter(|byte| **byte == 7).count(), PAGE / 8);
    assert_eq!(map.faults(), 2);
    map.copy_in(10 * PAGE - 8, &[9; 16]);
    map.release_pages();
    assert_eq!(map.load(10 * PAGE, Ordering::Relaxed), u64::from_le_bytes([9; 8]));
    assert_eq!(map.faults(), 4);
    File::open(dir.path().join("mapped"), Mode::ReadWrite)
        .unwrap()
        .truncate(0)
        .unwrap();
    assert_eq!(read_only.load(0, Ordering::Relaxed), 0);
    assert_eq!((read_only.faults(), map.faults()), (1, 4));
    map.prefault().unwrap_err();
}

/// Many threads that touch the same lost pages at once all go on.
#[test]
fn many_threads() {
    let (_dir, _file, map) = cut_to(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                (0..BYTES)
                    .step_by(64)
                    .for_each(|at| map.store(at, 1, Ordering::Relaxed))
            });
        }
    });
    assert!((0..BYTES).step_by(64).all(|at| map.load(at, Ordering::Relaxed) == 1) && map.faults() >= 16);
}

/// Who opts out before the first map has the system's own answer: the end.
#[test]
fn opting_out() {
    if is_child().is_some() {
        assert!(leave_sigbus_alone());
        let (_dir, _file, map) = cut_to(0);
        std::process::exit(map.load(0, Ordering::Relaxed) as i32);
    }
    assert_eq!(child("opting_out", "alone").status.signal(), Some(libc::SIGBUS));
}

/// A bus error that is none of ours goes where it would have gone: to the host's handler, or to the system.
#[test]
fn foreign_ones_are_passed_on() {
    extern "C" fn tell(_: libc::c_int) {
        println!("the host's handler");
    }
    if let Some(role) = is_child() {
        let handler = if role == "handler" {
            tell as *const () as usize
        } else {
            libc::SIG_DFL
        };
        // SAFETY: the handler has the right signature; that it prints is good enough for a signal we raise.
        unsafe { libc::signal(libc::SIGBUS, handler) };
        let (_dir, _file, map) = cut_to(0);
        assert_eq!(map.load(0, Ordering::Relaxed), 0);
        // SAFETY: the call takes a number only.
        unsafe { libc::raise(libc::SIGBUS) };
        println!("alive");
        std::process::exit(0);
    }
    let output = child("foreign_ones_are_passed_on", "handler");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("the host's handler\nalive") && output.status.success(),
        "{text}"
    );
    assert_eq!(
        child("foreign_ones_are_passed_on", "default").status.signal(),
        Some(libc::SIGBUS)
    );
}
