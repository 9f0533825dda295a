//! A name server, a broker, or both in one process, from their settings to their end.
//!
//! This is the one place where they are put together: [`Node::builder`] takes the settings, a clock
//! and a disk; `entrance` opens the sockets and finds the address that others are told; [`Node::stop`]
//! ends everything in order. What every connection has to pass (TLS, who is who) and further ways in
//! enter in `entrance`, and whoever starts a node has them.

mod builder;
mod entrance;
mod error;
mod running;

pub use builder::NodeBuilder;
pub use error::NodeError;
pub use running::Node;
