//! A library logs through `tracing` and knows nothing of Hydra-Logger; the program decides where that goes.
//!
//! `cargo run --features tracing --example library`

use std::path::Path;
use std::time::Duration;

use hydra_logger::{Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig};
use tracing_subscriber::layer::SubscriberExt;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What would be a crate of its own.
mod parser {
    use tracing::{debug, instrument, warn};

    /// Adds up the numbers in a text.
    #[instrument(skip(text), fields(bytes = text.len()))]
    pub(crate) fn sum(name: &str, text: &str) -> i64 {
        let numbers = text.split_whitespace().filter_map(|word| match word.parse::<i64>() {
            Ok(number) => Some(number),
            Err(err) => {
                warn!(word, error = &err as &(dyn std::error::Error + 'static), "not a number");
                None
            }
        });
        let sum = numbers.sum();
        debug!(sum, "added up");
        sum
    }
}

fn main() -> Result<(), Failure> {
    run(Path::new("logs"))
}

/// Has the parser's events go to a layer of their own.
pub(crate) fn run(dir: &Path) -> Result<(), Failure> {
    let file = LogDestination::file(dir.join("parser.jsonl")).format(Format::Json);
    let config = LoggingConfig::builder()
        .layer(
            "PARSER",
            LogLayer::new(Level::Debug).destination(file.level(Level::Debug)),
        )
        .target(concat!(module_path!(), "::parser"), "PARSER");
    let log = HydraLogger::new(config.build()?)?;
    let subscriber = tracing_subscriber::registry().with(log.tracing_layer());
    // A program would call `log.install()`; this one is also run by a test, beside others.
    let sum = tracing::subscriber::with_default(subscriber, || parser::sum("input", "1 two 39 2"));
    assert_eq!(sum, 42);
    log.shutdown(Duration::from_secs(5))?;
    Ok(())
}
