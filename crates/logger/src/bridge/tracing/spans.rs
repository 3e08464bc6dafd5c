//! The spans that the program is in: what they tell becomes the context of the events inside.
//!
//! Each span keeps its own values, and a list of all that its events carry: its values and those of the spans around
//! it, encoded once. A value that is recorded later makes the list stale, in the span and in all within it. So each
//! span counts its changes, and a list keeps the sum over the spans that it was made from.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use hydra_os::atomic::{Mutex, MutexGuard};
use hydra_os::clock::mono_ns;
use hydra_record::{Encoder, FieldList, Value};
use tracing_core::span::{Attributes, Record};
use tracing_subscriber::registry::{Extensions, ExtensionsMut};

use super::SpanFields;
use super::builder::Options;
use super::fields::SpanValues;
use crate::context::{self, TraceParent};

/// The field with the names of the spans around an event.
const SPAN: &str = "span";
/// The field with the spans that a span follows from.
const FOLLOWS_FROM: &str = "follows_from";

/// What an event carries, shared by the events of a span.
pub(super) type Shared = Arc<FieldList>;

/// A span as a layer knows it.
#[derive(Debug)]
pub(super) struct Span {
    name: &'static str,
    parent: Option<Arc<Span>>,
    values: Mutex<FieldList>,
    /// How often the values have changed; counted while they are locked.
    changes: AtomicU64,
    /// What its events carry, with what it goes for.
    made: Mutex<Option<Made>>,
    times: Option<Mutex<Times>>,
}

/// What the events of a span carry, the sum of changes that it was made at, and the ids that the span had.
#[derive(Debug)]
struct Made {
    changes: u64,
    ids: Option<TraceParent>,
    list: Shared,
}

/// How long a span was entered and how long it was not.
#[derive(Debug)]
struct Times {
    busy_ns: u64,
    idle_ns: u64,
    last_ns: u64,
    /// How many threads are in it.
    inside: u32,
}

impl Span {
    pub(super) fn new(attributes: &Attributes<'_>, parent: Option<Arc<Span>>, options: &Options) -> Span {
        let mut values = SpanValues(FieldList::new());
        attributes.record(&mut values);
        let times = || Times {
            busy_ns: 0,
            idle_ns: 0,
            last_ns: mono_ns(),
            inside: 0,
        };
        Span {
            name: attributes.metadata().name(),
            parent,
            values: Mutex::new(values.0),
            changes: AtomicU64::new(0),
            made: Mutex::new(None),
            times: options.close_timings.then(|| Mutex::new(times())),
        }
    }

    /// Takes in values that were recorded later.
    pub(super) fn record(&self, record: &Record<'_>) {
        // Rendered before anything is locked: a `Debug` that logs in this span needs it.
        let mut values = SpanValues(FieldList::new());
        record.record(&mut values);
        self.change(|own| own.extend(&values.0));
    }

    /// Takes in that this span follows from another.
    pub(super) fn follow(&self, other: &Span) {
        let name = other.path(usize::MAX);
        self.change(|own| {
            let text = match own.get(FOLLOWS_FROM) {
                Some(Value::Str(before)) => format!("{before},{name}"),
                _ => name,
            };
            own.set(FOLLOWS_FROM, Value::Str(&text));
        });
    }

    fn change(&self, change: impl FnOnce(&mut FieldList)) {
        let mut values = lock(&self.values);
        change(&mut values);
        // Read without the lock only to find out that a list is stale: one made now at the latest is then made anew.
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Returns what the events in this span carry; `ids` are those that another layer has given to it.
    pub(super) fn context(&self, options: &Options, ids: Option<TraceParent>) -> Shared {
        let changes: u64 = self
            .around(options.depth)
            .map(|span| span.changes.load(Ordering::Acquire))
            .sum();
        let mut made = lock(&self.made);
        match &*made {
            Some(made) if made.changes == changes && made.ids == ids => Arc::clone(&made.list),
            _ => {
                let list = Arc::new(self.list(options, ids));
                *made = Some(Made {
                    changes,
                    ids,
                    list: Arc::clone(&list),
                });
                list
            }
        }
    }

    #[cold]
    fn list(&self, options: &Options, ids: Option<TraceParent>) -> FieldList {
        let mut list = FieldList::new();
        let is_off = options.spans == SpanFields::Off;
        let spans: Vec<_> = self.around(if is_off { 0 } else { options.depth }).collect();
        if !spans.is_empty() {
            list.set(SPAN, Value::Str(&self.path(options.depth)));
        }
        for span in spans.into_iter().rev() {
            let values = lock(&span.values);
            match options.spans {
                SpanFields::Off => {}
                SpanFields::Flat => list.extend(&values),
                SpanFields::Prefixed => {
                    for (name, value) in values.iter() {
                        list.set(&format!("{}.{name}", span.name), value);
                    }
                }
            }
        }
        if let Some(ids) = ids {
            list.set(context::TRACE_ID, Value::Str(&ids.trace_id().to_string()));
            list.set(context::SPAN_ID, Value::Str(&ids.span_id().to_string()));
        }
        list
    }

    /// Names the spans from the outermost to this one.
    fn path(&self, depth: usize) -> String {
        let mut names: Vec<_> = self.around(depth).map(|span| span.name).collect();
        names.reverse();
        names.join(":")
    }

    /// Iterates over this span and those around it, outwards.
    fn around(&self, depth: usize) -> impl Iterator<Item = &Span> {
        std::iter::successors(Some(self), |span| span.parent.as_deref()).take(depth)
    }

    /// Takes in that a thread has entered the span or left it.
    pub(super) fn time(&self, enters: bool) {
        let Some(times) = &self.times else {
            return;
        };
        let (mut times, now) = (lock(times), mono_ns());
        let passed = now.saturating_sub(times.last_ns);
        times.last_ns = now;
        match times.inside {
            0 => times.idle_ns += passed,
            _ => times.busy_ns += passed,
        }
        times.inside = if enters {
            times.inside + 1
        } else {
            times.inside.saturating_sub(1)
        };
    }

    /// Puts the times into the record of the span's end.
    pub(super) fn put_times(&self, encoder: &mut Encoder<'_>) {
        if let Some(times) = &self.times {
            let (times, now) = (lock(times), mono_ns());
            let idle_ns = times.idle_ns + now.saturating_sub(times.last_ns);
            encoder.field("busy_ns", Value::U64(times.busy_ns));
            encoder.field("idle_ns", Value::U64(idle_ns));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What hangs on a span in the registry: for each layer of ours, by its number, the span as it knows it. One layer is
/// the rule, and needs no list.
#[derive(Debug)]
pub(super) struct Kept {
    first: (u64, Arc<Span>),
    others: Vec<(u64, Arc<Span>)>,
}

impl Kept {
    pub(super) fn find(extensions: &Extensions<'_>, layer: u64) -> Option<Arc<Span>> {
        let kept = extensions.get::<Kept>()?;
        std::iter::once(&kept.first)
            .chain(&kept.others)
            .find(|(number, _)| *number == layer)
            .map(|(_, span)| Arc::clone(span))
    }

    pub(super) fn keep(extensions: &mut ExtensionsMut<'_>, layer: u64, span: Arc<Span>) {
        if let Some(kept) = extensions.get_mut::<Kept>() {
            kept.others.push((layer, span));
        } else {
            extensions.insert(Kept {
                first: (layer, span),
                others: Vec::new(),
            });
        }
    }
}
