//! fern with a file output and the formats its documentation shows, time stamps by the standard library.

use std::fmt::Arguments;
use std::time::SystemTime;

use fern::{Dispatch, FormatCallback};
use log::kv::{Error as KvError, Key, Value, VisitSource};
use log::{LevelFilter, Record};

use super::facade;
use crate::peer::{Error, Format, Peer, Setup};

/// fern.
pub(crate) struct Fern;

/// Seconds since 1970 with nanoseconds: fern leaves the time to its user, and a calendar date would cost it more.
fn time() -> String {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    format!("{}.{:09}", since.as_secs(), since.subsec_nanos())
}

fn plain(out: FormatCallback<'_>, message: &Arguments<'_>, record: &Record<'_>) {
    out.finish(format_args!(
        "[{} {} {}] {message}",
        time(),
        record.level(),
        record.target()
    ));
}

/// A JSON object of the key-value pairs of a record.
struct Fields(serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), KvError> {
        let value = serde_json::to_value(&value).unwrap_or(serde_json::Value::Null);
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

fn json(out: FormatCallback<'_>, message: &Arguments<'_>, record: &Record<'_>) {
    let mut fields = Fields(serde_json::Map::new());
    // Fields cannot fail to be visited: `visit_pair` above never does.
    let _ = record.key_values().visit(&mut fields);
    let object = serde_json::json!({
        "time": time(),
        "level": record.level().as_str(),
        "target": record.target(),
        "message": message.to_string(),
        "fields": fields.0,
    });
    out.finish(format_args!("{object}"));
}

impl Peer for Fern {
    fn start(setup: &Setup) -> Result<Self, Error> {
        let mut dispatch = Dispatch::new().level(LevelFilter::Info).format(match setup.format {
            Format::Plain => plain,
            Format::Json => json,
        });
        for path in setup.files() {
            dispatch = dispatch.chain(fern::log_file(path)?);
        }
        dispatch.apply()?;
        Ok(Self)
    }

    facade::calls!();

    fn finish(self) -> Result<(), Error> {
        log::logger().flush();
        Ok(())
    }
}
