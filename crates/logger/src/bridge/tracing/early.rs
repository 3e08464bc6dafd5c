//! The global subscriber before there is a logger: it keeps events, and knows spans as the logger's own layer will.

use std::sync::OnceLock;

use hydra_record::{Level, Location};
use tracing_core::span::{Attributes, Id, Record};
use tracing_core::subscriber::Interest;
use tracing_core::{Event, LevelFilter, Metadata};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::Registry;

use super::builder::{Options, TracingBuilder};
use super::fields::{Fields, Parts};
use super::spans::{Kept, Shared};
use super::{ADVICE, SUBSCRIBER, TracingFilter, TracingFront, hint, interest, level, put_context, set_global, taken};
use crate::error::Error;
use crate::global::EARLY;

/// What the subscriber leads to.
#[derive(Debug)]
pub(crate) struct Early {
    /// What its spans are known by, once it is the global subscriber.
    number: OnceLock<u64>,
    next: OnceLock<(TracingFront, TracingFilter)>,
}

impl Early {
    pub(in crate::bridge) const fn new() -> Early {
        Early {
            number: OnceLock::new(),
            next: OnceLock::new(),
        }
    }

    /// Returns it, if it is the global subscriber.
    pub(super) fn on() -> Option<&'static Early> {
        Some(&EARLY.tracing).filter(|early| early.number.get().is_some())
    }

    /// Leads to the layer that `builder` makes, which goes on with the spans there are.
    pub(super) fn connect(&self, builder: TracingBuilder) -> Result<(), Error> {
        let (mut front, filter) = builder.parts();
        if let Some(number) = self.number.get() {
            front.number = *number;
        }
        self.next.set((front, filter)).map_err(|_| taken(SUBSCRIBER, ADVICE))?;
        tracing_core::callsite::rebuild_interest_cache();
        Ok(())
    }
}

pub(in crate::bridge) fn install_early() -> Result<(), Error> {
    let number = crate::bridge::next_epoch();
    set_global(EarlyLayer { number })?;
    // Nobody else sets it: the process has one global subscriber.
    let _ = EARLY.tracing.number.set(number);
    Ok(())
}

/// The subscriber's only layer.
struct EarlyLayer {
    number: u64,
}

impl EarlyLayer {
    fn next() -> Option<&'static (TracingFront, TracingFilter)> {
        EARLY.tracing.next.get()
    }

    fn takes(metadata: &Metadata<'_>) -> bool {
        match EarlyLayer::next() {
            Some((_, filter)) => filter.takes(metadata),
            None => EARLY.takes(level(metadata.level())),
        }
    }

    /// Returns what the spans around an event tell.
    fn spans_around(&self, event: &Event<'_>, context: &Context<'_, Registry>) -> Option<Shared> {
        let span = context.event_span(event)?;
        let kept = Kept::find(&span.extensions(), self.number)?;
        Some(kept.context(&Options::DEFAULT, None))
    }

    fn keep(&self, event: &Event<'_>, context: &Context<'_, Registry>) {
        let metadata = event.metadata();
        let spans = self.spans_around(event, context);
        let parts = Parts::but_message(event);
        let location = Location {
            line: parts.line.or(metadata.line()).unwrap_or_default(),
            file: parts.file.as_deref().or(metadata.file()).unwrap_or_default(),
            module: parts.module.as_deref().or(metadata.module_path()).unwrap_or_default(),
        };
        let called = (
            level(metadata.level()),
            parts.target.as_deref().unwrap_or(metadata.target()),
        );
        let late = EARLY.keep(
            called,
            location,
            || Parts::of(event).message,
            |encoder| {
                event.record(&mut Fields::besides_message(encoder));
                put_context(encoder, spans.as_ref());
            },
        );
        if let Some((late, (front, _))) = late.zip(EarlyLayer::next()) {
            late.log(&front.core, front.waits);
        }
    }
}

impl Layer<Registry> for EarlyLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(EarlyLayer::takes(metadata))
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, Registry>) -> bool {
        EarlyLayer::takes(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match EarlyLayer::next() {
            Some((_, filter)) => filter.hint(),
            None => hint(Level::ALL.into_iter().find(|level| EARLY.takes(*level))),
        })
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, Registry>) {
        match EarlyLayer::next() {
            Some((front, _)) => front.on_event(event, context),
            None => self.keep(event, &context),
        }
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, Registry>) {
        super::keep_span(attributes, id, &context, (self.number, &Options::DEFAULT));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, Registry>) {
        if let Some(span) = super::span(id, &context, self.number) {
            span.record(values);
        }
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, context: Context<'_, Registry>) {
        let found = |id| super::span(id, &context, self.number);
        if let (Some(span), Some(follows)) = (found(id), found(follows)) {
            span.follow(&follows);
        }
    }
}
