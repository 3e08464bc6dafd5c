//! A service: each request is a task with a context of its own, which every record made for it carries.
//!
//! `cargo run --example service` serves one request and ends. The trace of the caller's header `traceparent` is taken
//! up, and the answer tells the id that the records can be found by.

use std::path::Path;
use std::time::Duration;

use hydra_logger::context::{self, Context, TraceParent, WithContext};
use hydra_logger::{AsyncHydraLogger, Format, Level, LogDestination, LogLayer, LoggingConfig, info, warning};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    run(Path::new("logs")).await
}

/// Serves one request, and makes it too.
pub(crate) async fn run(dir: &Path) -> Result<(), Failure> {
    let file = LogDestination::file(dir.join("service.jsonl")).format(Format::Json);
    let config = LoggingConfig::builder()
        .journal_dir(dir.join(".journal"))
        .layer("HTTP", LogLayer::new(Level::Info).destination(file));
    let log = AsyncHydraLogger::new(config.build()?)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let client = tokio::spawn(ask(listener.local_addr()?));
    let (connection, peer) = listener.accept().await?;
    let request = Context::new().display("peer", peer);
    tokio::spawn(serve(log.clone(), connection).with_context(request)).await??;
    let answer = client.await??;
    assert!(answer.contains("x-correlation-id: "), "{answer}");
    log.shutdown(Duration::from_secs(30)).await?;
    Ok(())
}

async fn serve(log: AsyncHydraLogger, mut connection: TcpStream) -> Result<(), Failure> {
    let (reader, mut writer) = connection.split();
    let mut lines = BufReader::new(reader).lines();
    let first = lines.next_line().await?.unwrap_or_default();
    let mut caller = None;
    while let Some(line) = lines.next_line().await?.filter(|line| !line.is_empty()) {
        if let Some(("traceparent", value)) = line.split_once(": ") {
            caller = value.parse::<TraceParent>().ok();
        }
    }
    let trace = caller.map_or_else(TraceParent::random, |caller| caller.child());
    let id = context::random_id();
    let request = Context::new().correlation_id(&id).trace(&trace);
    let body = answer(&log, &first).with_context(request).await;
    let answer = format!(
        "HTTP/1.1 200 OK\r\nx-correlation-id: {id}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    writer.write_all(answer.as_bytes()).await?;
    Ok(())
}

/// The business: it knows nothing of ids, and its records carry them all the same.
async fn answer(log: &AsyncHydraLogger, request: &str) -> String {
    let path = request.split(' ').nth(1).unwrap_or("/");
    if path != "/" {
        // Ignoring the receipt is fine: the record is taken when the call is made.
        warning!(log, layer: "HTTP", "nothing at {path}");
    }
    tokio::task::yield_now().await;
    info!(log, layer: "HTTP", "served {path}"; status = 200);
    format!("you asked for {path}\n")
}

async fn ask(address: std::net::SocketAddr) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(address).await?;
    let request = "GET /status HTTP/1.1\r\n\
                   traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n";
    connection.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await?;
    Ok(answer)
}
