//! Runs the plan: scenario by scenario, round by round, the peers in turn.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::Plan;
use crate::cpp;
use crate::peer::{Error, Setup};
use crate::peers::{Entry, Runner};
use crate::report;
use crate::results::{Results, Round};
use crate::scenario::{Kind, Scenario};
use crate::verify;

/// Whose promises are measured alone.
pub(crate) const ALONE: &str = "hydra";

/// Measures everything the plan asks for and writes the reports.
///
/// # Errors
///
/// Only what makes a report impossible; a run that fails is a mark in the report.
pub(crate) fn all(plan: &Plan) -> Result<(), Error> {
    let scratch = plan.out.join("scratch");
    fs::create_dir_all(&scratch).map_err(|error| format!("cannot make {}: {error}", scratch.display()))?;
    let mut results = Results::default();
    let mut programs = Vec::new();
    for entry in &plan.peers {
        match program(entry, &scratch) {
            Ok(program) => programs.push((*entry, program)),
            Err(why) => {
                eprintln!("skipped: {}: {why}", entry.name);
                results.skipped.insert(entry.name, why);
            }
        }
    }
    let begun = Instant::now();
    for scenario in &plan.scenarios {
        for round in 0..plan.rounds {
            // Each round begins with another peer, so that none always runs after the same one.
            let turn = usize::try_from(round)? % programs.len().max(1);
            for (entry, program) in programs.iter().cycle().skip(turn).take(programs.len()) {
                if scenario.kind == Kind::Alone && entry.name != ALONE {
                    continue;
                }
                let run = Run {
                    plan,
                    entry,
                    program,
                    scenario: *scenario,
                    round,
                    scratch: &scratch,
                };
                let outcome = run.measure().map_err(|error| error.to_string());
                note(entry.name, scenario, round, &outcome);
                results.rounds.push(Round {
                    peer: entry.name,
                    scenario: *scenario,
                    outcome,
                });
            }
        }
    }
    // What is left there is of no use to anyone, and large.
    let _ = fs::remove_dir_all(&scratch);
    report::write(plan, &results, begun.elapsed())
}

/// The program that runs a peer.
fn program(entry: &Entry, scratch: &Path) -> Result<PathBuf, String> {
    match entry.runner {
        Runner::Own(_) => std::env::current_exe().map_err(|error| format!("cannot find myself: {error}")),
        Runner::Cpp => cpp::compile(scratch),
    }
}

fn note(peer: &str, scenario: &Scenario, round: u64, outcome: &Result<Value, String>) {
    let figure = |value: &Value| {
        let of = |key: &str| value.get(key).and_then(Value::as_f64);
        match scenario.kind {
            Kind::Throughput => of("records_per_second").map(|rate| format!("{:.2} M records/s", rate / 1e6)),
            Kind::Disabled => of("disabled_ns").map(|ns| format!("{ns:.2} ns")),
            Kind::End(_) => of("lost").map(|lost| format!("{lost} lost")),
            Kind::LatencyFull | Kind::LatencyPaced | Kind::Alone => Some("done".to_owned()),
        }
    };
    let said = match outcome {
        Ok(value) => figure(value).unwrap_or_default(),
        Err(why) => format!("FAILED: {why}"),
    };
    eprintln!("{:<16} round {} {peer:<18} {said}", scenario.name, round + 1);
}

struct Run<'a> {
    plan: &'a Plan,
    entry: &'a Entry,
    program: &'a Path,
    scenario: Scenario,
    round: u64,
    scratch: &'a Path,
}

impl Run<'_> {
    /// One run in a fresh folder, with what it left counted.
    fn measure(&self) -> Result<Value, Error> {
        let dir = self.scratch.join("run");
        if dir.exists() {
            fs::remove_dir_all(&dir)?;
        }
        fs::create_dir_all(&dir)?;
        let setup = Setup {
            dir,
            format: self.scenario.format,
            destinations: self.scenario.destinations,
        };
        let records = self.plan.records(&self.scenario, self.round);
        let (status, said) = self.child(&setup, records, "run")?;
        match self.scenario.kind {
            Kind::End(_) => self.losses(&setup, records),
            _ if !status.success() => Err(format!("{status}: {}", self.complaints()).into()),
            Kind::Alone => Ok(serde_json::from_str(said.trim())?),
            _ => checked(serde_json::from_str(said.trim())?, &setup),
        }
    }

    /// Counts what is missing after the process has died, and again after the next start if that brings records back.
    fn losses(&self, setup: &Setup, records: u64) -> Result<Value, Error> {
        let at_once = verify::count(&setup.first(), records)?;
        let mut found = at_once;
        if self.entry.recovers {
            let (status, _) = self.child(setup, 0, "recover")?;
            if !status.success() {
                return Err(format!("recovery: {status}: {}", self.complaints()).into());
            }
            found = verify::count(&setup.first(), records)?;
        }
        Ok(json!({
            "records": records,
            "lost_at_once": records - at_once.distinct,
            "lost": records - found.distinct,
            "doubled": found.lines - found.distinct,
            "foreign": found.foreign,
        }))
    }

    fn child(&self, setup: &Setup, records: u64, mode: &str) -> Result<(ExitStatus, String), Error> {
        let mut command = Command::new(self.program);
        match self.entry.runner {
            Runner::Own(_) => command.args(["--child", self.entry.name, self.scenario.name]),
            Runner::Cpp => command.arg(self.scenario.name),
        };
        command.arg(&setup.dir).arg(records.to_string());
        if let Runner::Own(_) = self.entry.runner {
            command.arg(mode);
        }
        let complaints = fs::File::create(self.scratch.join("stderr.txt"))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()?;
        wait(child, self.plan.patience())
    }

    /// The end of what the child has said on standard error.
    fn complaints(&self) -> String {
        let text = fs::read(self.scratch.join("stderr.txt")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("it said nothing")
            .to_owned()
    }
}

/// Adds to what a child has measured how many of its records are missing from its files.
fn checked(mut value: Value, setup: &Setup) -> Result<Value, Error> {
    let figures = value.as_object_mut().ok_or("the child did not print an object")?;
    let records = figures
        .get("records")
        .and_then(Value::as_u64)
        .ok_or("the child did not say how many records")?;
    let mut missing = 0;
    for path in setup.files() {
        missing += records - verify::count(&path, records)?.distinct;
    }
    figures.insert("missing".to_owned(), json!(missing));
    Ok(value)
}

/// Waits for a child, kills it when it takes too long, and returns what it printed.
fn wait(mut child: Child, patience: Duration) -> Result<(ExitStatus, String), Error> {
    let begun = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if begun.elapsed() > patience => {
                child.kill()?;
                child.wait()?;
                return Err(format!("it did not end within {} s", patience.as_secs()).into());
            }
            // Long enough not to disturb two cores, short against a run. A line of JSON fits into the pipe meanwhile.
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut said = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        stdout.read_to_string(&mut said)?;
    }
    Ok((status, said))
}
