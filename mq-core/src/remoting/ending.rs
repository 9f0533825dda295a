//! How a connection ends, and who is told.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::peer::{Peer, PeerWatcher};
use crate::clock::Moment;
use crate::wire::FrameError;

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum End {
    HungUp,
    Closed,
    Stopped,
    Idle,
    Stalled,
    Io(io::Error),
    Broken(FrameError),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("the peer hung up"),
            Self::Closed => f.write_str("by this side"),
            Self::Stopped => f.write_str("this side stops"),
            Self::Idle => f.write_str("idle for too long"),
            Self::Stalled => f.write_str("the peer does not read"),
            Self::Io(error) => error.fmt(f),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

/// Nothing more is read; what is under way may come to its end.
pub(super) struct Ending {
    pub(super) why: End,
    pub(super) until: Moment,
}

/// Tells the world that the peer is gone, as soon as it is and however the task ends.
pub(super) struct Farewell {
    pub(super) peer: Peer,
    pub(super) watcher: Arc<dyn PeerWatcher>,
}

impl Drop for Farewell {
    fn drop(&mut self) {
        self.peer.close();
        self.watcher.closed(&self.peer);
    }
}
