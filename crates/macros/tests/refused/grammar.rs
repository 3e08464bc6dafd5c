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
    info!();
    info!(log);
    info!(log, layer: "API");
    info!(log, target: "API", "message");
    info!(log, layer: "A", layer: "B", "message");
    info!(log, level: mock::__private::Level::Info, "message");
    log!(log, "message");
    info!(log, layer:, "message");
    info!(log, "message" 1);
    info!(log, "{}",, 1);
    info!(log, "{a}", a = );
    info!(log, "message"; a = 1,, b = 2);
    info!(, "message");
    info!(log, "message"; 1 + 1);
    info!(log, "message"; 1 = 2);
    info!(log, "message"; id: 2);
    info!(log, "message"; id => 2);
    info!(log, "message"; f(2));
    info!(log, "message"; "" = 1);
    info!(log, "message"; a = 1; b = 2);
    let _ = (TEXT, Opaque);
}
