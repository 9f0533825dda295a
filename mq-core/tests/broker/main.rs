//! The broker through real sockets, on a disk in memory.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod admin_lists;
mod admin_members;
mod admin_offsets;
mod admin_settings;
mod admin_store;
mod administration;
mod again;
mod answers;
mod backups;
mod conditions;
mod cut_power;
mod ending;
mod full_disk;
mod groups;
mod hostile;
mod journey;
#[path = "../lines/mod.rs"]
mod lines;
mod outlive;
mod positions;
mod power;
mod registration;
mod replies;
mod rules;
mod slow_disk;
mod stage;
mod timers;
mod timers_power;
mod transactions;
mod transactions_power;
mod views;
