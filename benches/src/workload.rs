//! What is logged: one message with three arguments, the same for every peer.
//!
//! `user {id} logged in from {ip} in {ms} ms` with `(u64, &str, f64)`. The id is the number of the record, so that the
//! output proves by itself which records are there.

/// The arguments of one record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) id: u64,
    pub(crate) ip: &'static str,
    pub(crate) ms: f64,
}

/// Fields of the JSON scenario beside the three arguments.
pub(crate) const TENANT: &str = "acme";
/// As above.
pub(crate) const ATTEMPT: u64 = 3;

const ADDRESSES: [&str; 8] = [
    "10.0.0.1",
    "192.168.17.254",
    "172.16.3.99",
    "203.0.113.7",
    "198.51.100.23",
    "2001:db8::1",
    "10.255.255.254",
    "8.8.4.4",
];

impl Event {
    /// Record number `id`. Cheap on purpose: it is made inside the measured loop.
    #[inline]
    pub(crate) fn new(id: u64) -> Self {
        let [first, ..] = ADDRESSES;
        let ip = usize::try_from(id % 8)
            .ok()
            .and_then(|at| ADDRESSES.get(at))
            .copied()
            .unwrap_or(first);
        // Two decimals at most: what a service prints for a duration.
        let ms = (id % 9_973) as f64 / 100.0;
        Self { id, ip, ms }
    }
}
