//! The calls of every peer that stands behind the `log` facade.

use crate::workload::{ATTEMPT, Event, TENANT};

#[inline]
pub(super) fn message(event: &Event) {
    let Event { id, ip, ms } = event;
    log::info!("user {id} logged in from {ip} in {ms} ms");
}

#[inline]
pub(super) fn fields(event: &Event) {
    let Event { id, ip, ms } = *event;
    log::info!(id, ip, ms, tenant = TENANT, attempt = ATTEMPT; "user {id} logged in from {ip} in {ms} ms");
}

#[inline]
pub(super) fn disabled(event: &Event) {
    let Event { id, ip, ms } = event;
    log::debug!("user {id} logged in from {ip} in {ms} ms");
}

/// The three calls of [`Peer`](crate::peer::Peer), for a peer behind the facade.
macro_rules! calls {
    () => {
        fn message(&self, event: &crate::workload::Event) {
            crate::peers::facade::message(event);
        }

        fn fields(&self, event: &crate::workload::Event) {
            crate::peers::facade::fields(event);
        }

        fn disabled(&self, event: &crate::workload::Event) {
            crate::peers::facade::disabled(event);
        }
    };
}
pub(super) use calls;
