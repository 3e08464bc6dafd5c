//! An error as a value: with everything that caused it.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use hydra_record::Value;

use crate::capture::ToValue;

/// The most causes that are kept of one error: a chain that runs in a circle has an end too.
pub(crate) const CAUSES_MAX: usize = 64;

/// An error and its causes, as a field of a record; made by [`chain`].
#[derive(Clone, Debug)]
pub struct Chain {
    /// `None` if a `Display` has panicked.
    document: Option<String>,
}

/// Takes down an error and what its [`source`](Error::source) leads to, for a field of a record.
///
/// The value is the JSON document `{"message":"...","sources":["...","..."]}`, the nearest cause first. A field of the
/// macros does this by itself for whatever implements [`Error`] (`err = e`, `err = &e`), and so do errors in `log`'s
/// key-values and `tracing`'s fields; this function is for other calls, and for types that only lead to an error
/// (`err = chain(e.as_ref())`).
///
/// # Examples
/// ```
/// use hydra_logger::chain;
///
/// let cause = std::io::Error::other("disk full");
/// let error = hydra_logger::Error::new(hydra_logger::ErrorKind::Journal, "open the journal").from_source(cause);
/// assert_eq!(
///     chain(&error).to_string(),
///     r#"{"message":"cannot open the journal: disk full","sources":["disk full"]}"#
/// );
/// ```
pub fn chain<E: Error + ?Sized>(error: &E) -> Chain {
    let document = catch_unwind(AssertUnwindSafe(|| {
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
    Chain {
        document: document.ok(),
    }
}

impl ToValue for Chain {
    fn to_value(&self) -> Value<'_> {
        self.document.as_deref().map_or(Value::Panicked, Value::Json)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.document.as_deref().unwrap_or(hydra_record::value::PANICKED_TEXT))
    }
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
        let text = chain(&Circle).to_string();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["message"], "\"\\\n\u{e9}");
        assert_eq!(document["sources"].as_array().map(Vec::len), Some(CAUSES_MAX));
    }

    /// An error that panics when it is shown spoils its own value only.
    #[test]
    fn outlives_a_display_that_panics() {
        assert_eq!(chain(&Panics).to_value(), Value::Panicked);
    }
}
