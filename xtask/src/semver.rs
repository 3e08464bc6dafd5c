//! `cargo xtask semver`: what would break programs since the committed baseline, as `cargo-semver-checks` finds it.
//!
//! The baseline is what rustdoc told of the logger's crate when its list of the API was last frozen: at a release, or
//! before the first one when a break is meant. A tool that is not installed is built into the target directory, once.
//! The list that [`crate::api`] holds needs nothing but the compiler, and shows each change; this step says which of
//! them break.

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
const TOOL: &str = "cargo-semver-checks";
/// The one that is built: it reads what the rustdoc of our compiler writes.
const TOOL_VERSION: &str = "0.51.0";

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
    let tool = match tool(root, tally) {
        Ok(tool) => tool,
        Err(outcome) => return outcome,
    };
    let now = match document(root, tally) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    let before = target_dir(root).join("semver/baseline.json");
    if let Err(error) = unpack(&root.join(BASELINE), &before) {
        println!("cannot unpack {BASELINE}: {error}; `cargo xtask semver --save` makes it");
        return Outcome::Failed;
    }
    let mut command = Command::new(tool);
    command.current_dir(root).arg("semver-checks");
    command
        .arg("--baseline-rustdoc")
        .arg(before)
        .arg("--current-rustdoc")
        .arg(now);
    match stream(command, tally) {
        Outcome::Failed => {
            println!("What breaks programs waits for a major version; before a release, `cargo xtask semver --save`.");
            Outcome::Failed
        }
        other => other,
    }
}

/// Returns the tool: the one that is installed, or ours, which is built if it is not there yet.
fn tool(root: &Path, tally: &mut Tally) -> Result<PathBuf, Outcome> {
    let runs = |tool: &Path| {
        let mut version = Command::new(tool);
        version.args(["semver-checks", "--version"]);
        let status = version.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    let tools = target_dir(root).join("tools");
    let ours = tools.join("bin").join(TOOL);
    if let Some(tool) = [PathBuf::from(TOOL), ours.clone()].into_iter().find(|tool| runs(tool)) {
        return Ok(tool);
    }
    println!(
        "{TOOL} is not installed: it is built into {}, some minutes, once",
        tools.display()
    );
    let build = tools.join("build");
    let mut install = cargo(
        root,
        &[
            "install",
            TOOL,
            "--version",
            TOOL_VERSION,
            "--locked",
            "--debug",
            "--force",
        ],
    );
    install.arg("--root").arg(&tools);
    // For its one second of work the quickest build is the best.
    install
        .env("CARGO_TARGET_DIR", &build)
        .env("CARGO_PROFILE_DEV_DEBUG", "false");
    let built = matches!(stream(install, tally), Outcome::Passed) && runs(&ours);
    // It takes more room than all else there.
    let _ = fs::remove_dir_all(build);
    match built {
        true => Ok(ours),
        false => Err(Outcome::Skipped(format!(
            "{TOOL} cannot be built here; `cargo install {TOOL} --locked` installs it"
        ))),
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
