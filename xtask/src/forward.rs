//! Commands that build a package in release mode and hand their arguments to it.

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::step::cargo;

/// Builds and runs the comparison with the peers.
///
/// Reports go to `<target folder>/bench` unless `--out` says otherwise.
pub(crate) fn bench(root: &Path, args: &[String]) -> ExitCode {
    // One of the things measured is the command line.
    let built = cargo(root, &["build", "--release", "--package", "hydra"]).status();
    match built {
        Ok(status) if status.success() => replace(root, "benches", args),
        _ => ExitCode::FAILURE,
    }
}

/// Builds and runs the fault injection that does not fit into a test run.
pub(crate) fn torture(root: &Path, args: &[String]) -> ExitCode {
    replace(root, "torture", args)
}

/// Builds the engine for a simulated machine and runs seeds on it.
pub(crate) fn simulate(root: &Path, args: &[String]) -> ExitCode {
    let mut command = release(root, "simulation", args);
    command
        .env("RUSTFLAGS", "--cfg sim")
        .env("CARGO_TARGET_DIR", crate::gate::target_dir(root).join("sim"));
    finish(command)
}

fn replace(root: &Path, package: &str, args: &[String]) -> ExitCode {
    finish(release(root, package, args))
}

fn release(root: &Path, package: &str, args: &[String]) -> Command {
    let mut command = cargo(root, &["run", "--release", "--package", package, "--"]);
    command.args(args);
    command
}

fn finish(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("cannot start cargo: {error}");
            ExitCode::FAILURE
        }
    }
}
