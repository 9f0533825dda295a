//! The connected producers and consumers of all groups (`ProducerManager`, `ConsumerManager`).
//!
//! Invariant: a connection becomes a member of a group by its own heartbeats, until it leaves,
//! closes or is silent for 120 s. Another connection with the same client id is another member,
//! which requests over this one cannot remove.

mod consumers;
mod member;
mod table;

pub(in crate::broker) use consumers::SubscriptionLookup;
pub(in crate::broker) use member::{ClientInfo, MembershipChange, SubscriptionConflict};
pub(in crate::broker) use table::Peers;
