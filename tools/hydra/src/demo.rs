//! `hydra demo`: layers and formats, a kill in the middle of a burst, and the count that proves what came of it.

mod burst;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hydra_logger::{
    ColorMode, Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, critical, debug, info, warning,
};

use crate::outcome::{Failure, Outcome, put};
use crate::paint::Paint;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What `hydra demo` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) keep: bool,
    /// This is the child: it logs the burst, in this directory.
    pub(crate) burst: Option<PathBuf>,
    pub(crate) color: Option<ColorMode>,
}

/// Shows everything; done only if nothing was lost or doubled.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    if let Some(dir) = &options.burst {
        return burst::log(dir);
    }
    let dir = std::env::temp_dir().join(format!("hydra-demo-{:016x}", hydra_os::random::u64()));
    fs::create_dir_all(&dir).map_err(|error| cannot("make", &dir, &error))?;
    let shown = show(&dir, Paint::for_stdout(options.color));
    let keep = options.keep || matches!(shown, Ok(outcome) if outcome != Outcome::Done);
    if keep {
        put(&format!("\nThe files are in {}\n", dir.display()))?;
    } else {
        // What cannot be removed is in the directory for such things, and no reason to call the demo a failure.
        let _ = fs::remove_dir_all(&dir);
    }
    shown
}

fn show(dir: &Path, paint: Paint) -> Result<Outcome, Failure> {
    formats(&dir.join("formats"), paint)?;
    burst::show(&dir.join("burst"), paint)
}

fn cannot(what: &str, path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::undone(format_args!("cannot {what} `{}`: {error}", path.display()))
}

/// Sends a few records of two layers through every format.
fn formats(dir: &Path, paint: Paint) -> Result<(), Failure> {
    const FORMATS: [(Format, &str); 6] = [
        (Format::PlainText, "plain-text"),
        (Format::Json, "json"),
        (Format::Csv, "csv"),
        (Format::Syslog, "syslog"),
        (Format::Gelf, "gelf"),
        (Format::Logfmt, "logfmt"),
    ];
    let file = |name: &str, format| LogDestination::file(dir.join(name)).format(format);
    let api = FORMATS
        .iter()
        .fold(LogLayer::new(Level::Info), |layer, (format, name)| {
            layer.destination(file(name, *format))
        });
    let audit = LogLayer::new(Level::Debug).destination(file("audit", Format::PlainText).level(Level::Warning));
    let log = HydraLogger::new(
        LoggingConfig::builder()
            .layer("API", api)
            .layer("AUDIT", audit)
            .build()?,
    )?;

    info!(log, layer: "API", "user {id} logged in from {ip}", id = 42, ip = "10.0.0.1"; tenant = "acme");
    warning!(log, layer: "API", "served {path} in {ms:.1} ms", path = "/", ms = 1250.04);
    debug!(log, layer: "API", "below the layer's level: evaluated by nobody, written nowhere");
    info!(log, layer: "AUDIT", "below the destination's level: this layer wants only warnings in its file");
    critical!(log, layer: "AUDIT", "three wrong passwords for {user}", user = "root");
    log.shutdown(PATIENCE)?;

    let mut text = paint.bold("Two records of the layer API, in six formats; one of the layer AUDIT") + "\n";
    for name in FORMATS.iter().map(|(_, name)| *name).chain(["audit"]) {
        let path = dir.join(name);
        let written = fs::read_to_string(&path).map_err(|error| cannot("read", &path, &error))?;
        for (number, line) in written.lines().enumerate() {
            let title = if number == 0 { name } else { "" };
            text += &format!("{} {line}\n", paint.dim(format_args!("{title:>10}")));
        }
    }
    put(&text)
}
