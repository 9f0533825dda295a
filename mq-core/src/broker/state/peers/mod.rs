//! Who is connected as a producer or consumer of which group (`ProducerManager`,
//! `ConsumerManager`).
//!
//! Invariant: a connection is a member of a group by its own heartbeats, until it leaves, ends or is
//! silent for 120 s. Another connection with the same client id is another member, which nothing
//! that comes over this one can remove.

mod consumers;
mod member;
mod table;

pub(in crate::broker) use consumers::Wish;
pub(in crate::broker) use member::{Caller, Change, Mixed};
pub(in crate::broker) use table::Peers;
