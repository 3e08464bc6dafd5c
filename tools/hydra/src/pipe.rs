//! `hydra pipe`: standard input, a record a line.
//!
//! One thread reads, cuts lines and logs them; the logger's own threads format and write. Nothing of the input is kept
//! besides the block being read. A line is *settled* when it has reached its guarantee, is wanted by no destination, or
//! was refused and reported; with `--progress` the number of settled lines from the start is kept in a file, see
//! [`progress`].

mod input;
mod intake;
mod line;
mod logfmt;
mod number;
mod progress;
mod state;
mod stop;

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use hydra_logger::config::{CENTRALIZED, Kind};
use hydra_logger::{AsyncHydraLogger, ColorMode, DEFAULT, Guarantee, HydraLogger, Level, LoggingConfig};
use hydra_os::clock::Deadline;

use crate::outcome::{Failure, Outcome};
use input::{Input, Step};
use intake::Intake;
pub(crate) use line::Syntax;
use progress::Progress;
pub(crate) use progress::settle_dead;
use stop::Stop;

/// How long to wait for the oldest line's guarantee before looking for more input again.
const LOOK: Duration = Duration::from_millis(2);

/// What `hydra pipe` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) config: PathBuf,
    pub(crate) layer: Option<String>,
    pub(crate) level: Level,
    pub(crate) parse: Syntax,
    pub(crate) progress: Option<PathBuf>,
    pub(crate) color: Option<ColorMode>,
}

/// Logs until the input ends or a signal comes, then drains.
pub(crate) fn run(options: Options) -> Result<Outcome, Failure> {
    // First of all: what the file says is about the run before until then.
    let mut progress = options.progress.as_deref().map(Progress::begin).transpose()?;
    let config = read_config(&options)?;
    let layer = layer(&config, options.layer.as_deref())?;
    let timeout = config.shutdown_timeout;
    let stop = Stop::register()?;
    // The logger takes dead runs' journals over.
    config.journal.dir.iter().for_each(|dir| settle_dead(dir));
    // Lines that the run before has logged are in its journal; for more than that they have to be delivered first.
    let waits = options.parse != Syntax::Text || config.wanted(&layer, options.level).guarantee > Guarantee::Journaled;
    let log = AsyncHydraLogger::new(config)?;
    let owner = log.sync_handle();
    if let Some(progress) = &mut progress {
        match owner.journal_dir() {
            Some(dir) => progress.set_journal(dir),
            None => tell("no `journal.dir`: what FILE counts does not survive a kill of this process"),
        }
        if progress.has_repeats() && waits {
            owner.wait_recovered(timeout);
        }
    }
    let mut intake = Intake::new(&log, layer, options.level, options.parse, progress);
    let read = Input::new(&stop).map_err(|error| format!("cannot read standard input: {error}"));
    let reload = || reload(&options, &owner);
    if let Err(failure) = read.and_then(|mut input| follow(&mut input, &mut intake, &stop, &reload)) {
        tell(failure);
        intake.spoil();
    }
    finish(intake, &owner, timeout)
}

/// Reads the configuration, with what the command line says besides.
fn read_config(options: &Options) -> Result<LoggingConfig, hydra_logger::Error> {
    let mut config = LoggingConfig::from_file(&options.config)?;
    if let Some(mode) = options.color {
        paint(&mut config, mode);
    }
    Ok(config)
}

/// Puts the configuration in force that the file holds now. If anything is wrong with it, the old one stays.
fn reload(options: &Options, log: &HydraLogger) {
    match read_config(options).and_then(|config| log.reload(config)) {
        Ok(report) => tell(format_args!(
            "the configuration was read again: destinations kept {}, changed {}, added {}, removed {}",
            report.kept.len(),
            report.changed.len(),
            report.added.len(),
            report.removed.len()
        )),
        Err(error) => tell(format_args!("the configuration stays as it was: {error}")),
    }
}

/// Takes lines until there are no more.
fn follow(input: &mut Input<'_>, intake: &mut Intake, stop: &Stop, reload: &dyn Fn()) -> Result<(), String> {
    loop {
        // Counting must not wait for the next line, nor reading for the count.
        let step = match intake.is_settled() {
            true => input.step(None),
            false => input.step(Some(Duration::ZERO)),
        };
        match step.map_err(|error| format!("cannot read standard input: {error}"))? {
            Step::Lines => intake.take_all(input, stop),
            Step::Nothing => intake.settle_for(LOOK),
            Step::End | Step::Stopped => break,
        }
        // In this order: asking for a reload may silence what the end is waited for by.
        if stop.takes_reload() {
            reload();
        }
        if stop.is_asked() || intake.is_broken() {
            break;
        }
    }
    // A line that a signal has cut short is read again by the next run, if there is one.
    if !stop.is_asked() || !intake.has_progress() {
        intake.take_last(input, stop);
    }
    Ok(())
}

/// Waits for what is under way, delivers the rest and sums up.
fn finish(mut intake: Intake, log: &HydraLogger, timeout: Duration) -> Result<Outcome, Failure> {
    let end = Deadline::after(timeout);
    while !intake.is_settled() && !end.is_over() {
        intake.settle_for(end.left().min(Duration::from_millis(100)));
    }
    let recovered = log.wait_recovered(end.left());
    let report = log.shutdown(end.left().max(Duration::from_millis(100)))?;
    let health = log.health();
    let tally = intake.finish();
    let mut summary = format!("accepted {}, delivered {}", report.accepted, report.delivered);
    // Their calls end as those of lines that nobody wants.
    let held_back = report.suppressed.total();
    let counts = [
        (report.left_in_journal, "left in the journal"),
        (report.fell_back, "written to standard error instead"),
        (report.dropped, "dropped: nobody reads them any more"),
        (health.no_destination, "of layers without a destination"),
        (tally.refused, "refused"),
        (tally.unproven, "without their guarantee"),
        (held_back, "held back"),
        (tally.below.saturating_sub(held_back), "below the level"),
        (tally.unparsed, "logged as text"),
        (tally.invalid, "with invalid UTF-8, replaced"),
        (tally.repeated, "accepted by the run before"),
    ];
    for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
        summary.push_str(&format!(", {count} {what}"));
    }
    if !recovered {
        summary.push_str(", not all of what dead processes left");
    }
    tell(summary);
    let undelivered = report.left_in_journal + report.fell_back + report.dropped + health.no_destination;
    let unaccepted = tally.refused + tally.unproven + health.syncs_failed;
    let well = undelivered + unaccepted == 0 && recovered && !tally.spoilt;
    Ok(if well { Outcome::Done } else { Outcome::Undone })
}

/// Tells the person in front of the terminal, if there is one.
fn tell(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "hydra pipe: {text}");
}

fn paint(config: &mut LoggingConfig, mode: ColorMode) {
    let destinations = config.layers.values_mut().flat_map(|layer| &mut layer.destinations);
    for destination in destinations.filter(|destination| matches!(destination.kind, Kind::Console(_))) {
        destination.color_mode = mode;
    }
}

/// Finds the layer for lines that name none, and refuses one whose lines would go nowhere.
fn layer(config: &LoggingConfig, asked: Option<&str>) -> Result<String, Failure> {
    let has = |name: &str| config.layers.contains_key(name);
    let mut names = config.layers.keys();
    let name = match (asked, names.next(), names.next()) {
        (Some(asked), ..) => asked,
        // A configuration of one layer leaves no doubt.
        (None, Some(only), None) if only != CENTRALIZED => only,
        (None, ..) => DEFAULT,
    };
    if has(name) || has(DEFAULT) || has(CENTRALIZED) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = config.layers.keys().map(String::as_str).collect();
    let known = known.join(", ");
    Err(Failure::wrong(match asked {
        Some(asked) => format!("there is no layer `{asked}` and no layer `{DEFAULT}`; known are: {known}"),
        None => format!("there is no layer `{DEFAULT}`; name one with --layer, known are: {known}"),
    }))
}
