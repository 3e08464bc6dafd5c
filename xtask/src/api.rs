//! `cargo xtask api`: what the logger's crate offers, held against a committed list.
//!
//! The list is taken from what `cargo doc` makes with the stable compiler: macros are expanded there, and what is
//! hidden is left out. A line that goes breaks programs, one that comes does not: both are seen in the change of the
//! list. How things are written depends on the compiler, so the list names it; with another one the step is skipped.

mod page;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::gate::target_dir;
use crate::instructions::compiler;
use crate::step::{Outcome, cargo, stream};
use crate::tally::Tally;

const LIST: &str = "crates/logger/golden/public-api.txt";
const PACKAGE: &str = "hydra-logger";
const FOLDER: &str = "hydra_logger";
/// What the macros' code names: no part of what is offered.
const HIDDEN: &str = "__private";

/// The command: compares, or with `--save` writes the list anew.
pub(crate) fn run(root: &Path, args: &[String]) -> ExitCode {
    let outcome = match args {
        [] => check(root, &mut Tally::default()),
        [save] if save == "--save" => save_list(root),
        _ => {
            eprintln!("unknown arguments; usage: cargo xtask api [--save]");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Skipped(why) => {
            eprintln!("nothing was compared: {why}");
            ExitCode::FAILURE
        }
        Outcome::Failed => ExitCode::FAILURE,
    }
}

/// The step of the gate.
pub(crate) fn check(root: &Path, tally: &mut Tally) -> Outcome {
    let Ok(old) = fs::read_to_string(root.join(LIST)) else {
        println!("cannot read {LIST}; `cargo xtask api --save` makes it");
        return Outcome::Failed;
    };
    let header = header();
    if !old.starts_with(&header) {
        return Outcome::Skipped(format!(
            "{LIST} is of another rustc; `cargo xtask api --save` makes it anew"
        ));
    }
    let now = match offered(root, tally) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    let old: BTreeSet<&str> = old.lines().skip(header.lines().count()).collect();
    let now: BTreeSet<&str> = now.iter().map(String::as_str).collect();
    let (gone, come): (Vec<_>, Vec<_>) = (old.difference(&now).collect(), now.difference(&old).collect());
    gone.iter().for_each(|line| println!("    - {line}"));
    come.iter().for_each(|line| println!("    + {line}"));
    if gone.is_empty() && come.is_empty() {
        println!("    {} lines, as in {LIST}", now.len());
        return Outcome::Passed;
    }
    println!("The public API differs from {LIST}: `cargo xtask api --save` takes that in. What goes breaks programs.");
    Outcome::Failed
}

fn save_list(root: &Path) -> Outcome {
    let now = match offered(root, &mut Tally::default()) {
        Ok(now) => now,
        Err(outcome) => return outcome,
    };
    let mut text = header();
    now.iter().for_each(|line| text.extend([line, "\n"]));
    match fs::write(root.join(LIST), text) {
        Ok(()) => Outcome::Passed,
        Err(error) => {
            println!("cannot write {LIST}: {error}");
            Outcome::Failed
        }
    }
}

fn header() -> String {
    format!(
        "# What {PACKAGE} offers with all features, as rustdoc {} shows it. Made by `cargo xtask api --save`.\n",
        compiler()
    )
}

/// Returns a line for everything that is offered.
fn offered(root: &Path, tally: &mut Tally) -> Result<BTreeSet<String>, Outcome> {
    // In a folder of its own: pages of things that are gone would stay in the usual one.
    let target = target_dir(root).join("api");
    let _ = fs::remove_dir_all(target.join("doc"));
    let mut command = cargo(root, &["doc", "--quiet", "-p", PACKAGE, "--no-deps", "--all-features"]);
    command.env("CARGO_TARGET_DIR", &target);
    match stream(command, tally) {
        Outcome::Passed => {}
        other => return Err(other),
    }
    let mut lines = BTreeSet::new();
    match read(&target.join("doc").join(FOLDER), "", &mut lines) {
        Ok(()) if !lines.is_empty() => Ok(lines),
        Ok(()) => {
            println!("no page of {FOLDER} tells anything: rustdoc's pages look different");
            Err(Outcome::Failed)
        }
        Err(error) => {
            println!("cannot read the pages of {FOLDER}: {error}");
            Err(Outcome::Failed)
        }
    }
}

/// Takes in the pages of a module and of the modules in it.
fn read(folder: &Path, module: &str, lines: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if name != HIDDEN {
                read(&entry.path(), &format!("{module}{name}::"), lines)?;
            }
        } else if let Some(item) = name.strip_suffix(".html").filter(|_| name != "all.html") {
            let html = fs::read_to_string(entry.path())?;
            let item = item.split_once('.').map_or("", |(_, name)| name);
            let place = format!("{module}{item}");
            lines.extend(page::lines(&html).into_iter().map(|line| format!("{place}: {line}")));
        }
    }
    Ok(())
}
