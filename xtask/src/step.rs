//! One step of the gate: a named command whose output is streamed, timed, and read for test results.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::tally::Tally;

/// How a step ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// Everything in it holds.
    Passed,
    /// Something in it does not; the output above the summary says what.
    Failed,
    /// It did not run, for the reason given.
    Skipped(String),
}

/// A step that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) name: String,
    pub(crate) outcome: Outcome,
    pub(crate) took: Duration,
    pub(crate) tally: Tally,
}

/// Runs `work` under a banner with its name, and notes the time.
pub(crate) fn run(name: &str, work: impl FnOnce(&mut Tally) -> Outcome) -> Ended {
    println!("\n==> {name}");
    let begun = Instant::now();
    let mut tally = Tally::default();
    let outcome = work(&mut tally);
    let took = begun.elapsed();
    let said = match &outcome {
        Outcome::Passed => "passed".to_owned(),
        Outcome::Failed => "FAILED".to_owned(),
        Outcome::Skipped(why) => format!("skipped: {why}"),
    };
    println!("<== {name}: {said} ({:.1} s)", took.as_secs_f64());
    Ended {
        name: name.to_owned(),
        outcome,
        took,
        tally,
    }
}

/// A `cargo` command in the root of the workspace.
pub(crate) fn cargo(root: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root).args(args);
    command
}

/// Runs a command, passing its output through as it comes and reading it for test results.
pub(crate) fn stream(mut command: Command, tally: &mut Tally) -> Outcome {
    println!("    {}", shown(&command));
    let mut child = match command.stdout(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            println!("cannot start {:?}: {error}", command.get_program());
            return Outcome::Failed;
        }
    };
    if let Some(output) = child.stdout.take() {
        pass_through(BufReader::new(output), tally);
    }
    match child.wait() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => {
            println!("{status}");
            Outcome::Failed
        }
        Err(error) => {
            println!("cannot wait for {:?}: {error}", command.get_program());
            Outcome::Failed
        }
    }
}

/// Copies line by line to standard output. Lines need not be UTF-8: a test may print anything.
fn pass_through(mut output: impl BufRead, tally: &mut Tally) {
    let mut line = Vec::new();
    while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        let mut stdout = std::io::stdout().lock();
        // A reader that has left must not stop the gate: its exit code still counts.
        let _ = stdout.write_all(&line).and_then(|()| stdout.flush());
        tally.read(&String::from_utf8_lossy(&line));
        line.clear();
    }
}

/// The command as one would type it, with the variables that were set for it.
fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| Some(format!("{}={:?}", name.to_string_lossy(), value?.to_string_lossy())))
        .collect();
    words.push("cargo".to_owned());
    words.extend(command.get_args().map(|arg| arg.to_string_lossy().into_owned()));
    words.join(" ")
}
