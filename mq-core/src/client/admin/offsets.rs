//! The offsets of groups, set back or forward, and copied to another group.
//!
//! Invariant: what is planned is what is done, unless messages come or members commit in between.

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::try_join_all;

use super::brokers::{Gathered, gather};
use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, Master};
use crate::client::consumer::SeekTo;
use crate::message::{GroupName, MessageQueue, TopicName};
use crate::wire::body::{ConsumeStats, ResetOffsetBody, SubscriptionGroupConfig};
use crate::wire::header::{
    InvokeBrokerToResetOffset, SearchOffsetByTimestamp, UpdateAndCreateSubscriptionGroup,
    UpdateConsumerOffset,
};
use crate::wire::{ResponseCode, fastjson};

/// A queue on each broker, or on one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueChoice {
    /// The broker; `None` for each that has the queue.
    pub broker: Option<ByteString>,
    /// The queue id.
    pub id: i32,
}

/// An offset of a group that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetMove {
    /// The queue.
    pub queue: MessageQueue,
    /// The committed offset before; `None` when it was never committed, or is 0.
    pub from: Option<i64>,
    /// The offset after.
    pub to: i64,
}

/// Where a group goes on from in a topic, on one broker.
#[derive(Debug)]
struct BrokerPlan {
    master: Master,
    moves: Vec<OffsetMove>,
}

/// What is planned.
fn moves(plans: Gathered<Vec<BrokerPlan>>) -> Gathered<Vec<OffsetMove>> {
    plans.map(|plans| plans.into_iter().flat_map(|plan| plan.moves).collect())
}

/// Does what is planned, by `each` plan; what failed in planning stays failed.
async fn carry_out<F: Future<Output = Result<Vec<OffsetMove>, AdminError>>>(
    plans: Gathered<Vec<BrokerPlan>>,
    each: impl Fn(BrokerPlan) -> F,
) -> Result<Gathered<Vec<OffsetMove>>, AdminError> {
    let Gathered { value, mut failed } = plans;
    let done = gather(value.into_iter().map(each)).await?;
    failed.extend(done.failed);
    Ok(Gathered {
        value: done.value.into_iter().flatten().collect(),
        failed,
    })
}

impl QueueChoice {
    fn is(&self, queue: &MessageQueue) -> bool {
        self.id == queue.id
            && self
                .broker
                .as_ref()
                .is_none_or(|name| *name == queue.broker)
    }
}

impl Admin {
    /// What [`reset`](Self::reset) would do now.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoTopic`], [`AdminError::NoGroup`], [`AdminError::NoQueue`],
    /// [`AdminError::NoOffset`], or why no broker answered.
    pub async fn preview_reset(
        &self,
        group: &GroupName,
        topic: &TopicName,
        to: SeekTo,
        queue: Option<&QueueChoice>,
    ) -> Result<Gathered<Vec<OffsetMove>>, AdminError> {
        self.plan(group, topic, to, queue).await.map(moves)
    }

    /// Lets a group go on at another place in a topic, or in one queue of it. Members that are connected
    /// are told at once; one that a broker does not reach learns of it with its next pull.
    ///
    /// # Errors
    ///
    /// As [`preview_reset`](Self::preview_reset), and [`AdminError::WholeTopicsOnly`]; nothing is changed
    /// when a queue, an offset, the topic or the group is not there.
    pub async fn reset(
        &self,
        group: &GroupName,
        topic: &TopicName,
        to: SeekTo,
        queue: Option<&QueueChoice>,
    ) -> Result<Gathered<Vec<OffsetMove>>, AdminError> {
        let plans = self.plan(group, topic, to, queue).await?;
        let by_queue = queue.is_some() || matches!(to, SeekTo::Offset(_));
        let reset = |plan| async move {
            if by_queue {
                self.reset_queues(group, plan).await
            } else {
                self.reset_topic(group, topic, to, plan).await
            }
        };
        carry_out(plans, reset).await
    }

    /// What [`clone_offsets`](Self::clone_offsets) would do now.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoGroup`], or why no broker answered.
    pub async fn preview_clone(
        &self,
        from: &GroupName,
        to: &GroupName,
        topic: Option<&TopicName>,
    ) -> Result<Gathered<Vec<OffsetMove>>, AdminError> {
        let (_, plans) = self.clone_plan(from, to, topic).await?;
        Ok(moves(plans))
    }

    /// Lets the group `to` go on where `from` is, in `topic` or in every topic but the retry topic of
    /// `from`. A group that is not there yet is created as `from` is.
    ///
    /// # Errors
    ///
    /// As [`preview_clone`](Self::preview_clone), and [`AdminError::InUse`] while members of `to` are
    /// connected, which would commit their own offsets. Nothing is changed when a broker does not say
    /// whether any are, or whether it knows `to`.
    pub async fn clone_offsets(
        &self,
        from: &GroupName,
        to: &GroupName,
        topic: Option<&TopicName>,
    ) -> Result<Gathered<Vec<OffsetMove>>, AdminError> {
        let (config, plans) = self.clone_plan(from, to, topic).await?;
        let masters: Vec<_> = plans.value.iter().map(|plan| plan.master.clone()).collect();
        self.nobody_is_connected(&masters, to).await?;
        if self.find_group(&masters, to).await?.is_none() {
            let config = SubscriptionGroupConfig {
                group_name: to.to_text(),
                ..config
            };
            let body = fastjson::write(&config);
            for master in &masters {
                let request = UpdateAndCreateSubscriptionGroup;
                self.ask(master, "create a group", request, body.clone())
                    .await?;
            }
        }
        // A commit would have no effect while an earlier reset of the group waits for a member.
        carry_out(plans, |plan| self.reset_queues(to, plan)).await
    }

    async fn plan(
        &self,
        group: &GroupName,
        topic: &TopicName,
        to: SeekTo,
        wanted: Option<&QueueChoice>,
    ) -> Result<Gathered<Vec<BrokerPlan>>, AdminError> {
        let masters = self.masters_of(topic).await?;
        self.known_group(&masters, group).await?;
        let plans = gather(masters.iter().map(async |master| {
            let stats = self.consume_stats(master, group, Some(topic)).await?;
            let mut queues = browse::queues(&self.cluster, topic, master);
            queues.retain(|queue| wanted.is_none_or(|wanted| wanted.is(queue)));
            let moves = queues
                .iter()
                .map(|queue| self.move_of(master, queue, to, &stats));
            Ok(BrokerPlan {
                master: master.clone(),
                moves: try_join_all(moves).await?,
            })
        }));
        let mut plans = plans.await?;
        plans.value.retain(|plan| !plan.moves.is_empty());
        // An offset that is not there is the caller's mistake, whatever other brokers have.
        let is_wrong = |error: &AdminError| matches!(error, AdminError::NoOffset { .. });
        if let Some(wrong) = plans.failed.iter().position(is_wrong) {
            return Err(plans.failed.swap_remove(wrong));
        }
        if let (Some(wanted), true) = (wanted, plans.value.is_empty()) {
            let broker = wanted.broker.clone().unwrap_or_default();
            let queue = MessageQueue::new(topic.clone(), broker, wanted.id);
            return Err(plans.why_missing(AdminError::NoQueue(queue)));
        }
        Ok(plans)
    }

    async fn move_of(
        &self,
        master: &Master,
        queue: &MessageQueue,
        to: SeekTo,
        stats: &ConsumeStats,
    ) -> Result<OffsetMove, AdminError> {
        let failed = |source| master.failed("look up an offset", source);
        let ends = browse::ends(&self.cluster, master, queue).await;
        let (min, max) = ends.map_err(failed)?;
        let to = match to {
            SeekTo::Begin => min,
            SeekTo::End => max,
            SeekTo::Offset(offset) => {
                let offset = offset.to_wire();
                if !(min..=max).contains(&offset) {
                    return Err(AdminError::NoOffset {
                        queue: queue.clone(),
                        offset,
                        min,
                        max,
                    });
                }
                offset
            }
            SeekTo::Time(timestamp) => {
                let header = SearchOffsetByTimestamp {
                    topic: queue.topic.to_text(),
                    queue_id: queue.id,
                    timestamp,
                    ..SearchOffsetByTimestamp::default()
                };
                let found = self.ask(master, "look up an offset", header, Bytes::new());
                found.await?.header.offset.min(max).max(min)
            }
        };
        let committed = stats.offset_table.get(queue).map(|at| at.consumer_offset);
        Ok(OffsetMove {
            queue: queue.clone(),
            from: committed.filter(|offset| *offset > 0),
            to,
        })
    }

    /// Resets all queues of a topic on one broker.
    async fn reset_topic(
        &self,
        group: &GroupName,
        topic: &TopicName,
        to: SeekTo,
        plan: BrokerPlan,
    ) -> Result<Vec<OffsetMove>, AdminError> {
        let timestamp = match to {
            SeekTo::Begin | SeekTo::Offset(_) => 0,
            SeekTo::End => -1,
            // A negative one means the end there.
            SeekTo::Time(timestamp) => timestamp.max(0),
        };
        let request = InvokeBrokerToResetOffset {
            topic: topic.to_text(),
            group: group.to_text(),
            queue_id: None,
            offset: None,
            timestamp,
            is_force: true,
        };
        let BrokerPlan { master, mut moves } = plan;
        let reset: Option<ResetOffsetBody> = self
            .body_unless(
                &master,
                "reset offsets",
                request,
                ResponseCode::CONSUMER_NOT_ONLINE,
            )
            .await?;
        match reset {
            Some(body) => {
                for (queue, offset) in body.offset_table {
                    let planned = moves.iter_mut().find(|planned| planned.queue == queue);
                    if let Some(planned) = planned {
                        planned.to = offset;
                    }
                }
            }
            // A broker of RocketMQ 4 has members reset themselves, and there is none.
            None => self.commit(&master, group, &moves).await?,
        }
        Ok(moves)
    }

    /// Resets single queues on one broker.
    async fn reset_queues(
        &self,
        group: &GroupName,
        plan: BrokerPlan,
    ) -> Result<Vec<OffsetMove>, AdminError> {
        let BrokerPlan { master, moves } = plan;
        if !self.resets_single_queues(&master).await? {
            let connected = self.nobody_is_connected(std::slice::from_ref(&master), group);
            connected.await.map_err(|error| match error {
                AdminError::InUse { .. } => AdminError::WholeTopicsOnly {
                    broker: master.name.to_string(),
                },
                unknown => unknown,
            })?;
            self.commit(&master, group, &moves).await?;
            return Ok(moves);
        }
        for OffsetMove { queue, to, .. } in &moves {
            let request = InvokeBrokerToResetOffset {
                topic: queue.topic.to_text(),
                group: group.to_text(),
                queue_id: Some(queue.id),
                offset: Some(*to),
                timestamp: -1,
                is_force: true,
            };
            self.ask(&master, "reset offsets", request, Bytes::new())
                .await?;
        }
        Ok(moves)
    }

    async fn clone_plan(
        &self,
        from: &GroupName,
        to: &GroupName,
        topic: Option<&TopicName>,
    ) -> Result<(SubscriptionGroupConfig, Gathered<Vec<BrokerPlan>>), AdminError> {
        let masters = self.masters().await?;
        let config = self.known_group(&masters, from).await?;
        let own_retries = TopicName::retry_of(from);
        let plans = gather(masters.iter().map(async |master| {
            let stats = self.consume_stats(master, from, topic).await?;
            let before = self.consume_stats(master, to, topic).await?;
            let offsets = stats.offset_table.into_iter();
            let offsets = offsets.filter(|(queue, _)| queue.topic != own_retries);
            let moves = offsets.map(async |(queue, at)| {
                let known = before.offset_table.get(&queue).map(|at| at.consumer_offset);
                // What `from` was to consume next may be deleted by now.
                let ends = browse::ends(&self.cluster, master, &queue).await;
                let (min, max) =
                    ends.map_err(|source| master.failed("look up an offset", source))?;
                Ok::<_, AdminError>(OffsetMove {
                    from: known.filter(|offset| *offset > 0),
                    to: at.consumer_offset.min(max).max(min),
                    queue,
                })
            });
            Ok(BrokerPlan {
                master: master.clone(),
                moves: try_join_all(moves).await?,
            })
        }));
        let mut plans = plans.await?;
        plans.value.retain(|plan| !plan.moves.is_empty());
        Ok((config, plans))
    }

    async fn commit(
        &self,
        master: &Master,
        group: &GroupName,
        moves: &[OffsetMove],
    ) -> Result<(), AdminError> {
        for OffsetMove { queue, to, .. } in moves {
            let request = UpdateConsumerOffset {
                consumer_group: group.to_text(),
                topic: queue.topic.to_text(),
                queue_id: Some(queue.id),
                commit_offset: Some(*to),
            };
            self.ask(master, "commit an offset", request, Bytes::new())
                .await?;
        }
        Ok(())
    }

    /// Whether a broker resets single queues. Those of RocketMQ 5 do, which are those that deliver at a
    /// given time.
    async fn resets_single_queues(&self, master: &Master) -> Result<bool, AdminError> {
        let limit = self.cluster.timings.api_timeout;
        let delays = self.cluster.delays_of(&master.address, limit).await;
        let delays = delays.map_err(|source| master.failed("ask for the settings", source))?;
        Ok(delays.knows_times)
    }
}
