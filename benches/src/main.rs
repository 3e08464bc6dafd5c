//! Hydra-Logger and its peers, side by side, on this machine.
//!
//! Every peer runs in a child process of its own, started again for each scenario and each round; rounds are
//! interleaved and the median of at least three is reported. What the files hold is counted after each run, record by
//! record: a figure whose lines are not all there is marked. `cargo xtask bench` builds and runs it; the reports are a
//! Markdown table, a page with plots, and the raw data as JSON.

#![forbid(unsafe_code)]

#[cfg(feature = "hydra")]
mod alone;
mod args;
mod child;
mod cpp;
mod machine;
mod peer;
mod peers;
mod report;
mod results;
mod run;
mod scenario;
mod verify;
mod workload;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match words.split_first() {
        Some((first, rest)) if first == "--child" => child::main(rest),
        _ => args::Plan::parse(&words).and_then(|plan| run::all(&plan)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}
