//! Bytes reach a place: console, file, memory.
