//! `hydra pipe`, from a file into one plain destination.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Figures, figures};
use crate::peer::Error;
use crate::workload::Event;

/// A line of the second input is filled up to so many bytes.
const LONG: usize = 300;

pub(super) fn run(dir: &Path, quick: bool) -> Result<Figures, Error> {
    let lines = if quick { 300_000 } else { 3_000_000 };
    let short = pipe(dir, "short", lines, 0)?;
    let long = pipe(dir, "long", lines / 3, LONG)?;
    Ok(figures([
        ("lines_per_second", lines as f64 / short.1.as_secs_f64()),
        ("bytes_per_second", short.0 as f64 / short.1.as_secs_f64()),
        ("long_bytes_per_second", long.0 as f64 / long.1.as_secs_f64()),
    ]))
}

/// Pipes a file of so many lines; its size, and the time until the program has ended.
fn pipe(dir: &Path, name: &str, lines: u64, filled: usize) -> Result<(u64, Duration), Error> {
    let (input, output, config) = (
        dir.join("input"),
        dir.join(format!("{name}.log")),
        dir.join("hydra.toml"),
    );
    write_lines(&input, lines, filled)?;
    fs::write(
        &config,
        format!(
            "[journal]\ndir = {:?}\n[layers.DEFAULT]\nlevel = \"INFO\"\n\
             [[layers.DEFAULT.destinations]]\ntype = \"file\"\npath = {:?}\n",
            dir.join(format!("journal-{name}")),
            output,
        ),
    )?;
    let begun = Instant::now();
    let status = Command::new(program()?)
        .arg("pipe")
        .arg("--config")
        .arg(&config)
        .stdin(File::open(&input)?)
        .stdout(Stdio::null())
        .status()?;
    let took = begun.elapsed();
    let written = fs::read(&output)?;
    let there = memchr::memchr_iter(b'\n', &written).count() as u64;
    if !status.success() || there != lines {
        return Err(format!("hydra pipe: {status}, {there} of {lines} lines").into());
    }
    Ok((fs::metadata(&input)?.len(), took))
}

fn write_lines(path: &Path, lines: u64, filled: usize) -> Result<(), Error> {
    let mut out = BufWriter::new(File::create(path)?);
    for id in 0..lines {
        let Event { id, ip, ms } = Event::new(id);
        let line = format!("user {id} logged in from {ip} in {ms} ms");
        writeln!(out, "{line:.<filled$}")?;
    }
    Ok(out.flush()?)
}

/// The command line, which is built beside the benchmark.
fn program() -> Result<PathBuf, Error> {
    let path = std::env::current_exe()?.with_file_name("hydra");
    if path.exists() {
        return Ok(path);
    }
    Err(format!("{} is not there: run this by `cargo xtask bench`", path.display()).into())
}
