//! Sockets, and the way around them: requests travel to a router over TCP or, in one process,
//! straight to it. Processors do not know the difference.
//!
//! One task owns each connection; answers find their request by its opaque number.

mod calls;
mod client;
mod config;
mod connection;
mod connections;
mod ending;
mod error;
mod input;
mod listening;
mod local;
mod output;
mod peer;
mod processor;
mod requests;
mod router;
mod server;
mod signals;
mod timeouts;
mod turn;
mod unanswered;
mod waiters;

#[cfg(test)]
mod tests;

pub use client::RemotingClient;
pub use config::{ClientConfig, Limits, ServerConfig};
pub use error::{BindError, CallError};
pub use listening::{Listening, NotListened};
pub use local::LocalServer;
pub use peer::{Peer, PeerId, PeerWatcher};
pub use processor::{Incoming, Processor};
pub use router::Router;
pub use server::RemotingServer;
pub use unanswered::Unanswered;
