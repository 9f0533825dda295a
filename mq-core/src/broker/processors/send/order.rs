//! Stores the sends of one connection to one topic in the order in which they arrived, even while
//! the topic is being created.

use std::future::Future;
use std::pin::pin;

use bytestring::ByteString;

use crate::keyed_fifo::KeyedFifo;
use crate::remoting::PeerId;

/// The sends whose message is not in the log yet.
#[derive(Debug, Default)]
pub(super) struct SendOrder(KeyedFifo<(PeerId, ByteString)>);

impl SendOrder {
    /// Runs `work`, which ends when the message is in the log, after all earlier work of the same
    /// connection for the same topic.
    pub(super) async fn run_in_turn<T>(
        &self,
        peer: PeerId,
        topic: ByteString,
        work: impl Future<Output = T>,
    ) -> T {
        self.0.run_from_one_task(&(peer, topic), pin!(work)).await
    }
}
