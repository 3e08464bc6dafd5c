//! What was left out of the build cannot be asked for.
#![cfg(not(feature = "gzip"))]
#![allow(missing_docs, clippy::unwrap_used)]

use hydra_sink::{ErrorKind, FileOptions, FileSink};

/// Asking for compression in a build without it is an error, and no quiet lie.
#[test]
fn refused() {
    let error = FileSink::new(FileOptions {
        gzip: true,
        ..FileOptions::new("f")
    })
    .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("gzip"));
}
