//! The macros with the engine behind them: what reaches a destination, and what the first argument may be.
#![allow(missing_docs, clippy::unwrap_used)]

use std::rc::Rc;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use hydra_logger::{
    AsyncHydraLogger, Format, HydraLogger, Level, LogDestination, LogLayer, LoggingConfig, critical, debug, error,
    info, log, trace, warn, warning,
};
use tempfile::TempDir;

/// A logger whose layers DEFAULT and API go to one file, as lines of JSON.
struct Fixture {
    dir: TempDir,
    log: HydraLogger,
}

impl Fixture {
    fn new(level: Level) -> Fixture {
        let dir = TempDir::new().unwrap();
        let layer = || {
            let file = LogDestination::file(dir.path().join("all.jsonl")).format(Format::Json);
            LogLayer::new(level).destination(file)
        };
        let config = LoggingConfig::builder().layer("DEFAULT", layer()).layer("API", layer());
        let log = HydraLogger::new(config.build().unwrap()).unwrap();
        Fixture { dir, log }
    }

    /// Ends the logger; returns the records as they stand in the file.
    fn records(self) -> Vec<serde_json::Value> {
        self.log.shutdown(Duration::from_secs(10)).unwrap();
        let text = std::fs::read_to_string(self.dir.path().join("all.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn messages(records: &[serde_json::Value]) -> Vec<&str> {
    records
        .iter()
        .map(|record| record["message"].as_str().unwrap())
        .collect()
}

/// A message's text, its typed fields, its layer and its level reach the destination.
#[test]
fn records_arrive_whole() {
    let fixture = Fixture::new(Level::Trace);
    let log = &fixture.log;
    let inline = -1i32;
    info!(log, layer: "API", "user {id} {inline:x} {:.1}", 1.25, id = 42; tenant = "acme", none = None::<u8>);
    let records = fixture.records();
    let [record] = records.as_slice() else {
        panic!("{records:?}")
    };
    assert_eq!((&record["logger"], &record["level"]), (&"API".into(), &"INFO".into()));
    assert_eq!(record["message"], "user 42 ffffffff 1.2");
    let fields = serde_json::json!({ "0": 1.25, "id": 42, "inline": -1, "none": null, "tenant": "acme" });
    assert_eq!(record["extra"], fields);
}

/// Every macro logs at its level; what is below the layer's level is not evaluated.
#[test]
fn levels() {
    let fixture = Fixture::new(Level::Warning);
    let log = &fixture.log;
    let never = || -> u8 { panic!("evaluated") };
    trace!(log, "{}", never());
    debug!(log, "{x}", x = never());
    info!(log, layer: "API", "x"; x = never());
    log!(log, level: Level::Info, "{}", never());
    warning!(log, "a");
    warn!(log, "b");
    error!(log, "c");
    critical!(log, "d");
    log!(log, level: Level::Error, layer: "API", "e");
    assert_eq!(messages(&fixture.records()), ["a", "b", "c", "d", "e"]);
}

/// The first argument is a logger or a layer handle, sync or async, by value, by reference or behind a pointer.
#[test]
fn any_handle() {
    static GLOBAL: OnceLock<HydraLogger> = OnceLock::new();
    static LAZY: LazyLock<HydraLogger> = LazyLock::new(|| GLOBAL.get().unwrap().clone());
    let fixture = Fixture::new(Level::Info);
    let log = fixture.log.clone();
    GLOBAL.set(log.clone()).unwrap();
    info!(log, "value");
    info!(&&log, "references");
    info!(log.clone(), "temporary");
    info!(log.layer("API"), "layer");
    info!(log.handle(), "async");
    info!(log.handle().layer("API"), "async layer");
    info!(Arc::new(log.clone()), "Arc");
    info!(Rc::new(log.clone()), "Rc");
    info!(Box::new(log.clone()), "Box");
    info!(&mut log.clone(), "mut");
    info!(LAZY, "LazyLock");
    info!(GLOBAL.get().unwrap(), "OnceLock");
    // In order within a layer; each layer's destination goes its own pace.
    let records = fixture.records();
    let (api, default): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record["logger"] == "API");
    assert_eq!(messages(&api), ["layer", "async layer"]);
    let expected = [
        "value",
        "references",
        "temporary",
        "async",
        "Arc",
        "Rc",
        "Box",
        "mut",
        "LazyLock",
        "OnceLock",
    ];
    assert_eq!(messages(&default), expected);
}

/// An async call is awaited in a future that moves between threads, whatever its arguments were.
#[test]
fn awaited_between_threads() {
    async fn calls(log: AsyncHydraLogger) -> Result<(), hydra_logger::Error> {
        info!(log, layer: String::from("DEFAULT").as_str(), "{} {:?}", format_args!("{}", 1), Rc::new(2)).await?;
        let receipt = error!(log, "{x}", x = 3; y = ?Rc::new(4));
        receipt.await
    }
    fn sendable<T: Future + Send>(future: T) -> T {
        future
    }
    let fixture = Fixture::new(Level::Info);
    futures::executor::block_on(sendable(calls(fixture.log.handle()))).unwrap();
    assert_eq!(messages(&fixture.records()), ["1 2", "3"]);
}

/// A `Display` that logs is a call of its own, and one that panics spoils its own value only.
#[test]
fn displays_that_log_and_panic() {
    struct Logs<'l>(&'l HydraLogger);
    impl std::fmt::Display for Logs<'_> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info!(self.0, "inner {}", 1);
            f.write_str("shown")
        }
    }
    struct Panics;
    impl std::fmt::Display for Panics {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("on purpose")
        }
    }
    let fixture = Fixture::new(Level::Info);
    info!(fixture.log, "outer {} {} {}", Logs(&fixture.log), Panics, 7);
    assert_eq!(
        messages(&fixture.records()),
        ["inner 1", "outer shown <panicked while rendering> 7"]
    );
}

/// An error as a field comes with all its causes, whatever it is held in; in the message it is its text.
#[test]
fn errors_are_values() {
    use hydra_logger::{Error, ErrorKind, chain};
    type Boxed = Box<dyn std::error::Error + Send + Sync>;
    let fixture = Fixture::new(Level::Info);
    let log = &fixture.log;
    let disk = || std::io::Error::other("disk full");
    let failed = Error::new(ErrorKind::Journal, "open the journal")
        .because("so")
        .from_source(disk());
    let boxed: Boxed = Box::new(failed.clone());
    error!(log, "charge failed: {}", failed; err = failed);
    error!(log, "by reference"; err = &failed);
    error!(log, "as a trait object"; err = &failed as &dyn std::error::Error);
    error!(log, "in a box"; err = boxed);
    error!(log, "a box by reference"; err = &boxed);
    error!(log, "in an Arc"; err = Arc::new(disk()));
    error!(log, "by function"; err = chain(&*boxed));
    error!(log, "as text"; err = %failed);
    let records = fixture.records();
    assert_eq!(records[0]["message"], "charge failed: cannot open the journal: so");
    let whole = serde_json::json!({ "message": "cannot open the journal: so", "sources": ["disk full"] });
    let disk = serde_json::json!({ "message": "disk full", "sources": [] });
    let text = serde_json::json!("cannot open the journal: so");
    let expected = [&whole, &whole, &whole, &whole, &whole, &disk, &whole, &text];
    let fields: Vec<_> = records.iter().map(|record| &record["extra"]["err"]).collect();
    assert_eq!(fields, expected);
}
