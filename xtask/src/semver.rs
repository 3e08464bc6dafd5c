//! `cargo xtask semver`: what would break programs since the committed baseline, as `cargo-semver-checks` finds it.
//!
//! The baseline is what rustdoc told of the logger's crate when its list of the API was last frozen: at a release, or
//! before the first one when a break is meant. Where the tool is not installed the step is skipped and says how to get
//! it: building it takes longer than all the rest of a cold gate. The list that [`crate::api`] holds needs nothing but
//! the compiler, and shows each change; this step says which of them break.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::gate::target_dir;
use crate::step::{Outcome, cargo, stream};
use crate::tally::Tally;

/// Packed, because it has 2 MB; as text it would not be read either.
const BASELINE: &str = "crates/logger/golden/public-api.json.gz";
const PACKAGE: &str = "hydra-logger";
const DOCUMENT: &str = "hydra_logger.json";
const INSTALL: &str = "cargo install cargo-semver-checks --locked";

/// The command: checks, or with `--save` makes a new baseline.
pub(crate) fn run(root: &Path, args: &[String]) -> ExitCode {
    let outcome = match args {
        [] => check(root, &mut Tally::default()),
        [save] if save == "--save" => save_baseline(root),
        _ => {
            eprintln!("unknown arguments; usage: cargo xtask semver [--save]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Skipped(why) => {
            eprintln!("nothing was checked: {why}");
            ExitCode::FAILURE
        }
        Outcome::Failed => ExitCode::FAILURE,
    }
}

/// The step of the gate.
pub(crate) fn check(root: &Path, tally: &mut Tally) -> Outcome {
    let installed = cargo(root, &["semver-checks", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !installed.is_ok_and(|status| status.success()) {
        return Outcome::Skipped(format!("cargo-semver-checks is not installed: {INSTALL}"));
    }
    let now = match document(root, tally) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    let before = target_dir(root).join("semver/baseline.json");
    if let Err(error) = unpack(&root.join(BASELINE), &before) {
        println!("cannot unpack {BASELINE}: {error}; `cargo xtask semver --save` makes it");
        return Outcome::Failed;
    }
    let mut command = cargo(root, &["semver-checks", "--baseline-rustdoc"]);
    command.arg(before).arg("--current-rustdoc").arg(now);
    match stream(command, tally) {
        Outcome::Failed => {
            println!("What breaks programs waits for a major version; before a release, `cargo xtask semver --save`.");
            Outcome::Failed
        }
        other => other,
    }
}

fn save_baseline(root: &Path) -> Outcome {
    let now = match document(root, &mut Tally::default()) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    // Without name and time: the same document gives the same file.
    let packed = Command::new("gzip").args(["-9", "-n", "-c"]).arg(now).output();
    let saved = packed.and_then(|output| match output.status.success() {
        true => fs::write(root.join(BASELINE), output.stdout),
        false => Err(std::io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        )),
    });
    match saved {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            println!("cannot write {BASELINE}: {error}");
            Outcome::Failed
        }
    }
}

fn unpack(packed: &Path, to: &Path) -> std::io::Result<()> {
    let output = Command::new("gzip").args(["-d", "-c"]).arg(packed).output()?;
    if !output.status.success() {
        return Err(std::io::Error::other(
            String::from_utf8_lossy(&output.stderr).into_owned(),
        ));
    }
    fs::write(to, output.stdout)
}

/// Has rustdoc tell what the crate offers, in the form that the tool reads. That form is not stable, so the compiler
/// is asked for it as the tool itself does; with one whose form the tool does not know it says so.
fn document(root: &Path, tally: &mut Tally) -> Result<PathBuf, Outcome> {
    let target = target_dir(root).join("semver");
    let mut command = cargo(root, &["doc", "--quiet", "-p", PACKAGE, "--no-deps", "--all-features"]);
    command
        .env("CARGO_TARGET_DIR", &target)
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTDOCFLAGS", "-Z unstable-options --output-format=json");
    match stream(command, tally) {
        Outcome::Passed => Ok(target.join("doc").join(DOCUMENT)),
        other => Err(other),
    }
}
