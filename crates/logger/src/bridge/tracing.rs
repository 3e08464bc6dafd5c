//! The `tracing` crate's macros: a layer for a `tracing` subscriber.

use std::sync::Arc;

use hydra_record::{Encoder, Level, Location};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Dispatch, Event, LevelFilter, Metadata, Subscriber};
use tracing_subscriber::filter::Filtered;
use tracing_subscriber::layer::{Context, Filter, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{Extensions, LookupSpan, Registry};

use super::{Message, Place, Source, place, taken};
use crate::context::{self, TraceParent};
use crate::core::Core;
use crate::error::Error;
use crate::local::theirs;

mod builder;
mod early;
mod fields;
mod spans;

use builder::Options;
pub use builder::{SpanFields, TracingBuilder};
pub(super) use early::{Early, install_early};
use fields::{Fields, Parts};
use spans::{Kept, Span};

/// A layer of a `tracing` subscriber that gives events to a logger; made by `HydraLogger::tracing_layer`.
///
/// It is a filtered layer: what the logger does not take is filtered out for the logger only, and other layers see it.
///
/// # Examples
/// ```
/// use hydra_logger::TracingLayer;
/// use hydra_logger::testing::TestLog;
/// use tracing_subscriber::Registry;
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let log = TestLog::new();
/// let layer: TracingLayer<Registry> = log.tracing_layer();
/// let subscriber = tracing_subscriber::registry().with(layer);
/// tracing::subscriber::with_default(subscriber, || tracing::info!("served"));
/// assert_eq!(log.messages(), ["served"]);
/// ```
pub type TracingLayer<S> = Filtered<TracingFront, TracingFilter, S>;

/// Takes events and spans for a logger: a part of [`TracingLayer`].
#[derive(Debug)]
pub struct TracingFront {
    core: Arc<Core>,
    waits: bool,
    options: Options,
    /// Tells its spans from those of other layers on the same registry.
    number: u64,
}

/// Says what a logger takes: a part of [`TracingLayer`].
#[derive(Debug)]
pub struct TracingFilter {
    core: Arc<Core>,
    /// The least level of spans that are kept although the layer takes no events of it.
    span_level: Option<Level>,
}

const SUBSCRIBER: &str = "the global `tracing` subscriber";
const ADVICE: &str =
    "call `install` before anything else sets a global subscriber, or add `tracing_layer()` to that one";

pub(super) fn install(core: &Arc<Core>, waits: bool) -> Result<(), Error> {
    let builder = TracingBuilder::new(core, waits);
    if let Some(early) = Early::on() {
        return early.connect(builder);
    }
    set_global(builder.build())
}

fn set_global(layer: impl Layer<Registry> + Send + Sync) -> Result<(), Error> {
    let set = tracing_core::dispatcher::set_global_default(Dispatch::new(Registry::default().with(layer)));
    set.map_err(|error| taken(SUBSCRIBER, ADVICE).from_source(error))
}

fn level(level: &tracing_core::Level) -> Level {
    match *level {
        tracing_core::Level::TRACE => Level::Trace,
        tracing_core::Level::DEBUG => Level::Debug,
        tracing_core::Level::INFO => Level::Info,
        tracing_core::Level::WARN => Level::Warning,
        tracing_core::Level::ERROR => Level::Error,
    }
}

/// Returns the place of an event or span.
#[inline]
fn place_of(metadata: &'static Metadata<'static>) -> Option<&'static Place> {
    let address = std::ptr::from_ref(metadata).addr();
    place(address, |place| place.identity == address, || source(metadata, address))
}

#[cold]
fn source(metadata: &'static Metadata<'static>, identity: usize) -> Source<'static> {
    let fields = metadata.fields();
    let first = fields.iter().next();
    let message = match fields.field("message") {
        _ if metadata.is_span() => Message::Absent,
        Some(_) if metadata.target() == "log" && fields.field("log.target").is_some() => Message::OfLog,
        found @ Some(_) if found == first => Message::First,
        Some(_) => Message::Later,
        None => Message::Absent,
    };
    let name = match metadata.name() {
        _ if metadata.is_span() => "close",
        // What the macros make up where the program gives no name.
        name if name.starts_with("event ") => "",
        name => name,
    };
    Source {
        identity,
        level: level(metadata.level()),
        line: metadata.line().unwrap_or_default(),
        file: metadata.file().unwrap_or_default(),
        module: metadata.module_path().unwrap_or_default(),
        target: metadata.target(),
        message,
        name,
    }
}

impl TracingFilter {
    /// Says whether an event or a span is for the logger.
    fn takes(&self, metadata: &Metadata<'_>) -> bool {
        let own = level(metadata.level());
        if metadata.is_span() && self.span_level.is_some_and(|least| own >= least) {
            return true;
        }
        let layer = || self.core.bridges.layer(&self.core, metadata.target());
        self.core.is_looked_at(own) && layer().is_some_and(|layer| self.core.pass(own, layer, false).is_some())
    }

    fn hint(&self) -> LevelFilter {
        let lowest = [self.core.bridges.lowest(&self.core), self.span_level];
        hint(lowest.into_iter().flatten().min())
    }
}

impl<S> Filter<S> for TracingFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.takes(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        // A change of the configuration has all of them asked again.
        interest(self.takes(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.hint())
    }
}

fn interest(takes: bool) -> Interest {
    if takes { Interest::always() } else { Interest::never() }
}

fn hint(least: Option<Level>) -> LevelFilter {
    match least {
        Some(Level::Trace) => LevelFilter::TRACE,
        Some(Level::Debug) => LevelFilter::DEBUG,
        Some(Level::Info) => LevelFilter::INFO,
        Some(Level::Warning) => LevelFilter::WARN,
        Some(Level::Error) => LevelFilter::ERROR,
        Some(Level::Critical) | None => LevelFilter::OFF,
    }
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> Layer<S> for TracingFront {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let Some(place) = place_of(metadata).filter(|place| place.message != Message::OfLog) else {
            return self.on_event_without_place(event, &context);
        };
        let Some(pass) = place.open(&self.core, level(metadata.level()), self.waits) else {
            return;
        };
        let spans = self.spans_around(event, &context);
        pass.record_whole(&place.site, |encoder| {
            let mut fields = Fields::new(encoder, place.message);
            theirs(|| {
                if place.message == Message::Later {
                    event.record(&mut fields.message_only());
                }
                event.record(&mut fields);
            });
            fields.end();
            put_context(encoder, spans.as_ref());
        });
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        keep_span(attributes, id, &context, (self.number, &self.options));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = self.span(id, &context) {
            span.record(values);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, S>) {
        if let (Some(span), Some(follows)) = (self.span(id, &context), self.span(follows, &context)) {
            span.follow(&follows);
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        if self.options.close_timings
            && let Some(span) = self.span(id, &context)
        {
            span.time(true);
        }
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        if self.options.close_timings
            && let Some(span) = self.span(id, &context)
        {
            span.time(false);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        if !self.options.close_timings {
            return;
        }
        let (Some(metadata), Some(span)) = (context.metadata(&id), self.span(&id, &context)) else {
            return;
        };
        if let Some(place) = place_of(metadata)
            && let Some(pass) = place.open(&self.core, level(metadata.level()), self.waits)
        {
            let ids = context.span(&id).and_then(|span| self.ids(&span.extensions()));
            let spans = span.context(&self.options, ids);
            pass.record_whole(&place.site, |encoder| {
                span.put_times(encoder);
                context::put_around(encoder, &spans);
            });
        }
    }
}

impl TracingFront {
    fn new(core: &Arc<Core>, waits: bool, options: Options) -> TracingFront {
        TracingFront {
            core: Arc::clone(core),
            waits,
            options,
            number: super::next_epoch(),
        }
    }

    fn span<S: Subscriber + for<'l> LookupSpan<'l>>(&self, id: &Id, context: &Context<'_, S>) -> Option<Arc<Span>> {
        span(id, context, self.number)
    }

    /// Returns what the spans around an event tell.
    #[inline]
    fn spans_around<S: Subscriber + for<'l> LookupSpan<'l>>(
        &self,
        event: &Event<'_>,
        context: &Context<'_, S>,
    ) -> Option<spans::Shared> {
        if self.options.spans == SpanFields::Off && self.options.find_ids.is_none() {
            return None;
        }
        let span = context.event_span(event)?;
        // Nothing of the registry's is held while the event's values are rendered: that is user code.
        let extensions = span.extensions();
        let (kept, ids) = (Kept::find(&extensions, self.number)?, self.ids(&extensions));
        drop(extensions);
        Some(kept.context(&self.options, ids))
    }

    /// Returns the ids that another layer has given to a span.
    #[inline]
    fn ids(&self, extensions: &Extensions<'_>) -> Option<TraceParent> {
        let find = self.options.find_ids?;
        theirs(|| find(extensions))
    }

    /// An event whose place is another than its metadata says (it was made of a record of `log`), or is not kept.
    #[cold]
    fn on_event_without_place<S: Subscriber + for<'l> LookupSpan<'l>>(
        &self,
        event: &Event<'_>,
        context: &Context<'_, S>,
    ) {
        let metadata = event.metadata();
        let parts = Parts::of(event);
        let find = || {
            self.core
                .bridges
                .layer(&self.core, parts.target.as_deref().unwrap_or(metadata.target()))
        };
        let Some(pass) = self.core.open_found(level(metadata.level()), find, self.waits) else {
            return;
        };
        let location = Location {
            line: parts.line.or(metadata.line()).unwrap_or_default(),
            file: parts.file.as_deref().or(metadata.file()).unwrap_or_default(),
            module: parts.module.as_deref().or(metadata.module_path()).unwrap_or_default(),
        };
        let spans = self.spans_around(event, context);
        pass.placed_whole(&parts.message, location, |encoder| {
            theirs(|| event.record(&mut Fields::besides_message(encoder)));
            put_context(encoder, spans.as_ref());
        });
    }
}

/// Keeps a new span at the registry's, for the layer of that number.
fn keep_span<S: Subscriber + for<'l> LookupSpan<'l>>(
    attributes: &Attributes<'_>,
    id: &Id,
    context: &Context<'_, S>,
    (number, options): (u64, &Options),
) {
    if let Some(span) = context.span(id) {
        let parent = span
            .parent()
            .and_then(|parent| Kept::find(&parent.extensions(), number));
        let new = Arc::new(Span::new(attributes, parent, options));
        Kept::keep(&mut span.extensions_mut(), number, new);
    }
}

fn span<S: Subscriber + for<'l> LookupSpan<'l>>(id: &Id, context: &Context<'_, S>, number: u64) -> Option<Arc<Span>> {
    Kept::find(&context.span(id)?.extensions(), number)
}

#[inline]
fn put_context(encoder: &mut Encoder<'_>, spans: Option<&spans::Shared>) {
    match spans {
        Some(spans) => context::put_around(encoder, spans),
        None => context::put(encoder),
    }
}
