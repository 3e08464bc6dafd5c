//! A call site in a program: what the macros leave behind in a static.

use std::rc::Rc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use hydra_journal::NoteSlot;
use hydra_record::Level;
use hydra_record::note::RawSite;

use crate::core::Core;
use crate::global::NEXT_SITE;
use crate::layer::LayerState;
use crate::pass::Pass;

/// One place in a program that logs.
#[derive(Debug)]
pub struct Site {
    pub(crate) raw: RawSite,
    pub(crate) note: NoteSlot,
    /// Its number in the process; 0 until it is passed for the first time.
    number: AtomicU32,
    /// The layer found last: the logger's id without its low 16 bits, and there the layer's number.
    layer: AtomicU64,
}

const LAYER_BITS: u64 = 0xFFFF;

impl Site {
    /// Makes the site of a macro's call.
    pub const fn new(raw: RawSite) -> Site {
        Site {
            raw,
            note: NoteSlot::new(),
            number: AtomicU32::new(0),
            layer: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn number(&self) -> u32 {
        match self.number.load(Ordering::Relaxed) {
            0 => self.take_number(),
            number => number,
        }
    }

    #[cold]
    fn take_number(&self) -> u32 {
        let fresh = NEXT_SITE.fetch_add(1, Ordering::Relaxed);
        // Of several threads that pass for the first time one number wins; the others' are never used.
        match self
            .number
            .compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed)
        {
            Ok(_) => fresh,
            Err(number) => number,
        }
    }

    /// Returns the layer of that name, which is the one found last as a rule.
    #[inline]
    pub(crate) fn layer<'c>(&self, core: &'c Core, name: &str) -> Option<&'c LayerState> {
        let last = self.layer.load(Ordering::Relaxed);
        if (last ^ core.id) & !LAYER_BITS == 0
            && let Some(layer) = core.layers.get((last & LAYER_BITS) as u16)
            && !layer.is_moved()
            && layer.meaning.name == name
            && layer.meaning.is_route
        {
            return Some(layer);
        }
        let layer = core.layers.find(name)?;
        self.layer
            .store(core.id & !LAYER_BITS | u64::from(layer.id), Ordering::Relaxed);
        Some(layer)
    }
}

/// What the macros take as their first argument: a logger, a layer handle, or a reference to one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a logger",
    label = "expected a logger or a layer handle",
    note = "the macro takes a `HydraLogger`, an `AsyncHydraLogger` or what their `layer` returns, first of all",
    note = "behind a pointer of another crate's, take it from there: `info!(*log, ..)`"
)]
pub trait Target {
    /// Opens the way for a call; `None` if nobody wants its record.
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>>;
}

macro_rules! pointers {
    ($($pointer:ty),*) => {$(
        impl<T: Target + ?Sized> Target for $pointer {
            #[inline]
            fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
                (**self).open(level, site, layer)
            }
        }
    )*};
}

pointers!(&T, &mut T, Box<T>, Rc<T>, Arc<T>);

impl<T: Target> Target for LazyLock<T> {
    #[inline]
    fn open<'a>(&'a self, level: Level, site: &'static Site, layer: Option<&str>) -> Option<Pass<'a>> {
        (**self).open(level, site, layer)
    }
}
