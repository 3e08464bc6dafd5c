//! `hydra journal`: what lies in a journal directory, without touching it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hydra_journal::{DamageKind, Inspection, damaged_files, inspect};
use hydra_logger::ColorMode;

use crate::outcome::{Failure, Outcome, put};
use crate::paint::Paint;

/// What `hydra journal` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) dir: PathBuf,
    pub(crate) json: bool,
    pub(crate) color: Option<ColorMode>,
}

/// Looks, prints, and says whether something is corrupt.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    let journals = look(&options.dir)?;
    let text = if options.json {
        json(&journals)
    } else {
        let kept = damaged_files(&options.dir).map_err(Failure::undone)?;
        let paint = Paint::for_stdout(options.color);
        let kept = kept
            .iter()
            .map(|path| format!("{}  damaged, and kept\n", paint.bold(path.display())));
        plain(&journals, paint) + &kept.collect::<String>()
    };
    put(&text)?;
    let corrupt: Vec<String> = journals
        .iter()
        .filter(|journal| journal.is_corrupt())
        .flat_map(places)
        .collect();
    if corrupt.is_empty() {
        return Ok(Outcome::Done);
    }
    let message = format!("the journal is corrupt:\n  {}", corrupt.join("\n  "));
    Err(Failure::Told {
        outcome: Outcome::Corrupt,
        message,
    })
}

/// Looks at all journals of a directory, or at the one that the directory is.
fn look(dir: &Path) -> Result<Vec<Inspection>, Failure> {
    let cannot = |cause: &dyn std::fmt::Display| {
        Failure::undone(format_args!(
            "cannot look at the journal directory `{}`: {cause}",
            dir.display()
        ))
    };
    let full = std::fs::canonicalize(dir).map_err(|error| cannot(&error))?;
    if !full.is_dir() {
        return Err(cannot(&"it is no directory"));
    }
    let is_one = full
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with("j-"));
    match full.parent().filter(|_| is_one) {
        Some(root) => {
            let all = inspect(root).map_err(|error| cannot(&error))?;
            Ok(all.into_iter().filter(|journal| journal.dir == full).collect())
        }
        None => inspect(dir).map_err(|error| cannot(&error)),
    }
}

/// Names every place that is corrupt.
fn places(journal: &Inspection) -> Vec<String> {
    let dir = journal.dir.display();
    let mut places = Vec::new();
    for damage in journal.damage.iter().filter(|damage| damage.kind != DamageKind::Hole) {
        let what = if damage.kind == DamageKind::Missing {
            "missing"
        } else {
            "damaged"
        };
        let (segment, offset) = (damage.at.segment(), damage.at.offset());
        let file = journal.segments.iter().find(|view| view.number == segment);
        let file = file.map_or_else(|| dir.to_string(), |view| view.path.display().to_string());
        places.push(format!(
            "{file}: segment {segment}, byte {offset}: {} bytes {what}",
            damage.bytes
        ));
    }
    places.extend(
        journal
            .unreadable
            .iter()
            .map(|(path, reason)| format!("{}: {reason}", path.display())),
    );
    if journal.cursors_lost {
        places.push(format!("{dir}/cursors: the table of cursors is missing or damaged"));
    }
    places
}

fn plain(journals: &[Inspection], paint: Paint) -> String {
    let mut text = String::new();
    if journals.is_empty() {
        text.push_str("no journals\n");
    }
    for journal in journals {
        let owner = journal
            .owner
            .map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
        let state = if journal.alive {
            paint.green("alive")
        } else {
            paint.bold("dead")
        };
        let _ = writeln!(text, "{}  process {owner}, {state}", paint.bold(journal.dir.display()));
        for view in &journal.segments {
            let (number, bytes, used) = (view.number, view.bytes, view.used);
            let frames = format!("{} records, {} notes", view.records, view.notes);
            let _ = writeln!(text, "  segment {number}: {frames}, {used} of {bytes} bytes used");
        }
        for (name, state, behind) in &journal.heads {
            let _ = writeln!(text, "  head {name}: at {}, {behind} records behind", state.position);
        }
        for damage in journal.damage.iter().filter(|damage| damage.kind == DamageKind::Hole) {
            let _ = writeln!(
                text,
                "  hole at {}: {} bytes that were never filled",
                damage.at, damage.bytes
            );
        }
        for path in &journal.newer {
            let _ = writeln!(text, "  {}: written by a later version", path.display());
        }
        for place in places(journal) {
            let _ = writeln!(text, "  {} {place}", paint.red("corrupt"));
        }
    }
    text
}

fn json(journals: &[Inspection]) -> String {
    let all: Vec<serde_json::Value> = journals.iter().map(one).collect();
    format!("{:#}\n", serde_json::Value::from(all))
}

fn one(journal: &Inspection) -> serde_json::Value {
    let segments: Vec<_> = journal
        .segments
        .iter()
        .map(|view| {
            serde_json::json!({
                "number": view.number, "path": view.path.display().to_string(), "bytes": view.bytes,
                "used": view.used, "records": view.records, "notes": view.notes,
            })
        })
        .collect();
    let heads: Vec<_> = journal
        .heads
        .iter()
        .map(|(name, state, behind)| {
            serde_json::json!({
                "name": name, "segment": state.position.segment(), "offset": state.position.offset(), "behind": behind,
            })
        })
        .collect();
    let damage: Vec<_> = journal
        .damage
        .iter()
        .map(|damage| {
            let kind = match damage.kind {
                DamageKind::Hole => "hole",
                DamageKind::Corrupt => "corrupt",
                DamageKind::Missing => "missing",
            };
            let (segment, offset) = (damage.at.segment(), damage.at.offset());
            serde_json::json!({ "kind": kind, "segment": segment, "offset": offset, "bytes": damage.bytes })
        })
        .collect();
    let unreadable: Vec<_> = journal
        .unreadable
        .iter()
        .map(|(path, reason)| serde_json::json!({ "path": path.display().to_string(), "reason": reason }))
        .collect();
    serde_json::json!({
        "dir": journal.dir.display().to_string(),
        "owner": journal.owner,
        "alive": journal.alive,
        "corrupt": journal.is_corrupt(),
        "cursors_lost": journal.cursors_lost,
        "segments": segments,
        "heads": heads,
        "damage": damage,
        "unreadable": unreadable,
        "newer": journal.newer.iter().map(|path| path.display().to_string()).collect::<Vec<_>>(),
    })
}
