//! `hydra presets`: the magic configurations.

use std::fmt::Write as _;

use hydra_logger::magic;

use crate::outcome::{Failure, Outcome, put};

/// Lists names and descriptions.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let presets = magic::list();
    let width = presets.keys().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (name, description) in presets {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name:width$}  {description}");
    }
    put(&text)?;
    Ok(Outcome::Done)
}
