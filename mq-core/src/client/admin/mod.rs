//! What administrators ask of a cluster and change in it: topics, groups and their offsets, messages.
//!
//! Every call asks the master brokers of the cluster themselves; nothing is cached. It works with
//! Apache's brokers of RocketMQ 4 and 5, too.
//!
//! Invariant: reading moves no offset of any group.

mod brokers;
mod error;
mod groups;
mod handle;
mod messages;
mod offsets;
mod tail;
mod topics;

pub use brokers::{AdminBroker, Gathered};
pub use error::AdminError;
pub use groups::{GroupMember, GroupQueue, GroupSubscription, GroupSummary, GroupView};
pub use handle::Admin;
pub use offsets::{OffsetMove, QueueChoice};
pub use tail::Tail;
pub use topics::{TopicChange, TopicQueue, TopicSummary, TopicView};
