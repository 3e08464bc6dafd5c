//! A logger that keeps what the macros give it: each record is encoded, decoded and kept as text and typed fields.
//!
//! It has what `record!` asks of the crate `hydra-logger`, with the real capture of values; only the engine is missing.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::panic)]

#[path = "../../../logger/src/capture.rs"]
pub mod capture;

/// What the engine does around code of the program that runs inside a call: nothing here.
mod local {
    pub(crate) fn theirs<T>(work: impl FnOnce() -> T) -> T {
        work()
    }
}

use std::future::{IntoFuture, Ready, ready};
use std::sync::Mutex;

use hydra_record::note::RawSite;
use hydra_record::{Dictionary, Encoder, Head, LayerNote, Level, Scratch, Value};

pub mod __private {
    pub use core::option::Option::{None, Some};
    pub use core::{file, format_args, line, module_path};

    pub use hydra_macros::record;
    pub use hydra_record::Level;
    pub use hydra_record::note::{RawPiece, RawSite};

    pub use super::capture::{Argument, Field, check, forms, layer};
    pub use super::{Receipt, Site, Target};
}

pub struct Site {
    raw: RawSite,
}

impl Site {
    pub const fn new(raw: RawSite) -> Site {
        Site { raw }
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub taken: bool,
}

impl Receipt {
    pub fn disabled() -> Receipt {
        Receipt { taken: false }
    }
}

impl IntoFuture for Receipt {
    type Output = Result<Receipt, String>;
    type IntoFuture = Ready<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        ready(Ok(self))
    }
}

#[diagnostic::on_unimplemented(message = "`{Self}` is not a logger")]
pub trait Target {
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>>;
}

impl<T: Target + ?Sized> Target for &T {
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        (**self).open(level, site, layer)
    }
}

pub struct Pass<'a> {
    logger: &'a Logger,
    level: Level,
    layer: String,
}

impl Pass<'_> {
    pub fn record(self, site: &'static Site, fill: impl FnOnce(&mut Encoder<'_>)) -> Receipt {
        let mut notes = Dictionary::new();
        let (mut site_note, mut layer_note) = (Vec::new(), Vec::new());
        site.raw.put(1, &mut site_note);
        LayerNote::put(1, &self.layer, &self.layer, &mut layer_note);
        assert!(notes.learn(&site_note) && notes.learn(&layer_note), "{:?}", site.raw);

        let mut bytes = Scratch::new();
        let head = Head {
            time_ns: 1,
            site: 1,
            thread: 1,
            layer: 1,
            level: self.level,
        };
        let mut encoder = Encoder::site(&mut bytes, head);
        fill(&mut encoder);
        encoder.finish();

        let record = notes.decode(&bytes, 1).expect("a record");
        let place = record.location().expect("a place");
        let kept = Kept {
            level: record.level,
            layer: record.layer().to_owned(),
            message: record.message(),
            template: record.template().expect("a template").to_owned(),
            place: (place.file.to_owned(), place.line, place.module.to_owned()),
            fields: record
                .fields()
                .map(|(name, value)| (name.to_owned(), show(value)))
                .collect(),
        };
        self.logger.kept.lock().expect("no panic before").push(kept);
        Receipt { taken: true }
    }
}

fn show(value: Value<'_>) -> String {
    format!("{value:?}")
}

/// One record, as it was read.
#[derive(Clone, Debug)]
pub struct Kept {
    pub level: Level,
    pub layer: String,
    pub message: String,
    pub template: String,
    pub place: (String, u32, String),
    pub fields: Vec<(String, String)>,
}

impl Kept {
    /// Asserts the fields, each as `name=Kind(value)`.
    #[track_caller]
    pub fn has(&self, fields: &[&str]) {
        let shown: Vec<_> = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(shown, fields);
    }
}

/// The logger, and its own handle of a layer.
#[derive(Debug)]
pub struct Logger {
    least: Level,
    kept: Mutex<Vec<Kept>>,
}

impl Logger {
    pub const fn new(least: Level) -> Logger {
        Logger {
            least,
            kept: Mutex::new(Vec::new()),
        }
    }

    /// Takes the one record that was made since the last time.
    #[track_caller]
    pub fn one(&self) -> Kept {
        let mut kept = std::mem::take(&mut *self.kept.lock().expect("no panic before"));
        assert_eq!(kept.len(), 1, "{kept:?}");
        kept.remove(0)
    }

    pub fn count(&self) -> usize {
        self.kept.lock().expect("no panic before").len()
    }
}

impl Target for Logger {
    #[inline]
    fn open<'a>(&'a self, level: Level, _site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        let layer = || layer.unwrap_or("DEFAULT").to_owned();
        (level >= self.least).then(|| Pass {
            logger: self,
            level,
            layer: layer(),
        })
    }
}
