//! The client with a name server and a broker of ours, over sockets and within one process.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failure is what a test is for"
)]

mod administration;
mod broadcasting;
mod cluster;
mod concurrent;
mod conditions;
mod dead_letters;
mod failures;
mod handles;
mod later;
#[path = "../lines/mod.rs"]
mod lines;
mod listeners;
mod lite_pull;
mod logs;
mod moved;
mod order_kept;
mod orderly;
mod out_of_range;
mod packed;
mod passed_over;
mod pull;
mod requests;
mod reset;
mod several_brokers;
mod sharing;
mod starting;
mod time;
mod topics_while_running;
mod traces;
mod transactions;
mod two_brokers;
