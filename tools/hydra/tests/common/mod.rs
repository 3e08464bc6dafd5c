//! What the tests of this folder share: a directory with a configuration, and the program run in it.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    reason = "every test file uses a part of it; seeds are printed"
)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may fail by panicking"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use hydra_os::clock::Deadline;

/// How long anything may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A place of its own for a test.
pub struct Place(tempfile::TempDir);

/// What a run of the program came to.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Writes a configuration with a journal and one layer, APP, that goes to a file for each format.
    pub fn config(&self, formats: &[&str], more: &str) -> PathBuf {
        let dir = self.0.path().display();
        let files = formats.iter().map(|format| {
            format!("{{ type = \"file\", path = \"{dir}/{format}.log\", format = \"{format}\", max_size = \"0\" }}")
        });
        let files = files.collect::<Vec<_>>().join(", ");
        // Nothing here is about the time a machine takes, and one that does much else may need more than the default.
        let journal = format!("shutdown_timeout = 600\n[journal]\ndir = \"{dir}/journal\"\n");
        self.write(
            "hydra.toml",
            &format!("{journal}{more}[layers.APP]\nlevel = \"INFO\"\ndestinations = [{files}]\n"),
        )
    }

    /// The program, to be run here.
    pub fn hydra(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hydra"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("NO_COLOR");
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.hydra(arguments).spawn().unwrap())
    }

    /// Runs the program with something to read.
    pub fn feed(&self, arguments: &[&str], input: &[u8]) -> Ran {
        let mut child = self.hydra(arguments).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        // Whoever stops reading early has a reason that the test looks at.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let ran = ran(child);
        writer.join().unwrap();
        ran
    }
}

pub fn ran(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran {
        code: output.status.code(),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The number in a progress file: 0 while there is none. It must be readable at every moment.
pub fn progress(path: &Path) -> u64 {
    match std::fs::read_to_string(path) {
        Ok(text) => text.trim().parse().unwrap_or_else(|_| panic!("no number: {text:?}")),
        Err(_) => 0,
    }
}

/// Looks again and again until something is so.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Deadline::after(PATIENCE);
    while !is_so() {
        assert!(!end.is_over(), "{what}: not within {PATIENCE:?}");
        std::thread::yield_now();
    }
}

/// Sends a signal by its name.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status();
    assert!(sent.is_ok_and(|status| ExitStatus::success(&status)));
}

/// Random numbers that a seed repeats (splitmix64).
pub struct Random(u64);

impl Random {
    /// Begins with `HYDRA_SEED`, or a seed from the system, and prints it.
    pub fn new(what: &str) -> Random {
        let seed = match std::env::var("HYDRA_SEED") {
            Ok(text) => text.parse().unwrap(),
            Err(_) => hydra_os::random::u64(),
        };
        println!("{what}: HYDRA_SEED={seed}");
        Random(seed)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
