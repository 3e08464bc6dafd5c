//! `cargo xtask test`: everything that has to hold before a commit, and the whole of CI.
//!
//! Every step runs even after another has failed, so that one run shows all there is to mend; only a build that fails
//! stops what needs it. The last line is the sum of all test results; a step that failed without a failing test counts
//! as one failure there, a step that did not run as one skip, so that the line never reads better than the run was.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::step::{self, Ended, Outcome, cargo, stream};
use crate::tally::Tally;
use crate::tidy;
use crate::{api, instructions, semver};

/// All packages but the benches: these pull in every peer, and are built by `cargo xtask bench` alone.
const SCOPE: [&str; 4] = ["--workspace", "--exclude", "benches", "--all-features"];

/// Runs all steps; with names as arguments only those.
pub(crate) fn run(root: &Path, only: &[String]) -> ExitCode {
    if let Some(unknown) = only.iter().find(|name| !STEPS.iter().any(|(step, _)| step == name)) {
        let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
        eprintln!("unknown step `{unknown}`; the steps are: {}", names.join(", "));
        return ExitCode::from(2);
    }
    let mut ended: Vec<Ended> = Vec::new();
    for (name, work) in STEPS {
        if !only.is_empty() && !only.iter().any(|wanted| wanted == name) {
            continue;
        }
        let built = !ended
            .iter()
            .any(|step| step.name == "build" && step.outcome == Outcome::Failed);
        ended.push(step::run(name, |tally| match built {
            true => work(root, tally),
            false => Outcome::Skipped("the build failed".to_owned()),
        }));
    }
    close(&ended)
}

type Work = fn(&Path, &mut Tally) -> Outcome;

/// The steps in order: what is quick to fail comes first.
const STEPS: [(&str, Work); 13] = [
    ("tidy", |root, _| {
        if tidy::check(root) {
            Outcome::Passed
        } else {
            Outcome::Failed
        }
    }),
    ("fmt", |root, tally| {
        stream(cargo(root, &["fmt", "--all", "--", "--check"]), tally)
    }),
    ("build", |root, tally| {
        stream(scoped(root, &["build"], &["--all-targets"]), tally)
    }),
    ("clippy", |root, tally| {
        stream(
            scoped(root, &["clippy"], &["--all-targets", "--", "-D", "warnings"]),
            tally,
        )
    }),
    ("tests", |root, tally| {
        stream(scoped(root, &["test"], &["--no-fail-fast", "--all-targets"]), tally)
    }),
    ("doc-tests", |root, tally| {
        stream(scoped(root, &["test"], &["--no-fail-fast", "--doc"]), tally)
    }),
    ("docs", docs),
    ("api", api::check),
    ("semver", semver::check),
    ("loom", loom),
    ("simulation", simulation),
    ("features", features),
    ("instructions", instructions::check),
];

fn scoped(root: &Path, before: &[&str], after: &[&str]) -> std::process::Command {
    let mut command = cargo(root, before);
    command.args(SCOPE).args(after);
    command
}

fn docs(root: &Path, tally: &mut Tally) -> Outcome {
    let mut command = scoped(root, &["doc"], &["--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    stream(command, tally)
}

/// The models have a target folder of their own: their `--cfg loom` would otherwise rebuild everything twice a run.
fn loom(root: &Path, tally: &mut Tally) -> Outcome {
    let tests = root.join("crates/journal/tests");
    let models = names_in(&tests)
        .into_iter()
        .any(|name| name.starts_with("loom") && name.ends_with(".rs"));
    if !models {
        return Outcome::Skipped("crates/journal/tests/loom*.rs: no model yet".to_owned());
    }
    let args = [
        "test",
        "-p",
        "hydra-journal",
        "--release",
        "--no-fail-fast",
        "--test",
        "loom*",
    ];
    let mut command = cargo(root, &args);
    command
        .env("RUSTFLAGS", "--cfg loom")
        .env("CARGO_TARGET_DIR", target_dir(root).join("loom"));
    stream(command, tally)
}

/// The engine on a simulated machine: some seeds, and those that have failed once. A target folder of its own, as for
/// the models.
fn simulation(root: &Path, tally: &mut Tally) -> Outcome {
    let args = [
        "test",
        "-p",
        "simulation",
        "--release",
        "--no-fail-fast",
        "--all-targets",
    ];
    let mut command = cargo(root, &args);
    command
        .env("RUSTFLAGS", "--cfg sim")
        .env("CARGO_TARGET_DIR", target_dir(root).join("sim"));
    stream(command, tally)
}

pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from)
}

/// A feature only adds: the logger compiles with none, with each alone, and with all.
fn features(root: &Path, tally: &mut Tally) -> Outcome {
    let manifest = std::fs::read_to_string(root.join("crates/logger/Cargo.toml")).unwrap_or_default();
    let none = vec!["--no-default-features".to_owned()];
    let mut sets = vec![none.clone()];
    for name in feature_names(&manifest) {
        sets.push([none.clone(), vec!["--features".to_owned(), name]].concat());
    }
    sets.push(vec!["--all-features".to_owned()]);
    let mut outcome = Outcome::Passed;
    for set in sets {
        let mut command = cargo(root, &["check", "--quiet", "-p", "hydra-logger"]);
        command.args(&set);
        if stream(command, tally) == Outcome::Failed {
            outcome = Outcome::Failed;
        }
    }
    outcome
}

/// The names in the `[features]` table of a manifest, without `default`.
fn feature_names(manifest: &str) -> Vec<String> {
    tidy::manifest::entries(manifest, "features")
        .into_iter()
        .filter(|name| name != "default")
        .collect()
}

fn names_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

/// Prints what each step came to, then the sum of all test results as the last line.
fn close(ended: &[Ended]) -> ExitCode {
    println!("\nSummary");
    let mut sum = Tally::default();
    let mut failed: Vec<&str> = Vec::new();
    for step in ended {
        sum += step.tally;
        let mut note = String::new();
        match &step.outcome {
            Outcome::Passed => {}
            Outcome::Failed => {
                failed.push(&step.name);
                sum.failed += u64::from(step.tally.failed == 0);
                note = "FAILED".to_owned();
            }
            Outcome::Skipped(why) => {
                sum.skipped += 1;
                note = format!("skipped: {why}");
            }
        }
        let tests = if step.tally == Tally::default() {
            String::new()
        } else {
            format!("{}  ", step.tally)
        };
        println!(
            "    {:<10} {:>7.1} s  {tests}{note}",
            step.name,
            step.took.as_secs_f64()
        );
    }
    let total: Duration = ended.iter().map(|step| step.took).sum();
    match failed.as_slice() {
        [] => println!("all {} steps done in {:.0} s", ended.len(), total.as_secs_f64()),
        names => println!("failed: {}", names.join(", ")),
    }
    println!("{sum}");
    if failed.is_empty() && sum.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(outcome: Outcome, tally: Tally) -> Ended {
        Ended {
            name: "step".to_owned(),
            outcome,
            took: Duration::ZERO,
            tally,
        }
    }

    /// The features of the logger are found in its manifest, whatever else stands there.
    #[test]
    fn features_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\n[features]\n# A note.\ndefault = []\nlog = [\"dep:log\"]\n\
                        tracing = []\n[dependencies]\nlibc = \"0.2\"\n";
        assert_eq!(feature_names(manifest), ["log", "tracing"]);
    }

    /// A run fails when one step fails, and only then; a skipped step does not fail it.
    #[test]
    fn one_failed_step_fails_the_run() {
        let good = ended(
            Outcome::Passed,
            Tally {
                passed: 1,
                ..Tally::default()
            },
        );
        let idle = ended(Outcome::Skipped("no model".to_owned()), Tally::default());
        assert_eq!(close(&[good, idle]), ExitCode::SUCCESS);
        assert_eq!(close(&[ended(Outcome::Failed, Tally::default())]), ExitCode::FAILURE);
    }
}
