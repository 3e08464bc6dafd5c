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
    let id = 7;
    info!("message");
    info!("user {}", id);
    info!(layer: "API", "message");
    info!(target: "api", "message");
    info!(log "message");
    info!(log; "message");
    info!(log, layer = "API", "message");
    info!(log, target = "api", "message");
    info!(log, id = 1, "message");
    info!(log, %id, "message");
    info!(log, "API", "message");
    info!(log, "message", id = 1);
    info!(log, "{id} {}", 1, id = 1, tenant = 2);
    log!(log, mock::__private::Level::Info, "message");
    let _ = (TEXT, Opaque);
}
