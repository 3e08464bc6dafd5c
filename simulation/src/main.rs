//! `simulate [--seed S] [--seeds N]`: runs the engine on the simulated machine. See `cargo xtask simulate`.
#![forbid(unsafe_code)]

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match simulate() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(what) => {
            // Nothing is left to tell it to if standard error is closed.
            let _ = writeln!(std::io::stderr(), "simulate: {what}");
            ExitCode::from(2)
        }
    }
}

#[cfg(not(sim))]
fn simulate() -> Result<bool, String> {
    Err("this program was built for the real world; use `cargo xtask simulate`".to_owned())
}

#[cfg(sim)]
fn simulate() -> Result<bool, String> {
    use simulation::{args, farm};
    let words = std::env::args().skip(1);
    let mut out = std::io::stdout();
    let args = args::Args::parse(words).map_err(|error| format!("{error}\n{}", args::USAGE))?;
    if args.alone.is_some() {
        return Ok(farm::alone(&args, &mut out));
    }
    let exe = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let sum = farm::run(&args, &exe, &mut out);
    let seconds = sum.took.as_secs_f64();
    let told = writeln!(
        out,
        "simulation: {} seeds from {}, {} failed, {seconds:.1} s, {:.1} seeds/s",
        sum.seeds,
        args.seed,
        sum.failed.len(),
        sum.seeds as f64 / seconds
    );
    if !sum.failed.is_empty() {
        let seeds: Vec<String> = sum.failed.iter().map(|(seed, _)| seed.to_string()).collect();
        let _ = writeln!(out, "failed seeds: {}", seeds.join(" "));
    }
    Ok(sum.failed.is_empty() && told.is_ok())
}
