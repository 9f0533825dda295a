//! What brokers ask of a client, unasked: 40 and 220. Everything else is answered with code 3.

use std::sync::Arc;

use parking_lot::Mutex;

use super::groups::{Groups, Order};
use crate::excerpt::excerpt;
use crate::remoting::{Incoming, Processor, Router};
use crate::wire::body::ResetOffsetBody;
use crate::wire::header::{NotifyConsumerIdsChanged, ResetConsumerClientOffset};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

pub(super) fn routes(groups: &Arc<Mutex<Groups>>) -> Router {
    let ears = || Ears(Arc::clone(groups));
    Router::default()
        .on::<NotifyConsumerIdsChanged>(ears())
        .on::<ResetConsumerClientOffset>(ears())
}

struct Ears(Arc<Mutex<Groups>>);

impl Processor<NotifyConsumerIdsChanged> for Ears {
    async fn process(
        &self,
        request: Incoming<NotifyConsumerIdsChanged>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = request.header.consumer_group;
        tracing::debug!(%group, "the members of the group have changed");
        self.0.lock().tell(&group, Order::Rebalance);
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<ResetConsumerClientOffset> for Ears {
    async fn process(
        &self,
        request: Incoming<ResetConsumerClientOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let ResetConsumerClientOffset { group, topic, .. } = request.header;
        let body: ResetOffsetBody = fastjson::read(&request.body)?;
        tracing::info!(group = %excerpt(&group), topic = %excerpt(&topic), queues = body.offset_table.len(), "offsets are reset");
        if !self.0.lock().tell(&group, Order::Reset(body)) {
            return Err(Refusal::system(
                "the group has no consumer here, or it is busy",
            ));
        }
        Ok(Reply::ok(NoFields))
    }
}
