//! The broker through real sockets, on a disk in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod journey;
mod stage;
