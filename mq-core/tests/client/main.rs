//! The client with a name server and a broker of ours, over sockets and within one process.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failure is what a test is for"
)]

mod broadcasting;
mod cluster;
mod concurrent;
mod dead_letters;
mod failures;
mod later;
#[path = "../lines/mod.rs"]
mod lines;
mod listeners;
mod logs;
mod orderly;
mod packed;
mod passed_over;
mod requests;
mod reset;
mod sharing;
mod time;
mod transactions;
