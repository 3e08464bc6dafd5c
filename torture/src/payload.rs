//! The text of a record, which proves itself.

use std::fmt::Write as _;

use crate::random::Random;

/// Whose record it is, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The run of a victim in a round.
    pub life: u64,
    /// The thread of the victim.
    pub thread: u64,
    /// The thread's record, from 1.
    pub number: u64,
}

/// What bodies are made of: nothing that a format must neutralise, some that it must escape or count in bytes.
const LETTERS: [&str; 16] = [
    "a", "b", "c", "0", "1", "\"", "é", "%", "{", "}", "<", "'", "x", "日", ",", "=",
];
/// One body in so many is long, and one in so many longer than what goes into one frame.
const LONG_EVERY: u64 = 64;
const HUGE_EVERY: u64 = 4096;

impl Id {
    /// Returns the part of the text that varies.
    pub fn body(self, seed: u64) -> String {
        let mut random = Random::of(&[seed, self.life, self.thread, self.number]);
        let letters = match random.next() {
            draw if draw % HUGE_EVERY == 0 => 70_000,
            draw if draw % LONG_EVERY == 0 => 200 + random.below(3_000),
            _ => random.below(90),
        };
        let mut body = String::new();
        let mut drawn = 0;
        for letter in 0..letters {
            if letter % 16 == 0 {
                drawn = random.next();
            }
            body.push_str(LETTERS.get((drawn & 15) as usize).copied().unwrap_or_default());
            drawn >>= 4;
        }
        body
    }

    /// Returns the whole text.
    pub fn text(self, seed: u64) -> String {
        self.text_of(&self.body(seed))
    }

    /// Returns the whole text, whose varying part is `body`.
    pub fn text_of(self, body: &str) -> String {
        let mut text = String::new();
        let _ = write!(text, "{} {} {} {body}", self.life, self.thread, self.number);
        text
    }

    /// Reads whose text it is; none if it is not exactly that record's.
    pub fn prove(text: &str, seed: u64) -> Option<Id> {
        let mut words = text.splitn(4, ' ');
        let mut number = || words.next()?.parse().ok();
        let id = Id {
            life: number()?,
            thread: number()?,
            number: number()?,
        };
        (words.next()? == id.body(seed)).then_some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text is known again, and no other passes for it.
    #[test]
    fn texts_prove_themselves() {
        let id = Id {
            life: 3,
            thread: 1,
            number: 77,
        };
        assert_eq!(Id::prove(&id.text(9), 9), Some(id));
        assert_eq!(Id::prove(&id.text(9), 8), None, "another seed");
        assert_eq!(Id::prove(&format!("{}x", id.text(9)), 9), None, "a letter more");
        assert_eq!(Id::prove("", 9), None);
    }
}
