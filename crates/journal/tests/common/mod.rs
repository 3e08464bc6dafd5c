//! What the tests of this folder share: numbers from a seed, payloads that prove themselves, reading to the end.
#![allow(
    dead_code,
    clippy::print_stdout,
    reason = "every test file uses a part of it; seeds are printed"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail by panicking"
)]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hydra_journal::{Adopted, Batch, Cursor, CursorState, Damage, Journal, Kind, Options, Position, Read, Reader};

/// The smallest segment there is.
pub(crate) const SEGMENT: usize = 64 << 10;

/// Random numbers that a seed repeats (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// Begins with a seed from the system, and prints it.
    pub(crate) fn new(what: &str) -> Random {
        let seed = match std::env::var("HYDRA_SEED") {
            Ok(text) => text.parse().unwrap(),
            Err(_) => hydra_os::random::u64(),
        };
        println!("{what}: HYDRA_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// The payload number `number` of a thread: its name, then bytes that only it has. At least 16 bytes.
pub(crate) fn payload(thread: u32, number: u64, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len.max(16));
    bytes.extend_from_slice(&u64::from(thread).to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    let mut random = Random(number << 8 | u64::from(thread));
    while bytes.len() < len {
        let word = random.next().to_le_bytes();
        bytes.extend_from_slice(&word[..word.len().min(len - bytes.len())]);
    }
    bytes
}

/// Reads thread and number from a payload; panics if it is not that one's payload, byte for byte.
pub(crate) fn check(bytes: &[u8]) -> (u32, u64) {
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap());
    let (thread, number) = (word(0) as u32, word(8));
    assert_eq!(bytes, payload(thread, number, bytes.len()), "mixed payload");
    (thread, number)
}

pub(crate) fn options(dir: Option<&Path>, segments: u64) -> Options {
    Options {
        dir: dir.map(Path::to_owned),
        segment_bytes: SEGMENT,
        quota_bytes: segments * SEGMENT as u64,
        ..Options::default()
    }
}

/// A position and what stands there.
pub(crate) type Entry = (Kind, Position, Vec<u8>);

/// Reads until there is nothing more now; a reservation under way is waited for.
pub(crate) fn read_all(reader: &mut Reader) -> (Vec<Entry>, Vec<Damage>) {
    let (mut batch, mut entries, mut damage) = (Batch::default(), Vec::new(), Vec::new());
    loop {
        match reader.read(&mut batch, 64 << 10) {
            Read::Some => {
                let frames = batch.frames().iter();
                entries.extend(frames.map(|frame| (frame.kind, frame.position, batch.payload(frame).to_vec())));
                damage.extend_from_slice(batch.damage());
            }
            Read::Pending => std::thread::yield_now(),
            Read::Empty(_) | Read::End => return (entries, damage),
        }
    }
}

/// As [`read_all`], the payloads of data frames alone.
pub(crate) fn data_of(reader: &mut Reader) -> Vec<Vec<u8>> {
    let (entries, _) = read_all(reader);
    let data = entries.into_iter().filter(|(kind, ..)| *kind == Kind::Data);
    data.map(|(.., bytes)| bytes).collect()
}

pub(crate) fn save(cursor: &Cursor, position: Position) {
    cursor.save(&CursorState {
        position,
        ..CursorState::default()
    });
}

/// Copies a journal as a crash would leave it: the copy's lock is free.
pub(crate) fn copy_journal(from: &Path, root: &Path) -> PathBuf {
    let to = root.join(from.file_name().unwrap());
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match std::fs::copy(entry.path(), to.join(entry.file_name())) {
            // The keeper has just given it back.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            copied => _ = copied.unwrap(),
        }
    }
    to
}

/// Takes over the only journal under `root`.
pub(crate) fn adopt(root: &Path) -> Adopted {
    let mut found = Adopted::all(root).unwrap();
    assert_eq!(found.len(), 1, "journals under {}", root.display());
    found.pop().unwrap().unwrap()
}

/// A journal with a head called `head`.
pub(crate) fn journal(dir: Option<&Path>, segments: u64) -> (Journal, Cursor) {
    let journal = Journal::create(options(dir, segments)).unwrap();
    let cursor = journal.cursor("head").unwrap();
    (journal, cursor)
}

/// Runs the test `name` of this binary in a process of its own, with `values` in its environment.
pub(crate) fn child(name: &str, values: &[(&str, String)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .envs(values.iter().map(|(key, value)| (*key, value.as_str())))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the parent gave a child, if this is one.
pub(crate) fn given(key: &str) -> Option<String> {
    std::env::var(key).ok()
}
