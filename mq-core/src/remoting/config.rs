//! Limits of connections, with Apache's defaults (`NettyServerConfig`, `NettyClientConfig`).

use std::time::Duration;

use crate::wire::{Encoding, frame};

/// What one connection may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame, in bytes behind its length.
    pub frame: usize,
    /// A connection is closed when nothing came or went for so long, or a frame is not complete
    /// so long after its first byte.
    pub idle: Duration,
    /// Bytes that wait to be written before nothing more is taken from the peer.
    pub unsent: usize,
    /// A peer that takes none of what waits for it is given up after so long.
    pub stalled: Duration,
    /// Requests of ours that wait to be written.
    pub outbox: usize,
    /// Requests of one peer that are being answered at the same time.
    pub in_flight: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: frame::DEFAULT_LIMIT,
            idle: Duration::from_mins(2),
            unsent: 4 * 1024 * 1024,
            stalled: Duration::from_secs(30),
            outbox: 4096,
            in_flight: 65_536,
        }
    }
}

/// How a server treats who connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// What each connection may take.
    pub limits: Limits,
    /// Connections at the same time; further ones wait to be accepted.
    pub connections: usize,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            connections: 16_384,
        }
    }
}

/// How a client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// What each connection may take.
    pub limits: Limits,
    /// How the headers of requests are encoded.
    pub encoding: Encoding,
    /// How long connecting may take.
    pub connect_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            encoding: Encoding::default(),
            connect_timeout: Duration::from_secs(3),
        }
    }
}
