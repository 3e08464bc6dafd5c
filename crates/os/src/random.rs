//! Randomness: for names that must not collide, and good enough for secrets wherever the system has any.

use std::collections::hash_map::RandomState;
use std::fs::File;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read};

/// Returns 16 random bytes.
///
/// From the kernel's generator, waiting for it in the first moments after the machine's start. Where neither the system
/// call nor the device is to be had, the bytes are still unlikely to be drawn twice, but no secret.
#[must_use]
pub fn bytes16() -> [u8; 16] {
    let mut bytes = [0; 16];
    fill(&mut bytes);
    bytes
}

/// Returns a random number, made as the bytes of [`bytes16`] are.
#[must_use]
pub fn u64() -> u64 {
    let mut bytes = [0; 8];
    fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}

fn fill(bytes: &mut [u8]) {
    #[cfg(sim)]
    for chunk in bytes.chunks_mut(8) {
        chunk.copy_from_slice(crate::sim::draw().to_ne_bytes().get(..chunk.len()).unwrap_or_default());
    }
    #[cfg(not(sim))]
    if from_system_call(bytes).is_err() && from_device(bytes).is_err() {
        from_circumstances(bytes);
    }
}

/// Fills `bytes`, of which there are at most 256: so many come in one piece.
fn from_system_call(bytes: &mut [u8]) -> io::Result<()> {
    debug_assert!(bytes.len() <= 256);
    loop {
        // SAFETY: pointer and length are those of a live, exclusively borrowed slice.
        let count = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
        if usize::try_from(count) == Ok(bytes.len()) {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if count >= 0 || error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// For sandboxes that know the device and not the call.
fn from_device(bytes: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(bytes)
}

/// Mixes what differs between processes, threads and moments.
fn from_circumstances(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(8) {
        // Keyed once a thread and counted up with each one made.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_i64(crate::clock::wall_ns());
        hasher.write_u64(crate::clock::mono_ns());
        hasher.write_u32(crate::process::id());
        for (to, from) in chunk.iter_mut().zip(hasher.finish().to_ne_bytes()) {
            *to = from;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// No two numbers drawn are the same, wherever they are drawn from.
    #[test]
    fn numbers_differ() {
        let sources: [fn(&mut [u8]); 4] = [
            fill,
            |bytes| from_system_call(bytes).expect("Linux has the call"),
            |bytes| from_device(bytes).expect("Linux has the device"),
            from_circumstances,
        ];
        let mut seen = HashSet::new();
        for source in sources {
            for _ in 0..1_000 {
                let mut bytes = [0; 16];
                source(&mut bytes);
                assert!(seen.insert(bytes));
            }
        }
        assert_ne!(bytes16(), bytes16());
        assert_ne!(u64(), u64());
    }

    /// Every bit of a number is now one and now zero.
    #[test]
    fn every_bit_is_drawn() {
        let (mut ones, mut zeros) = (0, 0);
        for _ in 0..1_000 {
            let number = u64();
            ones |= number;
            zeros |= !number;
        }
        assert_eq!((ones, zeros), (u64::MAX, u64::MAX));
    }
}
