//! The bytes of a frame become a record again.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::encode::{FLAG_LOCATION, FLAG_MESSAGE, HEAD_BYTES};
use crate::level::Level;
use crate::note::{LayerNote, Note, Origin, SiteNote};
use crate::record::{Location, Record};
use crate::value::{take_array, take_str};

/// The most call sites a process may have.
pub const SITES_MAX: u32 = 1 << 20;
/// The most thread names kept at a time; when there are more they are forgotten (each segment tells them anew).
const THREADS_MAX: usize = 16_384;

/// Level and layer number of a frame, for filtering before anything is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// The record's level number.
    pub level: u8,
    /// The number of its layer's note.
    pub layer: u16,
    /// Nanoseconds since 1970-01-01 UTC.
    pub time_ns: i64,
}

impl Peek {
    /// Reads them from a record's bytes.
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Peek> {
        let head = bytes.first_chunk::<HEAD_BYTES>()?;
        Some(Peek {
            level: head[18],
            layer: u16::from_le_bytes([head[16], head[17]]),
            time_ns: i64::from_le_bytes(take_array(&mut head.as_slice())?),
        })
    }
}

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They end too early or hold what no encoder writes.
    Malformed,
    /// The note of their call site or layer is missing.
    NoteMissing,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DecodeError::Malformed => "the bytes are not a record",
            DecodeError::NoteMissing => "the note of the record's call site or layer is missing from the journal",
        })
    }
}

impl std::error::Error for DecodeError {}

/// The notes of one journal, learnt as they are read.
///
/// A note that is told again as it was stays the same one: what was made of it can be kept by its address.
#[derive(Debug, Default)]
pub struct Dictionary {
    sites: Vec<Option<Arc<SiteNote>>>,
    layers: Vec<Option<Arc<LayerNote>>>,
    threads: HashMap<u32, String>,
    pub(crate) origin: Arc<Origin>,
}

impl Dictionary {
    /// Makes an empty one.
    pub fn new() -> Dictionary {
        Dictionary::default()
    }

    /// Takes in a note; `false` if the bytes are none. Learning a note again is harmless.
    pub fn learn(&mut self, bytes: &[u8]) -> bool {
        match Note::read(bytes) {
            Some(Note::Site(site)) if site.id < SITES_MAX => {
                put_at(&mut self.sites, site.id as usize, site);
            }
            Some(Note::Site(_)) | None => return false,
            Some(Note::Layer(layer)) => put_at(&mut self.layers, usize::from(layer.id), layer),
            Some(Note::Thread(thread)) => {
                if self.threads.len() >= THREADS_MAX {
                    self.threads.clear();
                }
                self.threads.insert(thread.id, thread.name);
            }
            Some(Note::Origin(origin)) => {
                if *self.origin != origin {
                    self.origin = Arc::new(origin);
                }
            }
        }
        true
    }

    /// Returns the layer with that number.
    pub fn layer(&self, id: u16) -> Option<&LayerNote> {
        self.layer_note(id).map(|layer| &**layer)
    }

    #[inline]
    fn layer_note(&self, id: u16) -> Option<&Arc<LayerNote>> {
        self.layers.get(usize::from(id))?.as_ref()
    }

    /// Returns the process the notes come from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    pub(crate) fn thread_name(&self, id: u32) -> &str {
        self.threads.get(&id).map(String::as_str).unwrap_or_default()
    }

    /// Reads one record's bytes.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] if the bytes are no record; [`DecodeError::NoteMissing`] if its call site or layer is
    /// unknown (which happens only where a journal is damaged).
    ///
    /// # Examples
    /// ```
    /// use hydra_record::*;
    /// let mut note = Vec::new();
    /// LayerNote::put(1, "API", "API", &mut note);
    /// let mut notes = Dictionary::new();
    /// assert!(notes.learn(&note));
    ///
    /// let mut bytes = Scratch::new();
    /// let head = Head { time_ns: 0, site: 0, thread: 1, layer: 1, level: Level::Info };
    /// let mut encoder = Encoder::message(&mut bytes, head, "started", None);
    /// encoder.field("port", Value::U64(80));
    /// encoder.finish();
    ///
    /// let record = notes.decode(&bytes, 1)?;
    /// assert_eq!((record.layer(), record.message().as_str()), ("API", "started"));
    /// assert_eq!(record.fields().next(), Some(("port", Value::U64(80))));
    /// # Ok::<(), DecodeError>(())
    /// ```
    #[inline]
    pub fn decode<'a>(&'a self, bytes: &'a [u8], sequence: u64) -> Result<Record<'a>, DecodeError> {
        let (head, mut body) = bytes.split_first_chunk::<HEAD_BYTES>().ok_or(DecodeError::Malformed)?;
        let mut head = head.as_slice();
        let mut record = self.decode_head(&mut head, sequence).ok_or(DecodeError::Malformed)??;
        let flags = bytes.get(19).copied().unwrap_or_default();
        if flags & FLAG_LOCATION != 0 {
            record.location = Some(decode_location(&mut body).ok_or(DecodeError::Malformed)?);
        }
        if flags & FLAG_MESSAGE != 0 {
            record.message = take_str(&mut body).ok_or(DecodeError::Malformed)?;
        } else if record.site.is_none() {
            return Err(DecodeError::NoteMissing);
        }
        record.values = body;
        Ok(record)
    }

    #[inline(always)]
    fn decode_head<'a>(&'a self, head: &mut &[u8], sequence: u64) -> Option<Result<Record<'a>, DecodeError>> {
        let time_ns = i64::from_le_bytes(take_array(head)?);
        let site = u32::from_le_bytes(take_array(head)?);
        let thread = u32::from_le_bytes(take_array(head)?);
        let layer = u16::from_le_bytes(take_array(head)?);
        let [level, _flags] = take_array(head)?;
        let Some(layer) = self.layer_note(layer) else {
            return Some(Err(DecodeError::NoteMissing));
        };
        Some(Ok(Record {
            sequence,
            time_ns,
            level: Level::from_number(level)?,
            thread,
            layer,
            site: self.sites.get(site as usize).and_then(Option::as_ref),
            location: None,
            message: "",
            arguments: u16::from_le_bytes(take_array(head)?),
            fields: u16::from_le_bytes(take_array(head)?),
            context: u16::from_le_bytes(take_array(head)?),
            values: &[],
            dictionary: self,
        }))
    }
}

fn decode_location<'a>(body: &mut &'a [u8]) -> Option<Location<'a>> {
    let line = u32::from_le_bytes(take_array(body)?);
    Some(Location {
        line,
        file: take_str(body)?,
        module: take_str(body)?,
    })
}

fn put_at<T: PartialEq>(list: &mut Vec<Option<Arc<T>>>, index: usize, note: T) {
    if list.len() <= index {
        list.resize_with(index + 1, || None);
    }
    match list.get_mut(index) {
        Some(Some(known)) if **known == note => {}
        Some(place) => *place = Some(Arc::new(note)),
        None => {}
    }
}
