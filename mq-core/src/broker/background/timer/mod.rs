//! Messages for a time of their own: before they go to their topic they wait in
//! `rmq_sys_wheel_timer` (`TimerMessageStore`).
//!
//! A message for a later time is diverted when it is sent (`wish.rs`). Once it is stored, its queue
//! offset and its time, which its consume-queue entry holds, are in memory (`table/mod.rs`), eight bytes
//! for each. When the time comes it is read and stored in its topic (`service.rs`), unless it was
//! cancelled (`cancels.rs`, `cancelled.rs`). What was delivered is saved (`progress.rs`,
//! `progress_file.rs`), so that a start fills the table from the consume queue alone (`load.rs`); after a
//! run of Apache's broker it reads the messages (`takeover.rs`). A message whose segment is to go is
//! stored again (`renewal.rs`).
//!
//! Invariants: no message is delivered before its millisecond. It leaves the table only when it is as
//! durable in its topic as any message, and the saved progress never says more than that, so that a crash
//! at any moment leaves it in one place or in both. A segment goes only when the saved progress needs nothing
//! in it.

mod cancelled;
mod cancels;
mod load;
mod progress;
mod progress_file;
mod renewal;
mod second;
mod service;
mod stored;
mod table;
mod takeover;
mod timercheck;
mod wish;

pub(in crate::broker) use renewal::Renewal;
pub(in crate::broker) use service::TimerService;
pub(in crate::broker) use table::TimerTable;
pub(in crate::broker) use wish::{divert, due_of, has_time};
