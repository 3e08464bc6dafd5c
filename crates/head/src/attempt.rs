//! A sink is asked to do something, and watched while it does.

use std::panic::{AssertUnwindSafe, catch_unwind};

use hydra_sink::{Error, ErrorKind};

use crate::metrics::Metrics;

/// Why a sink did not do what it was asked to.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` when it panicked.
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn is(&self, kind: ErrorKind) -> bool {
        self.kind == Some(kind)
    }

    pub(crate) fn is_panic(&self) -> bool {
        self.kind.is_none()
    }
}

/// Has a sink do `work`. How long that takes can be seen from outside, and how it failed, or panicked, is counted.
pub(crate) fn attempt<T>(metrics: &Metrics, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Failure> {
    metrics.begin_work();
    let done = catch_unwind(AssertUnwindSafe(work));
    metrics.end_work();
    let failure = match done {
        Ok(Ok(done)) => return Ok(done),
        Ok(Err(error)) => Failure {
            kind: Some(error.kind()),
            reason: error.to_string(),
        },
        Err(panic) => Failure {
            kind: None,
            reason: format!("the destination panicked: {}", text_of(&*panic)),
        },
    };
    metrics.failed(&failure);
    Err(failure)
}

/// What a panic says.
pub(crate) fn text_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
}
