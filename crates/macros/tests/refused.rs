//! What the compiler says of a wrong call: what is wrong, where, and what to do.
//!
//! `TRYBUILD=overwrite` accepts new texts, which change with the compiler for the errors that are std's.
#![allow(missing_docs)]

/// Each file of `tests/refused` is refused, with the text beside it.
#[test]
fn wrong_calls() {
    trybuild::TestCases::new().compile_fail("tests/refused/*.rs");
}
