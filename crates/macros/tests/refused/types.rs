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
    info!(1, "message");
    info!(log, layer: 7, "message");
    info!(log, "{}", Opaque);
    info!(log, "{:>4?}", Opaque);
    info!(log, "{:x}", 1.5);
    info!(log, "{:1$}", 1, 2u8);
    info!(log, "message"; field = Opaque);
    info!(log, "message"; field = %Some(1));
    let _ = (TEXT, Opaque);
}
