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
    let id = 1;
    info!(log, "{id}"; id = 2);
    info!(log, "{name}", name = 1; other = 1, "name" = 2);
    info!(log, "message"; a.b = 1, a.b = 2);
    info!(log, "{}", 1; "0" = 2);
    let _ = (TEXT, Opaque);
}
