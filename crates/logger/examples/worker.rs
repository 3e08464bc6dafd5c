//! A worker: jobs come through a channel, each is a task with a context, and what must not be lost is awaited.
//!
//! `cargo run --example worker`

use std::path::Path;
use std::time::Duration;

use hydra_logger::context::{self, Context, WithContext};
use hydra_logger::{AsyncHydraLogger, Format, Guarantee, Level, LogDestination, LogLayer, LoggingConfig, error, info};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run(Path::new("logs")).await
}

/// Works off ten jobs, of which one fails.
pub(crate) async fn run(dir: &Path) -> Result<(), Failure> {
    let file = LogDestination::file(dir.join("worker.jsonl")).format(Format::Json);
    let audit = LogDestination::file(dir.join("audit.jsonl")).format(Format::Json);
    let config = LoggingConfig::builder()
        .journal_dir(dir.join(".journal"))
        .layer("JOBS", LogLayer::new(Level::Info).destination(file))
        .layer("AUDIT", LogLayer::new(Level::Info).destination(audit))
        .layer_guarantee("AUDIT", Guarantee::Delivered);
    let log = AsyncHydraLogger::new(config.build()?)?;
    let (jobs, mut queue) = mpsc::channel(4);
    let producer = tokio::spawn(async move {
        for job in 0..10u32 {
            if jobs.send(job).await.is_err() {
                break;
            }
        }
    });
    let mut tasks = JoinSet::new();
    while let Some(job) = queue.recv().await {
        let fields = Context::new().field("job", job).correlation_id(&context::random_id());
        tasks.spawn(work(log.clone(), job).with_context(fields));
    }
    producer.await?;
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let report = log.shutdown(Duration::from_secs(30)).await?;
    assert_eq!(report.left_in_journal, 0);
    Ok(())
}

async fn work(log: AsyncHydraLogger, job: u32) -> Result<(), Failure> {
    info!(log, layer: "JOBS", "begun");
    // A task of the job's own: it does not inherit the context by itself, so it is wrapped.
    let half = context::current().wrap(halve(log.clone(), job));
    if let Err(failure) = tokio::spawn(half).await? {
        error!(log, layer: "JOBS", "failed"; err = &failure);
        return Ok(());
    }
    // Returns once the record is in the file: what is paid for is written down.
    info!(log, layer: "AUDIT", "done"; cents = job * 100).await?;
    Ok(())
}

async fn halve(log: AsyncHydraLogger, job: u32) -> Result<u32, std::num::TryFromIntError> {
    let checked = u8::try_from(job * 30)?;
    info!(log, layer: "JOBS", "halved to {}", checked / 2);
    Ok(job / 2)
}
