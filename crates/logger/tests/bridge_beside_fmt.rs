//! A test that looks at captured text, as those of `tracing-test` do, runs unchanged with our layer beside the fmt
//! layer: its checks hold, and each line has its record.
#![cfg(all(feature = "tracing", feature = "testing"))]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io;
use std::sync::{Arc, Mutex};

use hydra_logger::Value;
use hydra_logger::testing::TestLog;
use tracing::instrument::WithSubscriber as _;
use tracing::{Instrument as _, debug, info, info_span, instrument, warn};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};

/// What has been written, and the name of the span that the test is in.
#[derive(Clone, Default)]
struct Logs(Arc<Mutex<Vec<u8>>>);

impl Logs {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// Whether a line within `scope` has `text` in it.
    fn contain(&self, scope: &str, text: &str) -> bool {
        self.lines()
            .iter()
            .any(|line| line.contains(scope) && line.contains(text))
    }
}

impl io::Write for Logs {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Logs {
    type Writer = Logs;

    fn make_writer(&'w self) -> Logs {
        self.clone()
    }
}

/// The code under test; it knows `tracing` alone.
#[instrument]
async fn charge(customer: u64, cents: u64) -> bool {
    debug!("looked up");
    tokio::task::yield_now().await;
    if cents > 10_000 {
        warn!(cents, limit = 10_000, "over the limit");
        return false;
    }
    info!(cents, "charged");
    true
}

/// The test as it was, with a second layer.
#[tokio::test]
async fn checks_of_captured_text_hold() {
    let (logs, log) = (Logs::default(), TestLog::new());
    let text = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(logs.clone());
    let subscriber = tracing_subscriber::registry()
        .with(text.with_filter(LevelFilter::DEBUG))
        .with(log.tracing_layer());
    let test = async {
        assert!(charge(7, 250).await);
        let other = tokio::spawn(charge(8, 20_000).in_current_span().with_current_subscriber());
        assert!(!other.await.unwrap());
    };
    let scope = || info_span!("checks_of_captured_text_hold");
    async { test.instrument(scope()).await }
        .with_subscriber(subscriber)
        .await;

    assert!(logs.contain("checks_of_captured_text_hold", "charged"));
    assert!(logs.contain("charge{customer=8 cents=20000}", "over the limit"));
    assert!(!logs.contain("customer=7", "over the limit"));
    let (lines, records) = (logs.lines(), log.records());
    assert_eq!((lines.len(), records.len()), (4, 4));
    for (line, record) in lines.iter().zip(&records) {
        let customer = record.context("customer").unwrap();
        assert!(
            line.contains(record.message()) && line.contains(&format!("customer={customer}")),
            "{line}"
        );
        assert_eq!(
            record.context("span"),
            Some(Value::Str("checks_of_captured_text_hold:charge"))
        );
        for (name, value) in record.fields() {
            assert!(line.contains(&format!("{name}={value}")), "{line}");
        }
    }
}
