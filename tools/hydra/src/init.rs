//! `hydra init`: a configuration file to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use hydra_logger::magic;

use crate::outcome::{Failure, Outcome, put};

/// What `hydra init` was given.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) preset: String,
    pub(crate) output: Option<PathBuf>,
}

/// Writes the preset, with comments.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    let text = magic::toml_with_comments(&options.preset)?;
    let Some(path) = &options.output else {
        put(&text)?;
        return Ok(Outcome::Done);
    };
    let refuse = |error: std::io::Error| {
        let advice = match error.kind() {
            ErrorKind::AlreadyExists => "it is there already; name another file, or remove it first".to_owned(),
            _ => error.to_string(),
        };
        Failure::undone(format_args!("cannot write `{}`: {advice}", path.display()))
    };
    // What somebody has written into it is not ours to overwrite.
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(refuse)?;
    file.write_all(text.as_bytes()).map_err(refuse)?;
    Ok(Outcome::Done)
}
