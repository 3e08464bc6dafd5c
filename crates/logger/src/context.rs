//! Fields of a stretch of work, which every record made in it carries: a request's id, a tenant, a trace.
//!
//! A context belongs to what the program does, not to a function: it is set around a closure ([`with`]) or a future
//! ([`WithContext::with_context`]) and goes for everything inside, however deep. What is set inside is added to it, and
//! goes over what has the same name. At the end, also at that of a panic, what was before is in force again.
//!
//! Records made by macros, by methods and through the `log` and `tracing` crates carry it; formats show it apart from
//! the record's own fields (JSON: `context`).
//!
//! # Threads and tasks
//! A new thread or task begins without a context, since nothing tells it who began it. Hand one over: [`current`] takes
//! it, [`Context::wrap`] puts it around a future, [`Context::run`] around a closure, [`Context::enter`] keeps it in
//! force on this thread as long as its guard lives. No runtime is asked for: a wrapped future sets the context whenever
//! it is polled, on whichever thread, and takes it back when the poll returns.
//!
//! ```
//! use hydra_logger::context::{self, Context};
//! use std::thread;
//!
//! context::with([("request_id", "r-1")], || {
//!     let here = context::current();
//!     let there = thread::spawn(move || here.run(|| context::current().to_string()));
//!     assert_eq!(there.join().unwrap(), "request_id=r-1");
//! });
//! assert!(context::current().is_empty());
//! # let _: Context = Context::new();
//! ```
//!
//! # Cost
//! A call that finds no context reads one word. Otherwise it copies the context's bytes, which are made once.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use hydra_record::{Encoder, FieldList, Value};

use crate::capture::ToValue;
use crate::global::{CONTEXT, HAS_CONTEXT};

mod future;
mod id;
mod traceparent;

pub use future::{InContext, WithContext};
pub use id::random_id;
pub use traceparent::{BadTraceParent, TraceParent};

/// The name of the field that follows one piece of work through many programs.
pub const CORRELATION_ID: &str = "correlation_id";
/// The name of the field with the trace's id, as W3C Trace Context defines it.
pub const TRACE_ID: &str = "trace_id";
/// The name of the field with the id of the work within the trace.
pub const SPAN_ID: &str = "span_id";

/// What a thread does now: the type of the thread-locals in [`crate::global`].
pub(crate) type Slot = RefCell<Fields>;
/// Says whether there is anything in the slot.
pub(crate) type Flag = Cell<bool>;
/// The fields of a context; `None` when it is empty.
pub(crate) type Fields = Option<Arc<FieldList>>;

/// The fields of a stretch of work, as they were at some moment; clones are the same list.
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, Context};
///
/// let request = Context::new().field("request_id", "r-1").field("attempt", 2);
/// request.run(|| {
///     context::with([("attempt", 3)], || {
///         assert_eq!(context::current().to_string(), "request_id=r-1 attempt=3");
///     });
///     assert_eq!(context::current(), request);
/// });
/// ```
///
/// Example: a request that goes on in a future.
/// ```
/// use hydra_logger::context::{self, Context, TraceParent};
///
/// let request = Context::new()
///     .correlation_id(&context::random_id())
///     .trace(&TraceParent::random())
///     .display("peer", std::net::Ipv4Addr::LOCALHOST);
/// assert!(request.get("peer").is_some() && request.iter().count() == 4 && !request.is_empty());
/// let work = request.wrap(async { context::current() });
/// assert_eq!(futures::executor::block_on(work), request);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Context {
    fields: Fields,
}

impl Context {
    /// Makes an empty one.
    pub const fn new() -> Context {
        Context { fields: None }
    }

    /// Adds a field; one of the same name goes. At most 255 are kept, and what is left out is counted in a field
    /// `fields_cut`.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl ToValue) -> Context {
        self.list().set(name, value.to_value());
        self
    }

    /// Adds a field with the text that a value's `Display` gives.
    #[must_use]
    pub fn display(mut self, name: &str, value: impl fmt::Display) -> Context {
        self.list().set_rendered(name, format_args!("{value}"));
        self
    }

    /// Adds the id that follows a piece of work through many programs, as the field `correlation_id`.
    #[must_use]
    pub fn correlation_id(self, id: &str) -> Context {
        self.field(CORRELATION_ID, id)
    }

    /// Adds the ids of a trace, as the fields `trace_id` and `span_id`.
    #[must_use]
    pub fn trace(self, parent: &TraceParent) -> Context {
        self.display(TRACE_ID, parent.trace_id())
            .display(SPAN_ID, parent.span_id())
    }

    /// Returns the value of a field.
    pub fn get(&self, name: &str) -> Option<Value<'_>> {
        self.fields.as_ref()?.get(name)
    }

    /// Iterates over names and values, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Value<'_>)> {
        self.fields.iter().flat_map(|list| list.iter())
    }

    /// Says whether there are no fields.
    pub fn is_empty(&self) -> bool {
        self.fields.is_none()
    }

    /// Puts this context, and nothing besides, in force on this thread until the guard is dropped.
    ///
    /// Guards are dropped in the reverse order in which they were made, as variables are. A guard does not follow an
    /// `.await` to another thread, so it cannot be held over one in a future that moves: use [`Context::wrap`] there.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::context::{self, Context};
    ///
    /// let entered = Context::new().field("job", 7).enter();
    /// assert_eq!(context::current().to_string(), "job=7");
    /// drop(entered);
    /// assert!(context::current().is_empty());
    /// ```
    pub fn enter(&self) -> Entered {
        Entered {
            before: swap(self.fields.clone()),
            on_this_thread: PhantomData,
        }
    }

    /// Runs `work` in this context, and nothing besides.
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        let _entered = self.enter();
        work()
    }

    /// Puts this context, and nothing besides, around a future.
    pub fn wrap<F: Future>(&self, future: F) -> InContext<F> {
        InContext::new(self.clone(), future)
    }

    fn list(&mut self) -> &mut FieldList {
        Arc::make_mut(self.fields.get_or_insert_default())
    }
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for (index, (name, value)) in self.iter().enumerate() {
            text.clear();
            value.write_text(&mut text);
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{name}={text}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Keeps a context in force; made by [`Context::enter`].
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, Context};
///
/// let entered = Context::new().field("job", 7).enter();
/// assert_eq!(context::current().to_string(), "job=7");
/// drop(entered);
/// assert!(context::current().is_empty());
/// ```
///
/// It does not follow a future to another thread:
/// ```compile_fail,E0277
/// use hydra_logger::context::Context;
///
/// fn spawn<F: Future + Send>(_: F) {}
/// spawn(async {
///     let _entered = Context::new().enter();
///     std::future::ready(()).await;
/// });
/// ```
#[derive(Debug)]
#[must_use = "the context is in force only while the guard lives"]
pub struct Entered {
    before: Fields,
    /// It puts back what was in force on the thread that made it.
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.before.take());
    }
}

/// What can be added to a context: a [`Context`], or names with values of one type, such as `[("user", "ada")]`.
///
/// For values of several types: `Context::new().field("user", "ada").field("attempt", 2)`.
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, Context, ContextFields};
///
/// struct Caller(u64);
///
/// impl ContextFields for Caller {
///     fn add_to(self, context: Context) -> Context {
///         context.field("caller", self.0)
///     }
/// }
///
/// context::with(Caller(7), || {
///     context::with(vec![("step", "first")], || {
///         assert_eq!(context::current().to_string(), "caller=7 step=first");
///     });
/// });
/// ```
pub trait ContextFields {
    /// Returns `context` with these fields; they go over those of the same names.
    fn add_to(self, context: Context) -> Context;
}

impl ContextFields for Context {
    fn add_to(self, mut context: Context) -> Context {
        match self.fields {
            Some(fields) if context.is_empty() => context.fields = Some(fields),
            Some(fields) => context.list().extend(&fields),
            None => {}
        }
        context
    }
}

impl ContextFields for &Context {
    fn add_to(self, context: Context) -> Context {
        self.clone().add_to(context)
    }
}

macro_rules! pairs {
    ($([$($generic:tt)*] $list:ty;)*) => {$(
        impl<N: AsRef<str>, V: ToValue, $($generic)*> ContextFields for $list {
            fn add_to(self, context: Context) -> Context {
                let add = |context: Context, (name, value): &(N, V)| context.field(name.as_ref(), value);
                self.iter().fold(context, add)
            }
        }
    )*};
}

pairs! {
    [const COUNT: usize] [(N, V); COUNT];
    [] &[(N, V)];
    [] Vec<(N, V)>;
}

/// Returns the context in force.
///
/// # Examples
/// ```
/// use hydra_logger::context;
///
/// context::with([("request_id", "r-1")], || {
///     assert_eq!(context::current().to_string(), "request_id=r-1");
/// });
/// assert!(context::current().is_empty());
/// ```
pub fn current() -> Context {
    if !HAS_CONTEXT.get() {
        return Context::new();
    }
    let fields = CONTEXT.try_with(|slot| slot.try_borrow().ok()?.clone());
    Context {
        fields: fields.ok().flatten(),
    }
}

/// Runs `work` with `fields` added to the context in force.
///
/// # Examples
/// ```
/// use hydra_logger::context;
/// use hydra_logger::{HydraLogger, LoggingConfig, info};
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// context::with([("request_id", "r-1")], || {
///     info!(log, "carries the request's id");
/// });
/// # Ok::<(), hydra_logger::Error>(())
/// ```
pub fn with<R>(fields: impl ContextFields, work: impl FnOnce() -> R) -> R {
    fields.add_to(current()).run(work)
}

/// Puts the context in force into a record, behind its fields.
#[inline]
pub(crate) fn put(encoder: &mut Encoder<'_>) {
    if HAS_CONTEXT.get() {
        encoder.apart(put_current);
    }
}

#[cold]
fn put_current(encoder: &mut Encoder<'_>) {
    // No user code runs while it is borrowed, but a signal's handler may find it so. A thread that is being torn down
    // has no context any more.
    let _ = CONTEXT.try_with(|slot| {
        if let Ok(slot) = slot.try_borrow()
            && let Some(fields) = slot.as_deref()
        {
            encoder.context_list(fields);
        }
    });
}

/// Puts `inner` into a record as its context, and of the context in force what `inner` does not have.
#[cfg(feature = "tracing")]
pub(crate) fn put_around(encoder: &mut Encoder<'_>, inner: &FieldList) {
    encoder.context_list(inner);
    if !HAS_CONTEXT.get() {
        return;
    }
    let _ = CONTEXT.try_with(|slot| {
        let Ok(fields) = slot.try_borrow() else {
            return;
        };
        for (name, value) in fields.iter().flat_map(|list| list.iter()) {
            if inner.get(name).is_none() {
                encoder.context(name, value);
            }
        }
    });
}

/// Puts other fields in force on this thread; returns those that were.
fn swap(fields: Fields) -> Fields {
    let is_some = fields.is_some();
    let swapped = CONTEXT.try_with(|slot| {
        let before = std::mem::replace(&mut *slot.try_borrow_mut().ok()?, fields);
        HAS_CONTEXT.set(is_some);
        before
    });
    swapped.ok().flatten()
}
