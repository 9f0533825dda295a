//! Sends of one connection to one topic are stored in the order in which they came, also while the
//! topic is being made.

use std::future::Future;
use std::pin::pin;

use bytestring::ByteString;

use crate::lines::Lines;
use crate::remoting::PeerId;

/// The sends that wait before their message is in the log.
#[derive(Debug, Default)]
pub(super) struct SendOrder(Lines<(PeerId, ByteString)>);

impl SendOrder {
    /// Does `work`, which ends when the message is in the log, behind all earlier work of the same
    /// connection for the same topic.
    pub(super) async fn keep<T>(
        &self,
        peer: PeerId,
        topic: ByteString,
        work: impl Future<Output = T>,
    ) -> T {
        self.0.keep_of_one_task(&(peer, topic), pin!(work)).await
    }
}
