//! An error as a value: with everything that caused it.

use std::error::Error;
use std::fmt;

use hydra_record::Value;

use crate::capture::ToValue;

/// An error and its causes, as a field of a record; made by [`chain`].
///
/// # Examples
/// ```
/// let error = std::io::Error::other(std::fmt::Error);
/// let chain = hydra_logger::chain(&error);
/// assert!(chain.to_string().contains("formatting"));
/// ```
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
    Chain {
        document: hydra_record::chain::document(error),
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
