//! Which records a head takes.

use hydra_record::{Dictionary, Level, Peek};

/// Takes the records of one layer, from some level on.
#[derive(Clone, Debug)]
pub struct Filter {
    route: String,
    level: Level,
    /// What is known of each layer's number: yes, no, or not looked up yet.
    known: Vec<Option<bool>>,
}

impl Filter {
    /// Makes a filter for the configured layer `route`.
    pub fn new(route: impl Into<String>, level: Level) -> Filter {
        Filter {
            route: route.into(),
            level,
            known: Vec::new(),
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
        if peek.level < self.level.number() {
            return false;
        }
        match self.known.get(usize::from(peek.layer)) {
            Some(Some(taken)) => *taken,
            _ => self.look_up(peek.layer, notes),
        }
    }

    /// Forgets what layer numbers mean: another process's journal follows, or a layer was told anew.
    pub(crate) fn forget(&mut self) {
        self.known.clear();
    }

    #[cold]
    fn look_up(&mut self, layer: u16, notes: &Dictionary) -> bool {
        // A record whose layer is unknown cannot be routed; it is counted where it is decoded.
        let Some(note) = notes.layer(layer) else { return true };
        let taken = note.route == self.route;
        let index = usize::from(layer);
        if self.known.len() <= index {
            self.known.resize(index + 1, None);
        }
        if let Some(place) = self.known.get_mut(index) {
            *place = Some(taken);
        }
        taken
    }
}
