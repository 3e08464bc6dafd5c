//! A command-line tool: people read standard error, a file keeps everything, and the code uses the `log` crate.
//!
//! `cargo run --features log --example tool -- Cargo.toml`

use std::path::Path;
use std::time::Duration;

use hydra_logger::config::{ByteSize, Stream};
use hydra_logger::{HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    run(Path::new("logs"), &paths)
}

/// Counts the lines of files.
pub(crate) fn run(dir: &Path, paths: &[String]) -> Result<(), Failure> {
    let people = LogDestination::console().stream(Stream::Stderr).level(Level::Warning);
    let everything = LogDestination::file(dir.join("tool.log")).max_size(ByteSize::mb(1));
    let layer = LogLayer::new(Level::Debug).destination(people).destination(everything);
    let log = HydraLogger::new(LoggingConfig::builder().layer("DEFAULT", layer).build()?)?;
    log.install()?;
    let lines: usize = paths.iter().map(|path| count(path)).sum();
    log::info!(files = paths.len(), lines; "done");
    log.shutdown(Duration::from_secs(5))?;
    Ok(())
}

fn count(path: &str) -> usize {
    match std::fs::read(path) {
        Ok(bytes) => {
            let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
            log::debug!(path, lines; "counted");
            lines
        }
        Err(err) => {
            log::warn!(path, err:err; "skipped {path}");
            0
        }
    }
}
