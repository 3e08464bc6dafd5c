//! stub
use crate::outcome::{Failure, Outcome};
use std::path::PathBuf;
#[derive(Debug)]
pub(crate) struct Options { pub(crate) keep: bool, pub(crate) burst: Option<PathBuf>, pub(crate) color: Option<hydra_logger::ColorMode> }
pub(crate) fn run(_: &Options) -> Result<Outcome, Failure> { Ok(Outcome::Done) }
