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
    let message = TEXT;
    info!(log, message);
    info!(log, TEXT);
    info!(log, concat!("a", "b"));
    info!(log, b"bytes");
    info!(log, 7);
    let _ = (TEXT, Opaque);
}
