//! The phases of a connection, how it ends, and the notification of its watcher.
//!
//! | Phase | What the peer sends | What this side asks | Answers to the peer | Goes over to |
//! |---|---|---|---|---|
//! | open | is read | is sent | are sent | stopping: the owner stops. Hung up: the stream ended, or a frame cannot be read |
//! | stopping | is not read | is sent | those under way are sent | the end: nothing is under way, or the time is up |
//! | hung up | is over | fails as closed | those under way are sent, as far as the peer takes them | the end, as above |
//!
//! In every phase the connection also ends when this side closes the peer or a deadline of
//! [`Timeouts`](super::timeouts::Timeouts) passes. The watcher is notified as soon as the peer has
//! hung up, otherwise at the end.

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
            Self::Closed => f.write_str("this side closed it"),
            Self::Stopped => f.write_str("this side is stopping"),
            Self::Idle => f.write_str("idle for too long"),
            Self::Stalled => f.write_str("the peer does not read"),
            Self::Io(error) => error.fmt(f),
            Self::Broken(error) => error.fmt(f),
        }
    }
}

/// Whether a connection is open, or how it is being shut down; see the table above.
#[derive(Debug)]
pub(super) enum Phase {
    Open,
    Stopping { until: Moment },
    HungUp { why: End, until: Moment },
}

impl Phase {
    /// The deadline for requests in flight, after which the connection ends.
    pub(super) fn until(&self) -> Option<Moment> {
        match self {
            Self::Open => None,
            Self::Stopping { until } | Self::HungUp { until, .. } => Some(*until),
        }
    }

    /// Whether input is still read.
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Why the connection ends now that no request is in flight; `None` in phase open.
    pub(super) fn end(&mut self) -> Option<End> {
        match std::mem::replace(self, Self::Open) {
            Self::Open => None,
            Self::Stopping { .. } => Some(End::Stopped),
            Self::HungUp { why, .. } => Some(why),
        }
    }
}

/// Notifies the watcher exactly once that the connection has ended, even when its task is dropped
/// or panics.
pub(super) struct CloseNotice {
    peer: Peer,
    watcher: Option<Arc<dyn PeerWatcher>>,
}

impl CloseNotice {
    pub(super) fn new(peer: Peer, watcher: Arc<dyn PeerWatcher>) -> Self {
        let watcher = Some(watcher);
        Self { peer, watcher }
    }

    /// Notifies the watcher, unless that was done before.
    pub(super) fn notify_once(&mut self) {
        if let Some(watcher) = self.watcher.take() {
            self.peer.close();
            watcher.closed(&self.peer);
        }
    }
}

impl Drop for CloseNotice {
    fn drop(&mut self) {
        self.notify_once();
    }
}
