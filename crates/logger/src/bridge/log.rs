//! The `log` crate's macros.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use ::log::kv::{self, VisitSource, VisitValue};
use ::log::{LevelFilter, Log, Metadata, Record};
use hydra_record::{Encoder, Level, Location, Value};

use super::{Message, Place, Source, place, taken};
use crate::capture::ToValue;
use crate::context;
use crate::core::Core;
use crate::error::Error;
use crate::local::theirs;
use crate::pass::rendered;
use crate::sync::HydraLogger;

/// What the facade calls.
#[derive(Debug)]
struct Backend {
    core: Arc<Core>,
    waits: bool,
}

/// What it calls where there was no logger at first.
#[derive(Debug)]
pub(super) struct Early {
    is_on: AtomicBool,
    next: OnceLock<Backend>,
}

const FACADE: &str = "the `log` facade";
const ADVICE: &str = "call `install` once, before anything else sets a backend";

pub(super) fn install(core: &Arc<Core>, waits: bool) -> Result<(), Error> {
    let backend = Backend {
        core: Arc::clone(core),
        waits,
    };
    let early = &crate::global::EARLY.log;
    if early.is_on.load(Ordering::Acquire) {
        early.next.set(backend).map_err(|_| taken(FACADE, ADVICE))?;
    } else {
        let set = ::log::set_boxed_logger(Box::new(backend));
        set.map_err(|error| taken(FACADE, ADVICE).from_source(error))?;
    }
    core.bridges.tell(core, set_max_level);
    Ok(())
}

pub(super) fn install_early(least: Level) -> Result<(), Error> {
    let early = &crate::global::EARLY.log;
    ::log::set_logger(early).map_err(|error| taken(FACADE, ADVICE).from_source(error))?;
    early.is_on.store(true, Ordering::Release);
    ::log::set_max_level(filter(Some(least)));
    Ok(())
}

/// What the facade's macros look at first follows the configuration.
fn set_max_level(core: &Arc<Core>) {
    ::log::set_max_level(filter(core.bridges.lowest(core)));
}

fn filter(least: Option<Level>) -> LevelFilter {
    match least {
        Some(Level::Trace) => LevelFilter::Trace,
        Some(Level::Debug) => LevelFilter::Debug,
        Some(Level::Info) => LevelFilter::Info,
        Some(Level::Warning) => LevelFilter::Warn,
        Some(Level::Error) => LevelFilter::Error,
        Some(Level::Critical) | None => LevelFilter::Off,
    }
}

fn level(level: ::log::Level) -> Level {
    match level {
        ::log::Level::Trace => Level::Trace,
        ::log::Level::Debug => Level::Debug,
        ::log::Level::Info => Level::Info,
        ::log::Level::Warn => Level::Warning,
        ::log::Level::Error => Level::Error,
    }
}

impl Log for Backend {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let level = level(metadata.level());
        let find = || self.core.bridges.layer(&self.core, metadata.target());
        self.core.is_enabled(level) && find().is_some_and(|layer| self.core.pass(level, layer, self.waits).is_some())
    }

    fn log(&self, record: &Record<'_>) {
        let level = level(record.level());
        let fill = |encoder: &mut Encoder<'_>| put_fields(record, encoder);
        match place_of(record) {
            Some(place) => {
                if let Some(pass) = place.open(&self.core, level, self.waits) {
                    pass.record(&place.site, |encoder| {
                        theirs(|| {
                            encoder.rendered(*record.args());
                            fill(encoder);
                        });
                    });
                }
            }
            None => self.log_without_place(record, level, fill),
        }
    }

    /// Delivers what has been logged, as far as the configured time for shutting down allows.
    fn flush(&self) {
        let log = HydraLogger {
            core: Arc::clone(&self.core),
        };
        let _ = log.flush(log.config().shutdown_timeout);
    }
}

impl Early {
    pub(super) const fn new() -> Early {
        Early {
            is_on: AtomicBool::new(false),
            next: OnceLock::new(),
        }
    }
}

impl Log for Early {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        match self.next.get() {
            Some(backend) => backend.enabled(metadata),
            None => crate::global::EARLY.takes(level(metadata.level())),
        }
    }

    fn log(&self, record: &Record<'_>) {
        if let Some(backend) = self.next.get() {
            return backend.log(record);
        }
        let (early, level) = (&crate::global::EARLY, level(record.level()));
        if !early.takes(level) {
            return;
        }
        let message = || rendered(*record.args());
        let late = early.keep((level, record.target()), location(record), message, |encoder| {
            put_fields(record, encoder);
            context::put(encoder);
        });
        if let Some((late, backend)) = late.zip(self.next.get()) {
            late.log(&backend.core, backend.waits);
        }
    }

    fn flush(&self) {
        if let Some(backend) = self.next.get() {
            backend.flush();
        }
    }
}

impl Backend {
    /// A record that was not made by the facade's macros, or one past the limit on places.
    #[cold]
    fn log_without_place(&self, record: &Record<'_>, level: Level, fill: impl FnOnce(&mut Encoder<'_>)) {
        let find = || self.core.bridges.layer(&self.core, record.target());
        if let Some(pass) = self.core.open_found(level, find, self.waits) {
            // A panic of an argument's is caught by what renders it.
            let message = rendered(*record.args());
            pass.placed(&message, location(record), |encoder| theirs(|| fill(encoder)));
        }
    }
}

fn location<'r>(record: &'r Record<'_>) -> Location<'r> {
    Location {
        line: record.line().unwrap_or_default(),
        file: record.file().unwrap_or_default(),
        module: record.module_path().unwrap_or_default(),
    }
}

fn put_fields(record: &Record<'_>, encoder: &mut Encoder<'_>) {
    // It fails only if a key or value does, and then what came before it is kept.
    let _ = record.key_values().visit(&mut Fields(encoder));
}

#[inline]
fn place_of(record: &Record<'_>) -> Option<&'static Place> {
    let (file, module) = (record.file_static()?, record.module_path_static()?);
    let (line, target) = (record.line()?, record.target());
    // Several calls stand in one file, and a call may name its target when it runs.
    let address = file.as_ptr().addr() ^ (line as usize) << 6 ^ target.as_ptr().addr() << 20;
    let is_it = |place: &Place| {
        let raw = &place.site.raw;
        place.identity == 0
            && raw.line == line
            && std::ptr::eq(raw.file, file)
            && std::ptr::eq(raw.module, module)
            && place.target == target
    };
    let source = || Source {
        identity: 0,
        level: level(record.level()),
        line,
        file,
        module,
        target,
        message: Message::First,
        name: "",
    };
    place(address, is_it, source)
}

/// Puts key-values into a record.
struct Fields<'f, 'b>(&'f mut Encoder<'b>);

impl<'kvs> VisitSource<'kvs> for Fields<'_, '_> {
    fn visit_pair(&mut self, key: kv::Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        value.visit(One {
            name: key.as_str(),
            encoder: self.0,
        })
    }
}

/// Puts one value into a record.
struct One<'f, 'b> {
    name: &'f str,
    encoder: &'f mut Encoder<'b>,
}

macro_rules! typed {
    ($($method:ident $type:ty => $kind:ident;)*) => {$(
        fn $method(&mut self, value: $type) -> Result<(), kv::Error> {
            self.encoder.field(self.name, Value::$kind(value));
            Ok(())
        }
    )*};
}

impl<'v> VisitValue<'v> for One<'_, '_> {
    typed! {
        visit_u64 u64 => U64;
        visit_i64 i64 => I64;
        visit_u128 u128 => U128;
        visit_i128 i128 => I128;
        visit_f64 f64 => F64;
        visit_bool bool => Bool;
        visit_char char => Char;
        visit_str &str => Str;
    }

    fn visit_null(&mut self) -> Result<(), kv::Error> {
        self.encoder.field(self.name, Value::Null);
        Ok(())
    }

    fn visit_any(&mut self, value: kv::Value<'_>) -> Result<(), kv::Error> {
        self.encoder.field_rendered(self.name, format_args!("{value}"));
        Ok(())
    }

    fn visit_borrowed_error(&mut self, error: &'v (dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.visit_error(error)
    }

    fn visit_error(&mut self, error: &(dyn std::error::Error + 'static)) -> Result<(), kv::Error> {
        self.encoder.field(self.name, crate::chain(error).to_value());
        Ok(())
    }
}
