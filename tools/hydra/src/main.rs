//! The `hydra` command: a configuration checked, a stream of lines logged, dead processes' journals delivered and
//! looked at.
//!
//! Data goes to standard output, everything else to standard error. Exit codes: 0 done, 1 something was not delivered
//! or could not be done, 2 the command line or the configuration is wrong, 3 a journal is corrupt.
#![forbid(unsafe_code)]

mod check;
mod cli;
mod demo;
mod init;
mod journal;
mod outcome;
mod paint;
mod pipe;
mod presets;
mod recover;

use std::io::Write as _;
use std::process::ExitCode;

use cli::Command;
use outcome::Failure;

fn main() -> ExitCode {
    let command = match cli::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(refusal) => return refusal.print(),
    };
    let done = match command {
        Command::Pipe(options) => pipe::run(options),
        Command::Check(options) => check::run(&options),
        Command::Recover(options) => recover::run(&options),
        Command::Journal(options) => journal::run(&options),
        Command::Presets => presets::run(),
        Command::Init(options) => init::run(&options),
        Command::Demo(options) => demo::run(&options),
    };
    match done {
        Ok(outcome) => outcome.into(),
        // Whoever read the output has gone: there is nobody to tell, and nothing wrong.
        Err(Failure::NoReader) => ExitCode::SUCCESS,
        Err(Failure::Told { outcome, message }) => {
            // If standard error is closed, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "hydra: {message}");
            outcome.into()
        }
    }
}
