//! An error as a value: with everything that caused it.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most causes that are kept of one error: a chain that runs in a circle has an end too.
pub const CAUSES_MAX: usize = 64;

/// Returns an error and its causes as a JSON document, the nearest cause first; `None` if a `Display` has panicked.
///
/// # Examples
/// ```
/// let error = std::io::Error::other("disk full");
/// assert_eq!(hydra_record::chain::document(&error).unwrap(), r#"{"message":"disk full","sources":[]}"#);
/// ```
pub fn document<E: Error + ?Sized>(error: &E) -> Option<String> {
    let made = catch_unwind(AssertUnwindSafe(|| {
        let mut document = String::from("{\"message\":");
        put_text(error, &mut document);
        document.push_str(",\"sources\":[");
        let causes = std::iter::successors(error.source(), |&cause| cause.source());
        for (index, cause) in causes.take(CAUSES_MAX).enumerate() {
            document.push_str(if index == 0 { "" } else { "," });
            put_text(cause, &mut document);
        }
        document.push_str("]}");
        document
    }));
    made.ok()
}

fn put_text<E: fmt::Display + ?Sized>(text: &E, document: &mut String) {
    document.push('"');
    // A `Display` that fails has written what it could.
    let _ = write!(Escaped(document), "{text}");
    document.push('"');
}

/// Escapes what is written for a JSON string.
struct Escaped<'d>(&'d mut String);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for letter in text.chars() {
            match letter {
                '"' | '\\' => self.0.extend(['\\', letter]),
                '\0'..='\u{1F}' => write!(self.0, "\\u{:04x}", letter as u32)?,
                _ => self.0.push(letter),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Circle;

    impl fmt::Display for Circle {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("\"\\\n\u{e9}")
        }
    }

    impl Error for Circle {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&Circle)
        }
    }

    #[derive(Debug)]
    struct Panics;

    impl fmt::Display for Panics {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("on purpose")
        }
    }

    impl Error for Panics {}

    /// A chain without an end is cut, and the document is valid whatever the texts hold.
    #[test]
    fn is_a_document_with_an_end() {
        let shown = "\"\\\"\\\\\\u000a\u{e9}\"";
        let causes = vec![shown; CAUSES_MAX].join(",");
        let expected = format!("{{\"message\":{shown},\"sources\":[{causes}]}}");
        assert_eq!(document(&Circle), Some(expected));
    }

    /// An error that panics when it is shown makes no document.
    #[test]
    fn outlives_a_display_that_panics() {
        assert_eq!(document(&Panics), None);
    }
}
