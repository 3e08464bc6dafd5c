//! A context around a future.

use std::pin::Pin;
use std::task::{Context as Poller, Poll};

use super::{Context, ContextFields, current};

/// Gives futures a context; brought in by `use hydra_logger::context::WithContext`.
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, WithContext};
///
/// let work = async { context::current().to_string() }.with_context([("job", 7)]);
/// assert_eq!(futures::executor::block_on(work), "job=7");
/// ```
pub trait WithContext: Future + Sized {
    /// Adds `fields` to the context in force here and now, and puts that around the future.
    ///
    /// The future carries it wherever it is polled, so a task that is spawned with it has it; what the future awaits
    /// is in it as well.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::context::{self, WithContext};
    ///
    /// async fn handle() -> String {
    ///     async { context::current().to_string() }.with_context([("step", 1)]).await
    /// }
    ///
    /// let answer = futures::executor::block_on(handle().with_context([("request_id", "r-1")]));
    /// assert_eq!(answer, "request_id=r-1 step=1");
    /// ```
    ///
    /// # Cancel safety
    /// As the future's own. What it does while it is dropped is in the context too.
    fn with_context(self, fields: impl ContextFields) -> InContext<Self> {
        InContext::new(fields.add_to(current()), self)
    }
}

impl<F: Future> WithContext for F {}

/// A future with a context around it; made by [`WithContext::with_context`] and [`Context::wrap`].
///
/// # Examples
/// ```
/// use hydra_logger::context::{InContext, WithContext};
///
/// let work: InContext<_> = std::future::ready(7).with_context([("job", 7)]);
/// assert_eq!(futures::executor::block_on(work), 7);
/// ```
#[derive(Debug)]
#[must_use = "futures do nothing unless they are polled"]
pub struct InContext<F> {
    context: Context,
    /// `None` only while it is dropped. In a box, so that it can be pinned without unsafe code.
    future: Option<Pin<Box<F>>>,
}

impl<F> InContext<F> {
    pub(super) fn new(context: Context, future: F) -> InContext<F> {
        InContext {
            context,
            future: Some(Box::pin(future)),
        }
    }
}

impl<F: Future> Future for InContext<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, poller: &mut Poller<'_>) -> Poll<F::Output> {
        let _entered = self.context.enter();
        match self.future.as_mut() {
            Some(future) => future.as_mut().poll(poller),
            None => Poll::Pending,
        }
    }
}

impl<F> Drop for InContext<F> {
    fn drop(&mut self) {
        let _entered = self.context.enter();
        self.future = None;
    }
}
