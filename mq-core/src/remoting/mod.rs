//! The transport of requests and responses: over TCP, or inside one process without a socket. A
//! processor does not see the difference.
//!
//! Each connection is owned by one task; a response is matched to its request by the opaque number.

mod answering;
mod calls;
mod client;
mod config;
mod connection;
mod connections;
mod ending;
mod endpoint;
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
pub use config::{Limits, RemotingClientConfig, RemotingServerConfig};
pub use endpoint::endpoint;
pub use error::{BindError, CallError};
pub use listening::{Listening, NotListened};
pub use local::LocalServer;
pub use peer::{Peer, PeerId, PeerWatcher};
pub use processor::{Incoming, Processor};
pub use router::Router;
pub use server::RemotingServer;
pub use unanswered::Unanswered;
