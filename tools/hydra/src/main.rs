//! The `hydra` command.
fn main() {}
