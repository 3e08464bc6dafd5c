//! `cargo xtask instructions`: counts what calls and records cost, and holds that against committed baselines.
//!
//! Times depend on the machine and on what else it does; numbers of instructions hardly do. Callgrind counts those of
//! one function of the package `benches/instructions`, on one thread. What still differs is taken out or told: the C
//! library is kept from choosing copy routines by the processor ([`PLAIN_COPIES`]), and baselines name the compiler
//! they were made with; with another one the step is skipped.

mod baseline;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use self::baseline::{Baseline, Verdict};
use crate::gate::target_dir;
use crate::packages;
use crate::step::{Outcome, cargo, stream};
use crate::tally::Tally;

const BASELINES: &str = "benches/instructions/baselines.toml";
/// The function that is counted, as callgrind spells it.
const COUNTED: &str = "--toggle-collect=instructions::counted*";
/// Calls or records in one run: few enough for one segment of the journal and for a second of time.
const TIMES: u64 = 10_000;
/// A count is taken again when it is too high, and the least holds: threads that wait for each other can only add.
const ATTEMPTS: u32 = 3;
/// Has glibc copy memory in one way on every processor; the names differ between its versions.
const PLAIN_COPIES: &str =
    "glibc.cpu.hwcaps=-AVX2,-AVX2_Usable,-AVX512F,-AVX512VL,-ERMS,-FSRM,-AVX_Fast_Unaligned_Load";

/// The command: compares, or with `--save` writes new baselines.
pub(crate) fn run(root: &Path, args: &[String]) -> ExitCode {
    let outcome = match args {
        [] => check(root, &mut Tally::default()),
        [save] if save == "--save" => save_all(root),
        _ => {
            eprintln!("unknown arguments; usage: cargo xtask instructions [--save]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Skipped(why) => {
            eprintln!("nothing was counted: {why}");
            ExitCode::FAILURE
        }
        Outcome::Failed => ExitCode::FAILURE,
    }
}

/// The step of the gate.
pub(crate) fn check(root: &Path, tally: &mut Tally) -> Outcome {
    let old = match std::fs::read_to_string(root.join(BASELINES)) {
        Ok(text) => Baseline::parse(&text),
        Err(error) => {
            println!("cannot read {BASELINES}: {error}");
            return Outcome::Failed;
        }
    };
    let compiler = compiler();
    if old.compiler != compiler {
        let what = format!("{BASELINES} is for rustc {}, this is {compiler}", old.compiler);
        return Outcome::Skipped(format!("{what}; `cargo xtask instructions --save` makes it anew"));
    }
    let counter = match Counter::new(root, tally) {
        Ok(counter) => counter,
        Err(outcome) => return outcome,
    };
    match compare(&counter, &old) {
        Ok(true) => Outcome::Passed,
        Ok(false) => Outcome::Failed,
        Err(error) => {
            println!("{error}");
            Outcome::Failed
        }
    }
}

/// Counts and prints every measure; says whether none is over its baseline.
fn compare(counter: &Counter, old: &Baseline) -> Result<bool, String> {
    let (mut good, mut lower) = (true, false);
    for measure in counter.measures()? {
        let before = old.count(&measure);
        let mut count = counter.count(&measure)?;
        for _ in 1..ATTEMPTS {
            if baseline::judge(before, count) == Verdict::More {
                count = count.min(counter.count(&measure)?);
            }
        }
        let verdict = baseline::judge(before, count);
        let before = before.map_or_else(|| "-".to_owned(), |count| count.to_string());
        println!("    {measure:<16} {before:>6} -> {count:>6}  {verdict}");
        good &= !matches!(verdict, Verdict::More | Verdict::Unknown);
        lower |= verdict == Verdict::Less;
    }
    if !good {
        println!("What costs more is to be mended; if it is meant, `cargo xtask instructions --save` and say why.");
    } else if lower {
        println!("Keep what was gained: `cargo xtask instructions --save` writes the lower counts.");
    }
    Ok(good)
}

fn save_all(root: &Path) -> Outcome {
    let counter = match Counter::new(root, &mut Tally::default()) {
        Ok(counter) => counter,
        Err(outcome) => return outcome,
    };
    let saved = counter.measures().and_then(|measures| {
        let mut counts = Vec::new();
        for measure in measures {
            let mut least = counter.count(&measure)?;
            for _ in 1..ATTEMPTS {
                least = least.min(counter.count(&measure)?);
            }
            println!("    {measure:<16} {least:>6}");
            counts.push((measure, least));
        }
        let text = Baseline {
            compiler: compiler(),
            counts,
        }
        .to_text();
        std::fs::write(root.join(BASELINES), text).map_err(|error| format!("cannot write {BASELINES}: {error}"))
    });
    match saved {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            println!("{error}");
            Outcome::Failed
        }
    }
}

/// The program that is counted, built, and a folder for its journal.
struct Counter {
    program: PathBuf,
    folder: PathBuf,
}

impl Counter {
    /// Gets valgrind and builds the program; says why not otherwise.
    fn new(root: &Path, tally: &mut Tally) -> Result<Counter, Outcome> {
        if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
            return Err(Outcome::Skipped("the baselines are for Linux on x86-64".to_owned()));
        }
        get_valgrind().map_err(Outcome::Skipped)?;
        match stream(cargo(root, &["build", "--release", "-p", "instructions"]), tally) {
            Outcome::Passed => {}
            other => return Err(other),
        }
        let target = root.join(target_dir(root));
        Ok(Counter {
            program: target.join("release/instructions"),
            folder: target.join("instructions"),
        })
    }

    fn measures(&self) -> Result<Vec<String>, String> {
        let listed = text_of(&mut Command::new(&self.program))?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Counts the instructions of one call or record.
    fn count(&self, measure: &str) -> Result<u64, String> {
        let told = |error| format!("cannot prepare {}: {error}", self.folder.display());
        if self.folder.exists() {
            std::fs::remove_dir_all(&self.folder).map_err(told)?;
        }
        std::fs::create_dir_all(&self.folder).map_err(told)?;
        let mut valgrind = Command::new("valgrind");
        valgrind
            .env("GLIBC_TUNABLES", PLAIN_COPIES)
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", COUNTED])
            .arg(&self.program)
            .args([measure, &TIMES.to_string()])
            .arg(&self.folder);
        let output = valgrind
            .output()
            .map_err(|error| format!("cannot start valgrind: {error}"))?;
        let text = String::from_utf8_lossy(&output.stderr);
        match baseline::collected(&text) {
            Some(total) if output.status.success() && total > 0 => Ok((total + TIMES / 2) / TIMES),
            _ => Err(format!(
                "{measure} could not be counted ({}):\n{}",
                output.status,
                text.trim_end()
            )),
        }
    }
}

/// Makes sure that there is valgrind, from Debian's package if need be.
fn get_valgrind() -> Result<(), String> {
    if packages::answers("valgrind") {
        return Ok(());
    }
    packages::install(&["valgrind".to_owned()]).map_err(|error| format!("valgrind is missing: {error}"))?;
    if packages::answers("valgrind") {
        Ok(())
    } else {
        Err("valgrind does not start although its package is installed".to_owned())
    }
}

/// The version of the compiler that builds here.
pub(crate) fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = text_of(Command::new(rustc).arg("--version")).unwrap_or_default();
    told.split_whitespace().nth(1).unwrap_or("unknown").to_owned()
}

/// Runs a command to its end; returns what it wrote.
fn text_of(command: &mut Command) -> Result<String, String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(format!("{:?}: {}", command.get_program(), output.status)),
        Err(error) => Err(format!("cannot start {:?}: {error}", command.get_program())),
    }
}
