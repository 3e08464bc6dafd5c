//! tracing with its own formatter: behind tracing-appender's worker, or into a buffered writer.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tracing_appender::non_blocking::{NonBlocking as Writer, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;

use crate::peer::{Error, Format, Peer, Setup};
use crate::workload::{ATTEMPT, Event, TENANT};

type Boxed = Box<dyn Layer<Registry> + Send + Sync>;

fn layer<W>(format: Format, writer: W) -> Boxed
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    match format {
        Format::Plain => layer.boxed(),
        Format::Json => layer.json().boxed(),
    }
}

fn install(layers: Vec<Boxed>) -> Result<(), Error> {
    Ok(tracing_subscriber::registry()
        .with(layers.with_filter(LevelFilter::INFO))
        .try_init()?)
}

#[inline]
pub(super) fn message(event: &Event) {
    let Event { id, ip, ms } = event;
    tracing::info!("user {id} logged in from {ip} in {ms} ms");
}

#[inline]
pub(super) fn fields(event: &Event) {
    let Event { id, ip, ms } = *event;
    tracing::info!(
        id,
        ip,
        ms,
        tenant = TENANT,
        attempt = ATTEMPT,
        "user {id} logged in from {ip} in {ms} ms"
    );
}

#[inline]
pub(super) fn disabled(event: &Event) {
    let Event { id, ip, ms } = event;
    tracing::debug!("user {id} logged in from {ip} in {ms} ms");
}

/// Behind the worker thread of tracing-appender.
pub(crate) struct NonBlocking {
    guards: Vec<WorkerGuard>,
}

impl NonBlocking {
    fn writer(path: &Path) -> Result<(Writer, WorkerGuard), Error> {
        // Lossy is its default; a comparison of loggers that keep records must not win by dropping them.
        Ok(NonBlockingBuilder::default().lossy(false).finish(File::create(path)?))
    }
}

impl Peer for NonBlocking {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let (mut layers, mut guards) = (Vec::new(), Vec::new());
        for path in setup.files() {
            let (writer, guard) = Self::writer(&path)?;
            layers.push(layer(setup.format, writer));
            guards.push(guard);
        }
        install(layers)?;
        Ok(Self { guards })
    }

    fn message(&self, event: &Event) {
        message(event);
    }

    fn fields(&self, event: &Event) {
        fields(event);
    }

    fn disabled(&self, event: &Event) {
        disabled(event);
    }

    fn finish(self) -> Result<(), Error> {
        drop(self.guards);
        Ok(())
    }
}

/// Into a buffered writer behind a lock, on the caller's thread.
pub(crate) struct Buffered {
    files: Vec<Shared>,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<BufWriter<File>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0
            .lock()
            .map_err(|_| std::io::Error::other("poisoned"))?
            .write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().map_err(|_| std::io::Error::other("poisoned"))?.flush()
    }
}

impl Peer for Buffered {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let (mut layers, mut files) = (Vec::new(), Vec::new());
        for path in setup.files() {
            let file = Shared(Arc::new(Mutex::new(BufWriter::with_capacity(
                64 * 1024,
                File::create(path)?,
            ))));
            files.push(file.clone());
            layers.push(layer(setup.format, move || file.clone()));
        }
        install(layers)?;
        Ok(Self { files })
    }

    fn message(&self, event: &Event) {
        message(event);
    }

    fn fields(&self, event: &Event) {
        fields(event);
    }

    fn disabled(&self, event: &Event) {
        disabled(event);
    }

    fn finish(mut self) -> Result<(), Error> {
        for file in &mut self.files {
            file.flush()?;
        }
        Ok(())
    }
}
