//! The requests of a client that wait for their reply (`RequestFutureTable`).
//!
//! Invariant: a reply goes to the request with its correlation id and to no other, or is counted as
//! late. A request is forgotten when nobody waits for its reply any more.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::message::MessageExt;
use crate::troubles::Troubles;

/// The requests that wait.
#[derive(Debug)]
pub(super) struct Replies {
    /// By correlation id.
    waiting: Mutex<HashMap<String, oneshot::Sender<MessageExt>>>,
    late: AtomicU64,
    told: Troubles<()>,
}

/// A request that waits for its reply until this is dropped.
pub(super) struct AwaitedReply {
    replies: Arc<Replies>,
    id: String,
    reply: oneshot::Receiver<MessageExt>,
}

impl Replies {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            waiting: Mutex::default(),
            late: AtomicU64::new(0),
            told: Troubles::new(clock),
        }
    }

    /// From now on the reply with this correlation id is kept for the caller.
    pub(super) fn wait(self: &Arc<Self>, id: &str) -> AwaitedReply {
        let (sender, reply) = oneshot::channel();
        self.waiting.lock().insert(id.to_owned(), sender);
        AwaitedReply {
            replies: Arc::clone(self),
            id: id.to_owned(),
            reply,
        }
    }

    /// A reply came for the request `id`.
    pub(super) fn arrived(&self, id: &str, reply: MessageExt) {
        let waiting = self.waiting.lock().remove(id);
        let from = reply.born_host;
        if waiting.is_some_and(|waiting| waiting.send(reply).is_ok()) {
            return;
        }
        let late = self.late.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(untold) = self.told.begin(()) {
            let correlation_id = excerpt(id);
            tracing::warn!(
                %correlation_id, %from, late, untold,
                "a reply is dropped: nobody waits for it, or not any more"
            );
        }
    }

    /// How many replies came too late.
    pub(super) fn late(&self) -> u64 {
        self.late.load(Ordering::Relaxed)
    }

    /// Nobody waits any more, because the client was shut down.
    pub(super) fn end(&self) {
        self.waiting.lock().clear();
    }
}

impl AwaitedReply {
    /// The reply; `None` when the client was shut down.
    pub(super) async fn arrival(&mut self) -> Option<MessageExt> {
        (&mut self.reply).await.ok()
    }
}

impl Drop for AwaitedReply {
    fn drop(&mut self) {
        self.replies.waiting.lock().remove(&self.id);
    }
}
