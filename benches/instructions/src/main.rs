//! `instructions MEASURE TIMES FOLDER`: does one thing many times, for callgrind to count. Without arguments it lists
//! the measures. `cargo xtask instructions` runs it and holds the counts against `baselines.toml`.
//!
//! Only [`counted`] is counted, and only on the thread that calls it: preparations, warming up, and the threads that
//! deliver do not matter.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a command line answers on standard output")]

mod bridge;
mod call;
mod frames;
mod render;

use std::path::Path;
use std::process::ExitCode;

type Error = Box<dyn std::error::Error>;
type Work = fn(u64, &Path) -> Result<(), Error>;

/// All measures: first the caller's side, then the heads'.
const MEASURES: [(&str, Work); 14] = [
    ("disabled", call::disabled),
    ("append", call::append),
    ("log_append", bridge::log_append),
    ("tracing_append", bridge::tracing_append),
    ("tracing_in_spans", bridge::tracing_in_spans),
    ("tracing_span", bridge::tracing_span),
    ("decode", render::decode),
    ("plain", render::plain),
    ("json", render::json),
    ("json_any_names", render::json_any_names),
    ("csv", render::csv),
    ("syslog", render::syslog),
    ("gelf", render::gelf),
    ("logfmt", render::logfmt),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("instructions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), Error> {
    let [measure, times, folder] = words else {
        MEASURES.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    };
    let known = MEASURES.iter().find(|(name, _)| name == measure);
    let (_, work) = known.ok_or_else(|| format!("unknown measure `{measure}`"))?;
    work(times.parse()?, Path::new(folder))
}

/// Does the work `times` times. Callgrind knows it by its name.
#[inline(never)]
fn counted(times: u64, mut work: impl FnMut(u64)) {
    for number in 0..times {
        work(number);
    }
}
