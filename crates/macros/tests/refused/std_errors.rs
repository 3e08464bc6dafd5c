#[path = "../mock/mod.rs"]
mod mock;
pub use mock::__private;
#[macro_use]
#[path = "../../../logger/src/macros.rs"]
mod macros;

#[allow(dead_code)]
const TEXT: &str = "text";
struct Opaque;

fn main() {
    let log = mock::Logger::new(mock::__private::Level::Info);
    info!(log, "never closed {");
    info!(log, "one argument too many {}", 1, 2);
    info!(log, "one too few {} {}", 1);
    info!(log, "no such name {missing}");
    info!(log, "no such form {:y}", 1);
    info!(log, "{a}", a = 1, a = 2);
    info!(log, "{} {a}", a = 1, 2);
    let _ = (TEXT, Opaque);
}
