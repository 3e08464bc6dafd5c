//! The outside world for Hydra-Logger: disk, memory map, clock, randomness, threads.
