//! Commands that build a package in release mode and hand their arguments to it.

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use crate::packages;
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

/// Builds and runs the fault injection that does not fit into a test run. The programs that it borrows come first.
pub(crate) fn torture(root: &Path, args: &[String]) -> ExitCode {
    match missing_packages(root, args).map(|missing| packages::install(&missing)) {
        Ok(Ok(())) => {}
        Ok(Err(error)) => println!("    rows that need a program which is not there are skipped: {error}"),
        Err(status) => return status,
    }
    replace(root, "torture", args)
}

/// Asks for the packages that the rows need and that are not installed.
fn missing_packages(root: &Path, args: &[String]) -> Result<Vec<String>, ExitCode> {
    if args.iter().any(|arg| arg == "--list") {
        return Ok(Vec::new());
    }
    let mut asked = release(root, "torture", args);
    // What the build says goes to standard error, as ever.
    match asked.arg("--packages").stderr(Stdio::inherit()).output() {
        Ok(output) if output.status.success() => {
            let told = String::from_utf8_lossy(&output.stdout);
            Ok(told.lines().map(str::to_owned).collect())
        }
        Ok(output) => {
            print!("{}", String::from_utf8_lossy(&output.stdout));
            Err(ended(output.status))
        }
        Err(error) => Err(not_started(&error)),
    }
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
        Ok(status) => ended(status),
        Err(error) => not_started(&error),
    }
}

/// The exit code of a command that failed.
fn ended(status: ExitStatus) -> ExitCode {
    ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn not_started(error: &io::Error) -> ExitCode {
    eprintln!("cannot start cargo: {error}");
    ExitCode::FAILURE
}
