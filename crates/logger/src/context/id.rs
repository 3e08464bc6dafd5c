//! Ids that nobody else has.

use std::fmt::Write as _;

/// Returns a random id: a UUID of version 4, in lower case.
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, Context};
/// let request = Context::new().correlation_id(&context::random_id());
/// # assert_eq!(context::random_id().len(), 36);
/// # assert_eq!(request.iter().count(), 1);
/// ```
pub fn random_id() -> String {
    let mut bytes = hydra_os::random::bytes16();
    // RFC 9562: the version stands in the high half of byte 6, the variant in the two high bits of byte 8.
    bytes[6] = bytes[6] & 0x0F | 0x40;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An id has the form of a UUID of version 4, and no two are alike.
    #[test]
    fn is_a_uuid() {
        let (one, other) = (random_id(), random_id());
        assert_ne!(one, other);
        let parts: Vec<_> = one.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        assert_eq!(&one[14..15], "4");
        assert!(matches!(&one[19..20], "8" | "9" | "a" | "b"));
    }
}
