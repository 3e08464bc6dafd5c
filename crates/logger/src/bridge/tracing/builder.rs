//! How spans are taken down.

use std::sync::Arc;

use hydra_record::Level;
use tracing_core::Subscriber;
use tracing_subscriber::layer::Layer as _;
use tracing_subscriber::registry::{Extensions, LookupSpan};

use super::{TracingFilter, TracingFront, TracingLayer};
use crate::r#async::AsyncHydraLogger;
use crate::context::TraceParent;
use crate::core::Core;
use crate::sync::HydraLogger;

/// The most spans around an event that are told.
pub(super) const SPAN_DEPTH_MAX: usize = 64;

/// How the fields of the spans around an event become its context.
///
/// # Examples
/// ```
/// use hydra_logger::SpanFields;
/// use hydra_logger::testing::TestLog;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let log = TestLog::new();
/// let layer = log.tracing().spans(SpanFields::Prefixed).build();
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     let _request = tracing::info_span!("request", id = 7).entered();
///     tracing::info!("served");
/// });
/// assert!(log.one().context("request.id").is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanFields {
    /// Under their own names; those of an inner span go over those of an outer one. The default.
    #[default]
    Flat,
    /// Under the name of their span and their own: `request.id`.
    Prefixed,
    /// Not at all; nor are the names of spans.
    Off,
}

/// Finds a span's ids among what other layers have left at it.
pub(super) type FindIds = fn(&Extensions<'_>) -> Option<TraceParent>;

/// What is done with spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    pub(super) spans: SpanFields,
    pub(super) depth: usize,
    pub(super) close_timings: bool,
    pub(super) find_ids: Option<FindIds>,
}

impl Options {
    pub(super) const DEFAULT: Options = Options {
        spans: SpanFields::Flat,
        depth: SPAN_DEPTH_MAX,
        close_timings: false,
        find_ids: None,
    };
}

/// Makes a [`TracingLayer`]; begun by `HydraLogger::tracing`.
///
/// # Examples
/// ```
/// use hydra_logger::{HydraLogger, LoggingConfig, SpanFields};
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let log = HydraLogger::new(LoggingConfig::default())?;
/// let layer = log.tracing().spans(SpanFields::Prefixed).depth(2).close_timings().build();
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || {
///     let _request = tracing::info_span!("request", id = 7).entered();
///     tracing::info!(path = "/", "served");
/// });
/// # Ok::<(), hydra_logger::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "it does nothing until `build`"]
pub struct TracingBuilder {
    core: Arc<Core>,
    waits: bool,
    options: Options,
    span_level: Option<Level>,
}

impl TracingBuilder {
    pub(super) fn new(core: &Arc<Core>, waits: bool) -> TracingBuilder {
        TracingBuilder {
            core: Arc::clone(core),
            waits,
            options: Options::DEFAULT,
            span_level: Some(Level::Info),
        }
    }

    /// Says how the fields of the spans around an event are told. Their names are in the field `span`, from the
    /// outermost on: `request:query`.
    pub fn spans(mut self, spans: SpanFields) -> TracingBuilder {
        self.options.spans = spans;
        self
    }

    /// Tells only so many spans around an event, the innermost; 64 at most, and if nothing is said.
    pub fn depth(mut self, spans: usize) -> TracingBuilder {
        self.options.depth = spans.min(SPAN_DEPTH_MAX);
        self
    }

    /// Keeps spans of this level and above, whatever the level of the layer that their target goes to, so that an error
    /// tells what it happened in; `INFO` if nothing is said. Spans below are kept as events are: where the layer takes
    /// their level.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::Level;
    /// use hydra_logger::testing::TestLog;
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// let log = TestLog::new();
    /// let subscriber = tracing_subscriber::registry().with(log.tracing().span_level(Level::Debug).build());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     let _query = tracing::debug_span!("query", table = "users").entered();
    ///     tracing::error!("failed");
    /// });
    /// assert!(log.one().context("table").is_some());
    /// ```
    pub fn span_level(mut self, level: Level) -> TracingBuilder {
        self.span_level = Some(level);
        self
    }

    /// Makes a record `close` of each span that ends, at the span's level, with the time it was entered (`busy_ns`) and
    /// the time it was not (`idle_ns`).
    pub fn close_timings(mut self) -> TracingBuilder {
        self.options.close_timings = true;
        self
    }

    /// Puts the ids into the context of records that another layer has given to the span they are made in, as
    /// `trace_id` and `span_id`; they go over fields of those names.
    ///
    /// `find` is called with what the subscriber's layers have left at the innermost span, when an event is made in it.
    /// It must not log. With `tracing-opentelemetry`, of whichever version, it is
    ///
    /// ```text
    /// log.tracing().trace_ids(|span| {
    ///     let otel = span.get::<tracing_opentelemetry::OtelData>()?;
    ///     TraceParent::of_ids(otel.trace_id()?.to_bytes(), otel.span_id()?.to_bytes())
    /// })
    /// ```
    ///
    /// The library does not depend on that crate itself: each of its releases has types of its own, and the ids of the
    /// program's would not be found by those of ours.
    ///
    /// # Examples
    /// ```
    /// use hydra_logger::context::TraceParent;
    /// use hydra_logger::{HydraLogger, LoggingConfig};
    /// use tracing_subscriber::layer::SubscriberExt;
    ///
    /// /// What some layer leaves at each span.
    /// struct Ids([u8; 16], [u8; 8]);
    ///
    /// let log = HydraLogger::new(LoggingConfig::default())?;
    /// let layer = log.tracing().trace_ids(|span| {
    ///     let Ids(trace, span) = span.get::<Ids>()?;
    ///     TraceParent::of_ids(*trace, *span)
    /// });
    /// let subscriber = tracing_subscriber::registry().with(layer.build());
    /// # let _: &dyn tracing::Subscriber = &subscriber;
    /// # Ok::<(), hydra_logger::Error>(())
    /// ```
    pub fn trace_ids(mut self, find: fn(&Extensions<'_>) -> Option<TraceParent>) -> TracingBuilder {
        self.options.find_ids = Some(find);
        self
    }

    /// Makes the layer.
    pub fn build<S: Subscriber + for<'l> LookupSpan<'l>>(self) -> TracingLayer<S> {
        let (front, filter) = self.parts();
        front.with_filter(filter)
    }

    pub(super) fn parts(self) -> (TracingFront, TracingFilter) {
        // What each call site may know of its level is worked out anew when the levels change.
        self.core
            .bridges
            .tell(&self.core, |_| tracing_core::callsite::rebuild_interest_cache());
        let wants_spans = self.options.spans != SpanFields::Off || self.options.find_ids.is_some();
        let filter = TracingFilter {
            core: Arc::clone(&self.core),
            span_level: self.span_level.filter(|_| wants_spans),
        };
        (TracingFront::new(&self.core, self.waits, self.options), filter)
    }
}

macro_rules! layers {
    ($handle:ty, $waits:expr) => {
        impl $handle {
            /// Begins a layer for a `tracing` subscriber, of which the treatment of spans can be chosen.
            pub fn tracing(&self) -> TracingBuilder {
                TracingBuilder::new(&self.core, $waits)
            }

            /// Makes a layer for a `tracing` subscriber: events become records with typed fields, and the fields of the
            /// spans around them their context.
            ///
            /// An event's target leads to a layer of the logger as `[targets]` says. What the logger does not take
            /// costs what any disabled event does, and is still seen by other layers of the subscriber.
            ///
            /// # Examples
            /// ```
            /// use hydra_logger::{HydraLogger, LoggingConfig};
            /// use tracing_subscriber::filter::EnvFilter;
            /// use tracing_subscriber::layer::{Layer, SubscriberExt};
            ///
            /// let log = HydraLogger::new(LoggingConfig::default())?;
            /// let subscriber = tracing_subscriber::registry()
            ///     .with(log.tracing_layer().with_filter(EnvFilter::new("info,hyper=warn")))
            ///     .with(tracing_subscriber::fmt::layer());
            /// tracing::subscriber::with_default(subscriber, || tracing::info!(user = 42, "logged in"));
            /// # Ok::<(), hydra_logger::Error>(())
            /// ```
            pub fn tracing_layer<S: Subscriber + for<'l> LookupSpan<'l>>(&self) -> TracingLayer<S> {
                self.tracing().build()
            }
        }
    };
}

layers!(HydraLogger, true);
layers!(AsyncHydraLogger, false);
