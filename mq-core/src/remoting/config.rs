//! Limits of connections, and the settings of servers and clients.

use std::time::Duration;

use crate::wire::{Encoding, frame};

/// Limits of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame in bytes, without its length field.
    pub frame: usize,
    /// A connection is closed after this long without a byte in either direction, or when a frame
    /// that has begun is not complete after this long.
    pub idle: Duration,
    /// A connection is closed when the peer reads none of the pending output for this long.
    pub stalled: Duration,
    /// With this many unsent bytes, back-pressure: nothing more is read, answered or pushed.
    pub unsent: usize,
    /// With this many requests in flight, nothing more is read.
    pub in_flight: usize,
    /// With this many bytes in requests in flight, nothing more is read.
    pub in_flight_bytes: usize,
    /// The capacity of the queue of requests to the peer.
    pub outbox: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: frame::DEFAULT_LIMIT,
            idle: Duration::from_mins(2),
            stalled: Duration::from_secs(15),
            unsent: 1024 * 1024,
            in_flight: 16_384,
            in_flight_bytes: 64 * 1024 * 1024,
            outbox: 256,
        }
    }
}

/// Settings of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemotingServerConfig {
    /// Limits of one connection.
    pub limits: Limits,
    /// The most connections at a time; a further one is closed at once.
    pub connections: usize,
}

impl Default for RemotingServerConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 16_384,
        }
    }
}

/// Settings of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemotingClientConfig {
    /// Limits of one connection.
    pub limits: Limits,
    /// The encoding of requests; responses are read in both encodings.
    pub encoding: Encoding,
    /// The time limit of one attempt to connect.
    pub connect_timeout: Duration,
}

impl Default for RemotingClientConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            encoding: Encoding::Json,
            connect_timeout: Duration::from_secs(3),
        }
    }
}
