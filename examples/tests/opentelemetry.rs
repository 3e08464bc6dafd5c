//! The ids that `tracing-opentelemetry` gives to spans are on our records.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use hydra_logger::context::TraceParent;
use hydra_logger::testing::TestLog;
use opentelemetry::trace::{TraceContextExt as _, TracerProvider as _};
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_opentelemetry::{OpenTelemetrySpanExt as _, OtelData};
use tracing_subscriber::layer::SubscriberExt as _;

/// A record carries the ids of its span, those that its exporter will tell, on whichever side of our layer the other
/// one stands.
#[test]
fn ids_are_those_of_the_span() {
    let provider = SdkTracerProvider::builder().build();
    let log = TestLog::new();
    let ours = || {
        log.tracing().trace_ids(|span| {
            let otel = span.get::<OtelData>()?;
            TraceParent::of_ids(otel.trace_id()?.to_bytes(), otel.span_id()?.to_bytes())
        })
    };
    let tracer = || provider.tracer("test");
    let work = || {
        let outer = tracing::info_span!("outer").entered();
        let _inner = tracing::info_span!("inner").entered();
        tracing::info!("inside");
        let context = tracing::Span::current().context();
        let ids = context.span().span_context().clone();
        drop(outer);
        ids
    };
    let otel = tracing_opentelemetry::layer().with_tracer(tracer());
    let before = tracing_subscriber::registry().with(otel).with(ours().build());
    let otel = tracing_opentelemetry::layer().with_tracer(tracer());
    let after = tracing_subscriber::registry().with(ours().build()).with(otel);
    let expected = [
        tracing::subscriber::with_default(before, work),
        tracing::subscriber::with_default(after, work),
    ];
    let records = log.records();
    assert_eq!(records.len(), 2);
    for (record, ids) in records.iter().zip(expected) {
        assert!(ids.is_valid());
        let text = |name| format!("{:?}", record.context(name).unwrap());
        assert!(text("trace_id").contains(&ids.trace_id().to_string()), "{record:?}");
        assert!(text("span_id").contains(&ids.span_id().to_string()), "{record:?}");
    }
}
