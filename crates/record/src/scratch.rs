//! Room to encode in, which a thread keeps from one record to the next.

use std::ops::Deref;

/// What a record's bytes are put into: room that stays, so that the place of the next byte can be a number in a
/// register and not a length in memory.
///
/// # Examples
/// ```
/// use hydra_record::{Encoder, Head, Level, Scratch};
///
/// let head = Head { time_ns: 0, site: 0, thread: 0, layer: 0, level: Level::Info };
/// let mut scratch = Scratch::new();
/// Encoder::message(&mut scratch, head, "hello", None).finish();
/// assert!(scratch.ends_with(b"hello"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    room: Vec<u8>,
    len: usize,
}

/// Room for a record of ordinary size is made at once.
const ROOM_BYTES: usize = 512;

impl Scratch {
    /// Makes one without room.
    pub const fn new() -> Scratch {
        Scratch {
            room: Vec::new(),
            len: 0,
        }
    }

    /// Empties it. The room stays.
    #[inline]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Returns how many bytes it has room for.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.room.len()
    }

    /// Says that the first `len` bytes of the room are the record.
    #[inline]
    pub(crate) fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    /// Returns what stands from `at` on, and all room behind it.
    #[inline]
    pub(crate) fn from(&mut self, at: usize) -> Option<&mut [u8]> {
        self.room.get_mut(at..)
    }

    /// Returns the place of `N` bytes from `at` on, if there is room for them.
    #[inline(always)]
    pub(crate) fn place<const N: usize>(&mut self, at: usize) -> Option<&mut [u8; N]> {
        self.from(at)?.first_chunk_mut()
    }

    #[cold]
    #[inline(never)]
    fn put_with_more_room(&mut self, at: usize, bytes: &[u8]) {
        let needed = at + bytes.len();
        self.room.resize(needed.next_power_of_two().max(ROOM_BYTES), 0);
        let places = self.room.iter_mut().skip(at);
        places.zip(bytes).for_each(|(to, from)| *to = *from);
    }
}

impl Deref for Scratch {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.room.get(..self.len).unwrap_or_default()
    }
}

/// What values and texts are put into, at its end.
pub(crate) trait Put {
    /// Appends a few bytes, whose number is known when this is compiled.
    fn piece<const N: usize>(&mut self, bytes: [u8; N]);

    /// Appends a mark and a few bytes.
    fn tagged<const N: usize>(&mut self, mark: u8, bytes: [u8; N]);

    /// Appends bytes.
    fn bytes(&mut self, bytes: &[u8]);

    /// Returns where the next byte goes.
    fn place(&self) -> usize;

    /// Takes back what stands from `at` on.
    fn cut(&mut self, at: usize);

    /// Puts a few bytes in the place of others.
    fn replace<const N: usize>(&mut self, at: usize, bytes: [u8; N]);
}

impl Put for Vec<u8> {
    #[inline(always)]
    fn piece<const N: usize>(&mut self, bytes: [u8; N]) {
        self.extend_from_slice(&bytes);
    }

    #[inline(always)]
    fn tagged<const N: usize>(&mut self, mark: u8, bytes: [u8; N]) {
        self.push(mark);
        self.extend_from_slice(&bytes);
    }

    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }

    fn place(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, at: usize) {
        self.truncate(at);
    }

    fn replace<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        if let Some(place) = self.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
            *place = bytes;
        }
    }
}

/// A place in a [`Scratch`].
#[derive(Debug)]
pub(crate) struct Pen<'s> {
    pub(crate) scratch: &'s mut Scratch,
    pub(crate) at: usize,
}

impl Put for Pen<'_> {
    #[inline(always)]
    fn piece<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.scratch.place(self.at) {
            Some(place) => *place = bytes,
            None => put_with_more_room(self.scratch, self.at, bytes),
        }
        self.at += N;
    }

    #[inline(always)]
    fn tagged<const N: usize>(&mut self, mark: u8, bytes: [u8; N]) {
        // Room is looked for once.
        if let Some([first, rest @ ..]) = self.scratch.from(self.at)
            && let Some(rest) = rest.first_chunk_mut()
        {
            (*first, *rest) = (mark, bytes);
        } else {
            put_with_more_room(self.scratch, self.at, [mark]);
            put_with_more_room(self.scratch, self.at + 1, bytes);
        }
        self.at += 1 + N;
    }

    #[inline(always)]
    fn bytes(&mut self, bytes: &[u8]) {
        match self.scratch.from(self.at).and_then(|room| room.get_mut(..bytes.len())) {
            Some(place) => place.copy_from_slice(bytes),
            None => self.scratch.put_with_more_room(self.at, bytes),
        }
        self.at += bytes.len();
    }

    fn place(&self) -> usize {
        self.at
    }

    fn cut(&mut self, at: usize) {
        self.at = at;
    }

    #[inline(always)]
    fn replace<const N: usize>(&mut self, at: usize, bytes: [u8; N]) {
        if let Some(place) = self.scratch.place(at) {
            *place = bytes;
        }
    }
}

/// By value: bytes that somebody is given the address of are stored on the stack by every call, whether or not it comes
/// here.
#[cold]
#[inline(never)]
fn put_with_more_room<const N: usize>(scratch: &mut Scratch, at: usize, bytes: [u8; N]) {
    scratch.put_with_more_room(at, &bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is put stands there in order, also where it took more room, and the room is found again.
    #[test]
    fn room_grows_and_stays() {
        let (mut scratch, mut plain) = (Scratch::new(), Vec::new());
        for round in 0..3 {
            plain.clear();
            scratch.clear();
            let mut pen = Pen {
                scratch: &mut scratch,
                at: 0,
            };
            for number in 0..200_u16 {
                pen.piece(number.to_le_bytes());
                plain.piece(number.to_le_bytes());
                pen.bytes(&plain[..usize::from(number) * round]);
                let part = plain[..usize::from(number) * round].to_vec();
                plain.bytes(&part);
            }
            let len = pen.at;
            scratch.set_len(len);
            assert_eq!(*scratch, *plain);
        }
        assert!(scratch.capacity() >= plain.len());
    }
}
