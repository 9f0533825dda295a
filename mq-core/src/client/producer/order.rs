//! Keeps sends in the order of the calls, even while the first has to wait for a route or a
//! connection.
//!
//! Later sends to the same topic wait behind a send until the outbox of a connection has its first
//! attempt. A broker that cannot be reached holds nobody up: its outbox takes requests while the
//! connection is being made.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use super::attempts::{Retry, SendTime};
use super::outcome::SendResult;
use super::prepare::SendDraft;
use super::shared::ProducerShared;
use super::target::Target;
use crate::client::error::SendError;
use crate::keyed_fifo::NextMayBegin;

impl ProducerShared {
    /// Sends in the order of the calls; `limit` is for waiting and all attempts together.
    pub(super) async fn send(
        &self,
        draft: SendDraft,
        target: Target,
        limit: Duration,
        retry: Retry,
    ) -> Result<SendResult, SendError> {
        let clock = &self.cluster.clock;
        let deadline = clock.moment().plus(limit);
        let topic = draft.topic.clone();
        let late = async {
            clock.sleep_until(deadline).await;
            let topic = topic.clone();
            Err(SendError::Timeout { topic, limit })
        };
        let (time, on_its_way) = (SendTime { limit, deadline }, NextMayBegin::default());
        let work = pin!(self.attempts_in_turn(draft, target, time, retry, &on_its_way));
        self.send_order.run(&topic, &on_its_way, late, work).await
    }

    /// The same for a message that nobody waits for.
    pub(super) async fn one_way(&self, draft: SendDraft, target: Target) -> Result<(), SendError> {
        let (topic, never) = (draft.topic.clone(), NextMayBegin::default());
        let work = pin!(self.one_way_in_turn(draft, target));
        self.send_order.run(&topic, &never, pending(), work).await
    }
}
