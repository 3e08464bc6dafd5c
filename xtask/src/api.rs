//! `cargo xtask api`: what the logger's crate offers, held against a committed list.
//!
//! The list is taken from what `cargo doc` makes with the stable compiler: macros are expanded there, and what is
//! hidden is left out. A line that goes breaks programs, one that comes does not: both are seen in the change of the
//! list. How things are written depends on the compiler, so the list names it; with another one the step is skipped.
//!
//! What is offered is also shown: every item has an example, or a reason to have none (see [`shown`]).

mod page;
mod shown;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use crate::gate::target_dir;
use crate::instructions::compiler;
use crate::step::{Outcome, cargo, stream};
use crate::tally::Tally;

const LIST: &str = "crates/logger/golden/public-api.txt";
const REASONS: &str = "crates/logger/golden/without-example.txt";
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
    let Offered { lines: now, unshown } = match offered(root, tally) {
        Ok(offered) => offered,
        Err(outcome) => return outcome,
    };
    let is_shown = has_reasons(root, &unshown);
    let old: BTreeSet<&str> = old.lines().skip(header.lines().count()).collect();
    let now: BTreeSet<&str> = now.iter().map(String::as_str).collect();
    let (gone, come): (Vec<_>, Vec<_>) = (old.difference(&now).collect(), now.difference(&old).collect());
    gone.iter().for_each(|line| println!("    - {line}"));
    come.iter().for_each(|line| println!("    + {line}"));
    if gone.is_empty() && come.is_empty() {
        println!("    {} lines, as in {LIST}", now.len());
        return if is_shown { Outcome::Passed } else { Outcome::Failed };
    }
    println!("The public API differs from {LIST}: `cargo xtask api --save` takes that in. What goes breaks programs.");
    Outcome::Failed
}

/// Says whether there is a reason for everything without an example, and an item for every reason.
fn has_reasons(root: &Path, unshown: &BTreeSet<String>) -> bool {
    let text = fs::read_to_string(root.join(REASONS)).unwrap_or_default();
    let reasons = shown::reasons(&text);
    let without: Vec<_> = unshown
        .iter()
        .filter(|name| !reasons.contains_key(name.as_str()))
        .collect();
    let stale: Vec<_> = reasons.keys().filter(|name| !unshown.contains(**name)).collect();
    without.iter().for_each(|name| println!("    no example: {name}"));
    stale
        .iter()
        .for_each(|name| println!("    not without an example any more: {name}"));
    if !without.is_empty() || !stale.is_empty() {
        println!("Every public item has an example that runs, on its own page, or a reason in {REASONS}.");
    }
    without.is_empty() && stale.is_empty()
}

fn save_list(root: &Path) -> Outcome {
    let offered = match offered(root, &mut Tally::default()) {
        Ok(offered) => offered,
        Err(outcome) => return outcome,
    };
    let mut text = header();
    offered.lines.iter().for_each(|line| text.extend([line, "\n"]));
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

/// What the documentation tells.
#[derive(Debug, Default)]
struct Offered {
    /// A line for everything that is offered.
    lines: BTreeSet<String>,
    /// What has no example.
    unshown: BTreeSet<String>,
}

fn offered(root: &Path, tally: &mut Tally) -> Result<Offered, Outcome> {
    // In a folder of its own: pages of things that are gone would stay in the usual one.
    let target = target_dir(root).join("api");
    let _ = fs::remove_dir_all(target.join("doc"));
    let mut command = cargo(root, &["doc", "--quiet", "-p", PACKAGE, "--no-deps", "--all-features"]);
    command.env("CARGO_TARGET_DIR", &target);
    match stream(command, tally) {
        Outcome::Passed => {}
        other => return Err(other),
    }
    let mut offered = Offered::default();
    match read(&target.join("doc").join(FOLDER), "", &mut offered) {
        Ok(()) if !offered.lines.is_empty() => Ok(offered),
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
fn read(folder: &Path, module: &str, offered: &mut Offered) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            if name != HIDDEN {
                read(&entry.path(), &format!("{module}{name}::"), offered)?;
            }
        } else if let Some(item) = name.strip_suffix(".html").filter(|_| name != "all.html") {
            let html = fs::read_to_string(entry.path())?;
            let (kind, item) = item.split_once('.').unwrap_or_default();
            let place = format!("{module}{item}");
            offered.unshown.extend(shown::missing(kind, &place, &html));
            let lines = page::lines(&html).into_iter();
            offered.lines.extend(lines.map(|line| format!("{place}: {line}")));
        }
    }
    Ok(())
}
