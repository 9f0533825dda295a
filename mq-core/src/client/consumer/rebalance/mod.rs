//! How the queues of a topic are distributed among the members of a group.
//!
//! Every member computes its own share from the same sorted lists, so all of them must use the
//! same strategy, and a strategy may depend on nothing but its arguments.

mod average;
mod consistent_hash;
mod machine_room;
mod strategy;

pub use machine_room::Rooms;
pub use strategy::{Allocate, Strategy};
