//! SIGKILL at any moment, again and again.
//!
//! The oracle is a *tape*: another mapped file, in which every producer writes *intent n* before and *accepted n* after
//! its call, and the head *delivered n* before it saves its cursor. It survives the kill like the journal itself.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]
#![allow(clippy::print_stdout, reason = "a test that cannot run says so")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use common::{Random, adopt, check, child, given, journal, payload, read_all, save};
use hydra_journal::{Batch, ErrorKind, Kind, Read};
use hydra_os::disk::{File, Mode};
use hydra_os::map::Map;

const THREADS_MAX: u32 = 32;
const TAPE_BYTES: usize = 4096;
const INTENT: usize = 0;
const ACCEPTED: usize = 8;
const DELIVERED: usize = 16;

fn at(thread: u32, what: usize) -> usize {
    64 * thread as usize + what
}

fn tape(path: &Path) -> Map {
    let file = File::open(path, Mode::ReadWrite).unwrap();
    Map::file(&file, TAPE_BYTES).unwrap()
}

fn prepare(dir: &Path) -> Map {
    let file = File::open(dir.join("tape"), Mode::CreateReadWrite).unwrap();
    file.preallocate(TAPE_BYTES as u64).unwrap();
    tape(&dir.join("tape"))
}

/// The process that is killed: producers, and a head that reads and saves.
#[test]
fn victim() {
    let Some(dir) = given("HYDRA_VICTIM") else { return };
    let threads: u32 = given("HYDRA_THREADS").unwrap().parse().unwrap();
    let dir = Path::new(&dir);
    let tape = &tape(&dir.join("tape"));
    let (journal, cursor) = journal(Some(&dir.join("journals")), 6);
    let journal = &journal;
    std::thread::scope(|scope| {
        for thread in 0..threads {
            scope.spawn(move || {
                let (mut writer, mut random) = (journal.writer(), Random(u64::from(thread)));
                for number in 0.. {
                    let len = match random.below(500) {
                        0 => 100_000,
                        1..20 => 4000,
                        _ => 16 + random.below(200),
                    };
                    let bytes = payload(thread, number, len);
                    tape.store(at(thread, INTENT), number + 1, Ordering::Release);
                    loop {
                        let result = if len > journal.frame_max() {
                            journal.append_large(&bytes, &[])
                        } else {
                            writer.append(&bytes, &[])
                        };
                        match result {
                            Ok(_) => break,
                            Err(error) if error.kind() == ErrorKind::Full => {
                                journal.wait_until_room(Duration::from_secs(60));
                            }
                            Err(error) => panic!("{error}"),
                        }
                    }
                    tape.store(at(thread, ACCEPTED), number + 1, Ordering::Release);
                }
            });
        }
        let (mut reader, mut batch) = (cursor.reader(), Batch::default());
        loop {
            match reader.read(&mut batch, 8 << 10) {
                Read::Some => {
                    for frame in batch.frames().iter().filter(|frame| frame.kind == Kind::Data) {
                        let (thread, number) = check(batch.payload(frame));
                        tape.store(at(thread, DELIVERED), number + 1, Ordering::Release);
                    }
                    save(&cursor, reader.position());
                }
                Read::Empty(tail) => cursor.park(0, tail, Duration::from_secs(60)),
                Read::Pending => std::thread::yield_now(),
                Read::End => return,
            }
        }
    });
}

/// Kills one process at some moment, and holds what is left against the tape.
fn round(threads: u32, random: &mut Random) {
    let dir = tempfile::tempdir().unwrap();
    let journals = dir.path().join("journals");
    let tape = prepare(dir.path());
    let values = [
        ("HYDRA_VICTIM", dir.path().to_str().unwrap().to_owned()),
        ("HYDRA_THREADS", threads.to_string()),
    ];
    let mut victim = child("victim", &values);
    // Mostly at work, now and then while it starts.
    let moment = if random.below(20) == 0 {
        0
    } else {
        1 + random.below(6000) as u64
    };
    let accepted = |thread| tape.load(at(thread, ACCEPTED), Ordering::Acquire);
    while (0..threads).map(accepted).sum::<u64>() < moment {
        assert!(victim.try_wait().unwrap().is_none(), "the victim died by itself");
        std::thread::yield_now();
    }
    for _ in 0..random.below(3000) {
        std::hint::spin_loop();
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    verify(threads, &journals, &tape);
}

/// Holds what a dead victim left against the tape.
fn verify(threads: u32, journals: &Path, tape: &Map) {
    let accepted = (0..threads).map(|thread| tape.load(at(thread, ACCEPTED), Ordering::Acquire));
    let accepted: Vec<u64> = accepted.collect();
    if accepted.iter().all(|count| *count == 0) && hydra_journal::Adopted::all(journals).unwrap().is_empty() {
        return;
    }
    let adopted = adopt(journals);
    let mut next: Vec<Option<u64>> = vec![None; threads as usize];
    let known = adopted.cursor("head").unwrap();
    if let Some(cursor) = &known {
        let mut reader = cursor.reader();
        let (entries, damage) = read_all(&mut reader);
        let holes = damage
            .iter()
            .filter(|damage| damage.kind == hydra_journal::DamageKind::Hole);
        assert_eq!(holes.count(), damage.len(), "{damage:?}");
        for (_, position, bytes) in entries.iter().filter(|(kind, ..)| *kind == Kind::Data) {
            let (thread, number) = check(bytes);
            let delivered = tape.load(at(thread, DELIVERED), Ordering::Acquire);
            match next[thread as usize] {
                None => assert!(
                    number <= delivered,
                    "thread {thread}: {number} after {delivered} at {position}"
                ),
                Some(next) => assert_eq!(number, next, "thread {thread} at {position}"),
            }
            next[thread as usize] = Some(number + 1);
        }
        save(cursor, reader.position());
    }
    for thread in 0..threads {
        let delivered = tape.load(at(thread, DELIVERED), Ordering::Acquire);
        let intent = tape.load(at(thread, INTENT), Ordering::Acquire);
        let found = next[thread as usize].unwrap_or(delivered);
        let accepted = accepted[thread as usize];
        assert!(
            accepted <= found && found <= intent,
            "thread {thread}: accepted {accepted}, found {found}, intended {intent}"
        );
    }
    assert!(adopted.remove_if_done().unwrap(), "all is delivered");
    assert!(hydra_journal::inspect(journals).unwrap().is_empty());
}

/// One producer: what was accepted is there, each record once, in order.
#[test]
fn killed_with_one_thread() {
    let mut random = Random::new("killed_with_one_thread");
    (0..80).for_each(|_| round(1, &mut random));
}

/// Four producers: the holes that some leave hide nothing of the others.
#[test]
fn killed_with_four_threads() {
    let mut random = Random::new("killed_with_four_threads");
    (0..80).for_each(|_| round(4, &mut random));
}

/// More producers than processors: most are killed in the middle of something.
#[test]
fn killed_with_thirty_two_threads() {
    let mut random = Random::new("killed_with_thirty_two_threads");
    (0..50).for_each(|_| round(THREADS_MAX, &mut random));
}

/// Killed at the n-th system call on files of any of its threads, for every n: making, rolling, recycling and giving
/// back segments has no step after which something is lost or the next start fails.
#[test]
fn killed_at_every_system_call() {
    if !Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("skipped killed_at_every_system_call: there is no strace here");
        return;
    }
    let calls = "openat,mkdir,unlink,rmdir,fallocate,flock,pwrite64,ioctl,madvise,statfs";
    for number in 1..70 {
        let dir = tempfile::tempdir().unwrap();
        let tape = prepare(dir.path());
        let status = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null"])
            .args(["-e", &format!("trace={calls}")])
            .args(["-e", &format!("inject={calls}:signal=KILL:when={number}")])
            .arg(std::env::current_exe().unwrap())
            .args(["victim", "--exact"])
            .envs([("HYDRA_VICTIM", dir.path().to_str().unwrap()), ("HYDRA_THREADS", "2")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(!status.success());
        verify(2, &dir.path().join("journals"), &tape);
    }
}
