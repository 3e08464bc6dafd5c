//! Runs the rows and prints the table: see `USAGE`.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

use torture::args::Args;
use torture::{rows, spec, victim};

/// One allocation of a victim may be made to fail.
#[global_allocator]
static ALLOCATOR: hydra_os::hazard::Fallible = hydra_os::hazard::Fallible;

const USAGE: &str = "\
usage: torture [--row NAME]... [--seed N] [--minutes M] [--kills N] [--exhaustive] [--ledger FILE] [--list]
               [--packages]";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    if words.next_if(|word| word == "victim").is_some() {
        return match spec::Spec::parse(words) {
            Ok(spec) => victim::run(&spec),
            Err(error) => complain(&error),
        };
    }
    let args = match Args::parse(words) {
        Ok(args) => args,
        Err(error) => return complain(&format!("{error}\n{USAGE}")),
    };
    let mut out = std::io::stdout();
    if args.list {
        let told = rows::ALL
            .iter()
            .try_for_each(|row| writeln!(out, "{:16} {}", row.name, row.fault));
        return if told.is_ok() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let exe = match std::env::current_exe() {
        Ok(exe) => exe,
        Err(error) => return complain(&format!("cannot find this program: {error}")),
    };
    if rows::run(&args, &exe, &mut out) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn complain(what: &str) -> ExitCode {
    // Nothing is left to tell it to if standard error is closed.
    let _ = writeln!(std::io::stderr(), "torture: {what}");
    ExitCode::from(2)
}
