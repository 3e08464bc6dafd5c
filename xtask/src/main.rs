//! The commands of the repository: `cargo xtask test`, `tidy`, `api`, `semver`, `bench`, `instructions`, `torture` and
//! `simulate`.
//!
//! Only the standard library is used, so that the gate itself never waits for, or breaks with, a dependency.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command line answers on standard output")]

mod api;
mod forward;
mod gate;
mod instructions;
mod packages;
mod semver;
mod step;
mod tally;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
The commands of the repository.

    cargo xtask test              everything that has to hold before a commit; `check` is the same
    cargo xtask tidy              imports, unsafe, lengths, banned calls, white space (also a part of `test`)
    cargo xtask api [--save]      what the logger's crate offers, against the committed list; `--save` makes a new one
    cargo xtask semver [--save]   what of it would break programs, by cargo-semver-checks, which is built if it is
                                  missing; `--save` makes a new baseline
    cargo xtask bench [--quick] [--only NAME] [--out DIR]
                                  Hydra-Logger and its peers, side by side
    cargo xtask instructions [--save]
                                  what calls and records cost in instructions, against the committed baselines (also
                                  a part of `test`); `--save` makes new ones
    cargo xtask torture [...]     kills, starves and tears real processes; arguments go to the package `torture`; first
                                  installs the Debian packages that its rows borrow programs from, where it may
    cargo xtask simulate [--seeds N] [--seed S]
                                  the engine on a simulated machine, from seeds that replay exactly; with `--tell`
                                  every call to the disk of one seed is told
    cargo xtask help              this text

    Example: cargo xtask bench --quick --only throughput
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let root = root();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("help", [].as_slice()),
    };
    match command {
        "test" | "check" => gate::run(&root, rest),
        "tidy" => tidy::run(&root),
        "api" => api::run(&root, rest),
        "semver" => semver::run(&root, rest),
        "bench" => forward::bench(&root, rest),
        "instructions" => instructions::run(&root, rest),
        "torture" => forward::torture(&root, rest),
        "simulate" => forward::simulate(&root, rest),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        other => {
            eprintln!("unknown command `{other}`\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// The root of the workspace: the parent of this package.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}
