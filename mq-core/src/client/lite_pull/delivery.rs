//! A message that is acknowledged by itself.

use std::fmt;
use std::sync::Arc;

use super::buffer::Receipt;
use super::core::Core;
use crate::message::{MessageExt, MessageQueue};

/// A message that was handed over and is finished once it is acknowledged.
///
/// The committed offset of its queue stays at or below a message that is not acknowledged. It comes
/// again, with those behind it, after the consumer has ended or its queue has gone to another member.
/// While 1,000 messages of a queue, or one that lies 2,000 offsets back, are not acknowledged, no more
/// of that queue are fetched ([`FlowLimits`](crate::client::FlowLimits)).
#[must_use = "a delivery that is not acknowledged comes again"]
pub struct Delivery {
    /// The message.
    pub message: MessageExt,
    receipt: Receipt,
    core: Arc<Core>,
}

impl Delivery {
    pub(super) fn new(message: MessageExt, receipt: Receipt, core: &Arc<Core>) -> Self {
        Self {
            message,
            receipt,
            core: Arc::clone(core),
        }
    }

    /// The queue it came from.
    pub fn queue(&self) -> &MessageQueue {
        &self.receipt.queue
    }

    /// The message is finished. The next commit covers it, unless a message before it in its queue is
    /// not finished.
    ///
    /// Returns whether that counts. It does not when the queue went to another member or was moved to
    /// another offset meanwhile, or when the consumer was shut down: the message comes again then.
    pub fn ack(&self) -> bool {
        self.core.buffer.finish(&self.receipt)
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("message", &self.message)
            .field("receipt", &self.receipt)
            .finish_non_exhaustive()
    }
}
