//! Requests from brokers to a client: changed members (40) and reset offsets (220). Every other
//! code is answered with code 3.

use std::sync::Arc;

use parking_lot::Mutex;

use super::groups::{ClientGroups, ConsumerCommand};
use crate::excerpt::excerpt;
use crate::remoting::{Incoming, Processor, Router};
use crate::wire::body::ResetOffsetBody;
use crate::wire::header::{NotifyConsumerIdsChanged, ResetConsumerClientOffset};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

pub(super) fn routes(groups: &Arc<Mutex<ClientGroups>>) -> Router {
    let processor = || BrokerRequests(Arc::clone(groups));
    Router::default()
        .on::<NotifyConsumerIdsChanged>(processor())
        .on::<ResetConsumerClientOffset>(processor())
}

struct BrokerRequests(Arc<Mutex<ClientGroups>>);

impl Processor<NotifyConsumerIdsChanged> for BrokerRequests {
    async fn process(
        &self,
        request: Incoming<NotifyConsumerIdsChanged>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = request.header.consumer_group;
        tracing::debug!(%group, "the members of the group have changed");
        self.0.lock().command(&group, ConsumerCommand::Rebalance);
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<ResetConsumerClientOffset> for BrokerRequests {
    async fn process(
        &self,
        request: Incoming<ResetConsumerClientOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let ResetConsumerClientOffset { group, topic, .. } = request.header;
        let body: ResetOffsetBody = fastjson::read(&request.body)?;
        tracing::info!(group = %excerpt(&group), topic = %excerpt(&topic), queues = body.offset_table.len(), "offsets are reset");
        if !self.0.lock().command(&group, ConsumerCommand::Reset(body)) {
            return Err(Refusal::system(
                "this client has no consumer of the group, or its command queue is full",
            ));
        }
        Ok(Reply::ok(NoFields))
    }
}
