//! Programs that log with Hydra-Logger, one in each file of `src/bin`; the tests run them.
//!
//! | program | shows |
//! |---|---|
//! | `axum_service` | a web service with axum and tower-http, whose events and spans reach the logger unchanged |
//! | `prefork` | worker processes on one socket, of which some die, and no record is lost or doubled |
//!
//! Smaller ones, which need nothing but the library, are in `crates/logger/examples`.
#![forbid(unsafe_code)]
