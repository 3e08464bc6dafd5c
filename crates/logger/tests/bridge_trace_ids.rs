//! The ids that another layer gives to spans are on the records made in them.
#![cfg(all(feature = "tracing", feature = "testing"))]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::sync::atomic::{AtomicU8, Ordering};

use hydra_logger::context::{self, Context, TraceParent};
use hydra_logger::testing::TestLog;
use hydra_logger::{SpanFields, Value};
use tracing::span::{Attributes, Id};
use tracing::{info, info_span, subscriber::with_default};
use tracing_subscriber::layer::{self, Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

/// Gives ids as `tracing-opentelemetry` does: to each span its own, of the trace of its parent.
#[derive(Default)]
struct Tracer(AtomicU8);

struct Ids(u8, u8);

impl<S: tracing::Subscriber + for<'l> LookupSpan<'l>> Layer<S> for Tracer {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: layer::Context<'_, S>) {
        let span = context.span(id).unwrap();
        let own = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        let parent = span
            .parent()
            .and_then(|parent| Some(parent.extensions().get::<Ids>()?.0));
        span.extensions_mut().insert(Ids(parent.unwrap_or(own), own));
    }
}

fn subscriber(log: &TestLog, spans: SpanFields) -> impl tracing::Subscriber + Send + Sync {
    let ours = log.tracing().spans(spans).close_timings().trace_ids(|span| {
        let Ids(trace, span) = span.get::<Ids>()?;
        TraceParent::of_ids([*trace; 16], [*span; 8])
    });
    // After ours, so that its ids come when our layer has seen the span already.
    Registry::default().with(ours.build()).with(Tracer::default())
}

/// What the records tell: their message and the first digits of their ids.
fn told(log: &TestLog) -> Vec<String> {
    let id = |value: Option<Value<'_>>| match value {
        Some(Value::Str(id) | Value::Rendered(id)) => id[..2].to_owned(),
        _ => "-".to_owned(),
    };
    let tell = |record: &hydra_logger::testing::TestRecord| {
        let ids = [context::TRACE_ID, context::SPAN_ID].map(|name| id(record.context(name)));
        format!("{} {}", record.message(), ids.join(" "))
    };
    log.records().iter().map(tell).collect()
}

/// Each record has the ids of the span that it was made in, whatever context and fields say; outside there are none.
#[test]
fn ids_of_the_innermost_span() {
    for spans in [SpanFields::Flat, SpanFields::Prefixed, SpanFields::Off] {
        let log = TestLog::new();
        with_default(subscriber(&log, spans), || {
            info!("before");
            let outer = info_span!("outer", trace_id = "a field").entered();
            info!("in outer");
            Context::new().trace(&TraceParent::random()).run(|| {
                let inner = info_span!("inner").entered();
                info!("in inner");
                drop(inner);
            });
            info!("in outer again");
            drop(outer);
            info!("after");
        });
        let expected = [
            "before - -",
            "in outer 01 01",
            "in inner 01 02",
            "close 01 02",
            "in outer again 01 01",
            "close 01 01",
            "after - -",
        ];
        assert_eq!(told(&log), expected, "{spans:?}");
        let has_span = log.records()[1].context("span").is_some();
        assert_eq!(has_span, spans != SpanFields::Off);
    }
}

/// Ids of zeros are none.
#[test]
fn invalid_ids() {
    assert_eq!(TraceParent::of_ids([0; 16], [1; 8]), None);
    assert_eq!(TraceParent::of_ids([1; 16], [0; 8]), None);
    let ids = TraceParent::of_ids([0xab; 16], [1; 8]).unwrap();
    assert_eq!((ids.trace_id().to_string().len(), ids.is_sampled()), (32, false));
}
