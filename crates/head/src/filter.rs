//! Which records a head takes.

use hydra_record::{Dictionary, Level, Peek, Taker};

/// Past every level.
const NEVER: u8 = u8::MAX;

/// Takes the records of one layer, from some level on; or, where a layer's note tells who takes its records, those that
/// are said to be for this destination. What was configured when a record was logged decides, not what is configured
/// now.
#[derive(Clone, Debug)]
pub struct Filter {
    route: String,
    level: Level,
    key: Option<u64>,
    /// The least level taken of each layer's number, if it has been looked up.
    known: Vec<Option<u8>>,
}

impl Filter {
    /// Makes a filter for the configured layer `route`.
    pub fn new(route: impl Into<String>, level: Level) -> Filter {
        Filter {
            route: route.into(),
            level,
            key: None,
            known: Vec::new(),
        }
    }

    /// Makes it that of the destination `name`.
    #[must_use]
    pub fn named(self, name: &str) -> Filter {
        Filter {
            key: Some(Taker::key_of(name)),
            ..self
        }
    }

    /// Returns the configured layer whose records it takes.
    pub fn route(&self) -> &str {
        &self.route
    }

    /// Says whether a record is wanted, before it is decoded.
    #[inline]
    pub fn takes(&mut self, payload: &[u8], notes: &Dictionary) -> bool {
        let Some(peek) = Peek::read(payload) else { return false };
        let least = match self.known.get(usize::from(peek.layer)) {
            Some(Some(least)) => *least,
            _ => self.look_up(peek.layer, notes),
        };
        peek.level >= least
    }

    /// Forgets what layer numbers mean: another process's journal follows, or a layer was told anew.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    #[cold]
    fn look_up(&mut self, layer: u16, notes: &Dictionary) -> u8 {
        let own = self.level.number();
        // A record whose layer is unknown cannot be routed; it is counted where it is decoded.
        let Some(note) = notes.layer(layer) else { return own };
        let least = match (&note.takers, self.key) {
            (Some(takers), Some(key)) => {
                let taker = takers.iter().find(|taker| taker.key == key);
                taker.map_or(NEVER, |taker| taker.level)
            }
            _ if note.route == self.route => own,
            _ => NEVER,
        };
        let index = usize::from(layer);
        if self.known.len() <= index {
            self.known.resize(index + 1, None);
        }
        if let Some(place) = self.known.get_mut(index) {
            *place = Some(least);
        }
        least
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hydra_record::{Encoder, Head, LayerNote, Scratch};

    fn record(layer: u16, level: Level) -> Vec<u8> {
        let (mut bytes, time_ns) = (Scratch::new(), 0);
        let head = Head {
            time_ns,
            site: 0,
            thread: 0,
            layer,
            level,
        };
        Encoder::message(&mut bytes, head, "", None).finish();
        bytes.to_vec()
    }

    /// Where a note tells who takes a layer's records, that decides, whatever the route and the level of now are; where
    /// it does not, these do.
    #[test]
    fn the_note_decides() {
        let (mut notes, mut note) = (Dictionary::new(), Vec::new());
        let key = Taker::key_of("head");
        LayerNote::put_with_takers(1, "A", "OLD", &[Taker { key, level: 20 }], &mut note);
        assert!(notes.learn(&note));
        note.clear();
        LayerNote::put_with_takers(2, "A", "NOW", &[], &mut note);
        assert!(notes.learn(&note));
        note.clear();
        LayerNote::put(3, "A", "NOW", &mut note);
        assert!(notes.learn(&note));
        let mut filter = Filter::new("NOW", Level::Error).named("head");
        let mut takes = |layer, level| filter.takes(&record(layer, level), &notes);
        assert!(takes(1, Level::Info) && !takes(1, Level::Debug));
        assert!(!takes(2, Level::Critical));
        assert!(takes(3, Level::Error) && !takes(3, Level::Warning));
    }
}
