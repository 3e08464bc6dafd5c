//! The memory-mapped log that is queue and crash-safe store at once.
