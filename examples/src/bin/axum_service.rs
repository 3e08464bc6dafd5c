//! A web service with axum and tower-http: it logs through `tracing`, as services do, and knows nothing of where that
//! goes. One line leads it to Hydra-Logger, beside the layer that it had.
//!
//! `cargo run -p examples --bin axum_service` serves two requests of its own and ends; the records are in
//! `logs/service.jsonl`. Each carries the fields of its request's span, with the ids of the caller's trace.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Segment, Request};
use axum::http::StatusCode;
use axum::routing::get;
use hydra_logger::context::TraceParent;
use hydra_logger::{AsyncHydraLogger, Format, Level, LogDestination, LogLayer, LoggingConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_http::trace::TraceLayer;
use tracing::Span;
use tracing_subscriber::layer::SubscriberExt;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run(Path::new("logs")).await
}

/// Logs to `dir`, and serves two requests.
async fn run(dir: &Path) -> Result<(), Failure> {
    let file = LogDestination::file(dir.join("service.jsonl")).format(Format::Json);
    let config = LoggingConfig::builder()
        .journal_dir(dir.join(".journal"))
        .layer("HTTP", LogLayer::new(Level::Debug).destination(file))
        .target("tower_http", "HTTP")
        .target("axum_service", "HTTP");
    let log = AsyncHydraLogger::new(config.build()?)?;
    let subscriber = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer())
        .with(log.tracing_layer());
    tracing::subscriber::set_global_default(subscriber)?;
    for path in ["/users/7", "/users/4711"] {
        let answer = ask(path).await?;
        tracing::info!(answer = answer.lines().next(), "asked for {path}");
    }
    log.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

/// The service. Nothing in it is of Hydra-Logger but the ids, which any other source could give.
pub(crate) fn app() -> Router {
    Router::new()
        .route("/users/{id}", get(user))
        .layer(TraceLayer::new_for_http().make_span_with(span))
}

/// The span of a request: the trace that the caller tells, or a new one.
fn span(request: &Request) -> Span {
    let caller = request.headers().get("traceparent");
    let caller: Option<TraceParent> = caller.and_then(|value| value.to_str().ok()?.parse().ok());
    let trace = caller.map_or_else(TraceParent::random, |caller| caller.child());
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        trace_id = %trace.trace_id(),
        span_id = %trace.span_id(),
    )
}

async fn user(Segment(id): Segment<u64>) -> Result<String, StatusCode> {
    if id > 1000 {
        tracing::warn!(id, limit = 1000, "no such user");
        return Err(StatusCode::NOT_FOUND);
    }
    tracing::info!(id, cached = false, ratio = 0.5, "looked up");
    Ok(format!("user {id}\n"))
}

/// Serves one request for `path`, and makes it.
pub(crate) async fn ask(path: &str) -> Result<String, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let server = tokio::spawn(async move { axum::serve(listener, app()).await });
    let mut connection = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n"
    );
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    server.abort();
    Ok(answer)
}
