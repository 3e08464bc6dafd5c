//! The `log` crate's macros.

use std::sync::Arc;

use ::log::kv::{self, VisitSource, VisitValue};
use ::log::{LevelFilter, Log, Metadata, Record};
use hydra_record::{Encoder, Level, Location, Value};

use super::{Message, Place, Source, place, taken};
use crate::capture::ToValue;
use crate::core::Core;
use crate::error::Error;
use crate::local::theirs;
use crate::pass::rendered;
use crate::sync::HydraLogger;

/// What the facade calls.
struct Backend {
    core: Arc<Core>,
    waits: bool,
}

pub(super) fn install(core: &Arc<Core>, waits: bool) -> Result<(), Error> {
    let backend = Backend {
        core: Arc::clone(core),
        waits,
    };
    let advice = "call `install` once, before anything else sets a backend";
    ::log::set_boxed_logger(Box::new(backend)).map_err(|error| taken("the `log` facade", advice).from_source(error))?;
    core.bridges.tell(core, set_max_level);
    Ok(())
}

/// What the facade's macros look at first follows the configuration.
fn set_max_level(core: &Arc<Core>) {
    ::log::set_max_level(match core.bridges.lowest(core) {
        Some(Level::Trace) => LevelFilter::Trace,
        Some(Level::Debug) => LevelFilter::Debug,
        Some(Level::Info) => LevelFilter::Info,
        Some(Level::Warning) => LevelFilter::Warn,
        Some(Level::Error) => LevelFilter::Error,
        Some(Level::Critical) | None => LevelFilter::Off,
    });
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
        let fill = |encoder: &mut Encoder<'_>| {
            // It fails only if a key or value does, and then what came before it is kept.
            let _ = record.key_values().visit(&mut Fields(encoder));
        };
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

impl Backend {
    /// A record that was not made by the facade's macros, or one past the limit on places.
    #[cold]
    fn log_without_place(&self, record: &Record<'_>, level: Level, fill: impl FnOnce(&mut Encoder<'_>)) {
        let find = || self.core.bridges.layer(&self.core, record.target());
        let location = Location {
            line: record.line().unwrap_or_default(),
            file: record.file().unwrap_or_default(),
            module: record.module_path().unwrap_or_default(),
        };
        if let Some(pass) = self.core.open_found(level, find, self.waits) {
            // A panic of an argument's is caught by what renders it.
            let message = rendered(*record.args());
            pass.placed(&message, location, |encoder| theirs(|| fill(encoder)));
        }
    }
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
