//! The header `traceparent` of W3C Trace Context: which trace a piece of work belongs to, and who asked for it.
//!
//! `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`: version, trace id, id of the parent, flags. All digits
//! are lower-case hexadecimal. Ids of zeros only are invalid, and so is version ff. A later version may append more,
//! behind another dash.

use std::fmt;
use std::str::FromStr;

/// Length of the header in version 00, and of the part of later versions that is understood.
const LEN: usize = 55;

/// What the header `traceparent` says.
///
/// # Examples
/// ```
/// use hydra_logger::context::{self, Context, TraceParent};
///
/// let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let caller: TraceParent = header.parse()?;
/// assert_eq!(caller.to_string(), header);
///
/// // This program's own work is a child; its header goes with the requests it makes.
/// let own = caller.child();
/// assert_eq!(own.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
/// assert!(own.is_sampled() && own.span_id() != caller.span_id());
/// Context::new().trace(&own).run(|| {
///     assert_eq!(context::current().iter().count(), 2);
/// });
/// # Ok::<(), context::BadTraceParent>(())
/// ```
///
/// ```
/// use hydra_logger::context::TraceParent;
///
/// let root = TraceParent::random().sampled(true);
/// assert!(root.child().is_sampled());
/// assert!(TraceParent::of_ids([0; 16], [1; 8]).is_none()); // ids of zeros are invalid
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TraceParent {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
}

/// The text is no `traceparent`; the standard has it ignored, and a new trace begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTraceParent {
    why: &'static str,
}

impl fmt::Display for BadTraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a traceparent: {}", self.why)
    }
}

impl std::error::Error for BadTraceParent {}

/// The flag that says that the caller may have recorded the trace.
const SAMPLED: u8 = 1;

impl TraceParent {
    /// Begins a trace, with random ids.
    pub fn random() -> TraceParent {
        TraceParent {
            trace_id: hydra_os::random::bytes16(),
            span_id: [0; 8],
            flags: 0,
        }
        .child()
    }

    /// Takes ids that something else has given; none if one of them is zeros only, which is invalid.
    pub fn of_ids(trace_id: [u8; 16], span_id: [u8; 8]) -> Option<TraceParent> {
        let is_valid = trace_id != [0; 16] && span_id != [0; 8];
        let flags = 0;
        is_valid.then_some(TraceParent {
            trace_id,
            span_id,
            flags,
        })
    }

    /// Returns the same trace with a new id for the work that this one asks for.
    #[must_use]
    pub fn child(&self) -> TraceParent {
        TraceParent {
            // One in 2^64 would be invalid.
            span_id: hydra_os::random::u64().max(1).to_be_bytes(),
            ..*self
        }
    }

    /// Returns the same with the flag "sampled" set or not.
    #[must_use]
    pub fn sampled(self, is_sampled: bool) -> TraceParent {
        TraceParent {
            flags: if is_sampled { SAMPLED } else { 0 },
            ..self
        }
    }

    /// Returns the trace's id; it is shown as 32 hexadecimal digits.
    pub fn trace_id(&self) -> impl fmt::Display + PartialEq + Copy + use<> {
        Hex(self.trace_id)
    }

    /// Returns the id of the work within the trace; it is shown as 16 hexadecimal digits.
    pub fn span_id(&self) -> impl fmt::Display + PartialEq + Copy + use<> {
        Hex(self.span_id)
    }

    /// Says whether the caller may have recorded the trace.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }
}

impl FromStr for TraceParent {
    type Err = BadTraceParent;

    fn from_str(text: &str) -> Result<TraceParent, BadTraceParent> {
        let bad = |why| Err(BadTraceParent { why });
        let Some((head, rest)) = text.as_bytes().split_at_checked(LEN) else {
            return bad("it is shorter than 55 characters");
        };
        let dashes = [head.get(2), head.get(35), head.get(52)];
        if dashes != [Some(&b'-'); 3] {
            return bad("there is no dash behind the version, the trace id or the parent id");
        }
        let (Some([version]), Some(trace_id), Some(span_id), Some([flags])) =
            (hex(head, 0), hex(head, 3), hex(head, 36), hex(head, 53))
        else {
            return bad("a part is not made of lower-case hexadecimal digits");
        };
        match (version, rest.first()) {
            (0xFF, _) => return bad("there is no version ff"),
            (0, Some(_)) => return bad("version 00 has 55 characters"),
            (_, Some(next)) if *next != b'-' => return bad("there is no dash behind the flags"),
            _ => {}
        }
        if trace_id == [0; 16] || span_id == [0; 8] {
            return bad("an id is made of zeros only");
        }
        // What other flags mean is not known, so they are not passed on.
        let flags = flags & SAMPLED;
        Ok(TraceParent {
            trace_id,
            span_id,
            flags,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{}-{:02x}", self.trace_id(), self.span_id(), self.flags)
    }
}

/// Bytes, shown as hexadecimal digits.
#[derive(Clone, Copy, PartialEq)]
struct Hex<const N: usize>([u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Reads the digits that begin at `at`.
fn hex<const N: usize>(text: &[u8], at: usize) -> Option<[u8; N]> {
    let digits = text.get(at..at + 2 * N)?;
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair.first_chunk::<2>()?.map(digit);
        *byte = high? << 4 | low?;
    }
    Some(bytes)
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    /// What the standard allows is taken, also from later versions; what it forbids is refused.
    #[test]
    fn is_strict() {
        let parse = |text: &str| text.parse::<TraceParent>();
        assert_eq!(parse(GOOD).unwrap().to_string(), GOOD);
        assert!(!parse(&GOOD.replace("-01", "-00")).unwrap().is_sampled());
        let later = GOOD.replacen("00", "cc", 1);
        assert_eq!(parse(&later).unwrap().to_string(), GOOD);
        assert_eq!(parse(&format!("{later}-what-comes")).unwrap().to_string(), GOOD);
        assert_eq!(parse(&GOOD.replace("-01", "-ff")).unwrap().to_string(), GOOD);
        let bad = [
            "",
            &GOOD[..54],
            &format!("{GOOD}-"),
            &format!("{GOOD}0"),
            &format!(" {GOOD}"),
            &format!("{later}."),
            &GOOD.replacen("00", "ff", 1),
            &GOOD.replace("4bf9", "4BF9"),
            &GOOD.replace("4bf9", "4bg9"),
            &GOOD.replace('-', "_"),
            &GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32)),
            &GOOD.replace("00f067aa0ba902b7", &"0".repeat(16)),
            &GOOD.replace("-01", "-0x"),
            &GOOD.replacen("4bf9", "\u{e9}\u{e9}", 1),
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    /// A trace that is begun here can be read by others, and its children belong to it.
    #[test]
    fn begins_and_goes_on() {
        let root = TraceParent::random().sampled(true);
        assert_eq!(root.to_string().parse(), Ok(root));
        let child = root.child();
        assert!(child.trace_id() == root.trace_id() && child.span_id() != root.span_id());
        assert!(child.is_sampled());
    }
}
