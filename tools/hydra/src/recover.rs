//! `hydra recover`: what dead processes left goes where it belongs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hydra_journal::{Inspection, inspect};
use hydra_logger::{Counts, HydraLogger, LoggingConfig};

use crate::outcome::{Failure, Outcome, put};

/// How long to try, unless told otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);

/// What `hydra recover` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) config: PathBuf,
    pub(crate) timeout: Duration,
}

/// Delivers, prints counts, and says whether something is left.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    let config = LoggingConfig::from_file(&options.config)?;
    let Some(dir) = config.journal.dir.clone() else {
        put("nothing to recover: the configuration names no `journal.dir`\n")?;
        return Ok(Outcome::Done);
    };
    let before = journals(&dir)?;
    crate::pipe::settle_dead(&dir);
    let log = HydraLogger::new(config)?;
    let all = log.wait_recovered(options.timeout);
    let problems = log.health().problems;
    let report = log.shutdown(Duration::ZERO)?;
    drop(log);
    let mut text = counts(&report.destinations);
    for living in before.iter().filter(|journal| journal.alive) {
        let owner = living.owner.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
        let _ = writeln!(
            text,
            "{}: in use by the living process {owner}, left alone",
            living.dir.display()
        );
    }
    let living = |dir: &Path| before.iter().any(|journal| journal.alive && journal.dir == dir);
    // One whose owner died just now is for the next time; it was counted as living.
    let left: Vec<Inspection> = journals(&dir)?
        .into_iter()
        .filter(|journal| !journal.alive && !living(&journal.dir))
        .collect();
    for journal in &left {
        describe(journal, &mut text);
    }
    for problem in &problems {
        let _ = writeln!(text, "{problem}");
    }
    put(&text)?;
    Ok(if all && left.is_empty() && problems.is_empty() {
        Outcome::Done
    } else {
        Outcome::Undone
    })
}

fn journals(dir: &Path) -> Result<Vec<Inspection>, Failure> {
    if dir.exists() {
        inspect(dir).map_err(Failure::undone)
    } else {
        Ok(Vec::new())
    }
}

fn counts(destinations: &[(String, Counts)]) -> String {
    let mut text = String::new();
    // Sorted, and those that are one destination of several layers told apart by their names.
    for (name, counts) in destinations
        .iter()
        .map(|(name, counts)| (name, counts))
        .collect::<BTreeMap<_, _>>()
    {
        let (recovered, before) = (counts.recovered, counts.delivered_before);
        let _ = write!(text, "{name}: {recovered} delivered, {before} there already");
        for (count, what) in [
            (counts.skipped, "not to be replayed"),
            (counts.undecodable, "unreadable"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        for (count, what) in [
            (counts.damaged, "damaged places stepped over"),
            (counts.discarded, "refused"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        let _ = writeln!(text);
        if let Some(error) = &counts.last_error {
            let _ = writeln!(text, "  last failure: {error}");
        }
    }
    text
}

fn describe(journal: &Inspection, text: &mut String) {
    let _ = write!(text, "{}: left", journal.dir.display());
    for (name, _, behind) in &journal.heads {
        let _ = write!(text, ", {behind} records behind the cursor of {name}");
    }
    for (path, reason) in &journal.unreadable {
        let _ = write!(text, ", `{}` cannot be read: {reason}", path.display());
    }
    let _ = writeln!(text);
}
