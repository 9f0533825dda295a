//! What connections are allowed to cost.

use std::time::Duration;

use crate::wire::{Encoding, frame};

/// What one connection may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest frame in bytes, without its length.
    pub frame: usize,
    /// A connection without a byte in either direction for so long is closed, and so is one whose
    /// frame has not come to its end after so long.
    pub idle: Duration,
    /// A peer that takes none of the bytes that wait for it for so long is closed.
    pub stalled: Duration,
    /// With so many bytes unsent nothing more is read, answered or pushed.
    pub unsent: usize,
    /// With so many requests unanswered nothing more is read.
    pub in_flight: usize,
    /// With so many bytes in unanswered requests nothing more is read.
    pub in_flight_bytes: usize,
    /// So many requests to the peer wait for their turn.
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

/// How a server treats those who connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// What one connection may cost.
    pub limits: Limits,
    /// So many connections at a time; the next one is closed at once.
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

/// How a client connects and asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// What one connection may cost.
    pub limits: Limits,
    /// How requests are encoded; answers are understood in both ways.
    pub encoding: Encoding,
    /// How long an attempt to connect may take.
    pub connect_timeout: Duration,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            encoding: Encoding::Json,
            connect_timeout: Duration::from_secs(3),
        }
    }
}
