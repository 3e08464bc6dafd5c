//! Many seeds, each in a process of its own.

use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::args::Args;
use crate::round;

/// A round that takes longer than this, in real time, hangs.
const HANGS_AFTER: Duration = Duration::from_secs(120);
/// How many failing seeds are told in full.
const TOLD_MAX: usize = 10;

/// What came of all seeds.
#[derive(Debug, Default)]
pub struct Sum {
    /// Seeds run.
    pub seeds: u64,
    /// Those that failed, with what they said.
    pub failed: Vec<(u64, String)>,
    /// How long it took.
    pub took: Duration,
}

/// Runs one seed in this process and prints its verdict; says whether it is right.
pub fn alone(args: &Args, out: &mut dyn Write) -> bool {
    hydra_os::sim::stay_on(args.alone.unwrap_or(0));
    args.begin_to_lie();
    if args.tell {
        hydra_os::sim::tell_calls();
    }
    std::thread::spawn(|| {
        std::thread::sleep(HANGS_AFTER);
        // Nobody may be left to tell, and the exit code says it too.
        let _ = writeln!(io::stderr(), "hangs: a thread that holds the baton does not come back");
        std::process::exit(3);
    });
    let panics: &'static Mutex<Vec<String>> = Box::leak(Box::default());
    std::panic::set_hook(Box::new(|panic| {
        panics
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(panic.to_string());
    }));
    let verdict = round::run(args.seed);
    let panics = panics.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = writeln!(out, "seed {}: {verdict}", args.seed);
    for trouble in verdict.found.troubles.iter().chain(panics.iter()) {
        told = told.and_then(|()| writeln!(out, "    {trouble}"));
    }
    if !verdict.is_right() {
        told = told.and_then(|()| writeln!(out, "    scene: {:?}", verdict.scene));
        for what in verdict.told.iter().take(5) {
            told = told.and_then(|()| writeln!(out, "    told: {what}"));
        }
    }
    told.is_ok() && verdict.is_right() && panics.is_empty()
}

/// Runs `args.seeds` seeds by starting `exe` once for each.
pub fn run(args: &Args, exe: &Path, out: &mut (dyn Write + Send)) -> Sum {
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    let failed = Mutex::new(Vec::new());
    let out = Mutex::new(out);
    std::thread::scope(|scope| {
        for job in 0..args.jobs {
            let (next, failed, out) = (&next, &failed, &out);
            scope.spawn(move || {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= args.seeds {
                        break;
                    }
                    let seed = args.seed.wrapping_add(index);
                    let Some(said) = fails(args, exe, seed, job) else {
                        continue;
                    };
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    failed.push((seed, said.clone()));
                    if failed.len() <= TOLD_MAX {
                        // What could not be printed is in the sum.
                        let _ = writeln!(out.lock().unwrap_or_else(PoisonError::into_inner), "{said}");
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.sort();
    Sum {
        seeds: args.seeds,
        failed,
        took: begun.elapsed(),
    }
}

/// Returns what a seed said if it failed.
fn fails(args: &Args, exe: &Path, seed: u64, job: usize) -> Option<String> {
    let mut command = Command::new(exe);
    command.args(["--alone", &job.to_string(), "--seed", &seed.to_string()]);
    if let Some(lie) = args.lie {
        command.args(["--lie", lie]);
    }
    match command.output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
            let (said, complained) = (text(&output.stdout), text(&output.stderr));
            Some(format!("{said}\nseed {seed} FAILED ({}) {complained}", output.status))
        }
        Err(error) => Some(format!("seed {seed}: cannot be started: {error}")),
    }
}
