//! Which queues are read: this member's share of each topic, at intervals and on changes, or those that
//! the application chose.
//!
//! When the members cannot be looked up, the assignment stays as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::mpsc;

use super::core::Core;
use super::subscribed::Source;
use super::{fetching, running_info};
use crate::client::consumer::membership::{self, Round};
use crate::client::consumer::offsets::Commit;
use crate::client::groups::ConsumerCommand;
use crate::message::subscription::Subscription;
use crate::message::{MessageQueue, QueueOffset, TopicName};
use crate::wire::body::{MessageModel, ResetOffsetBody};

/// Assigns queues and carries out commands, until it is dropped.
pub(super) async fn run(core: Arc<Core>, mut commands: mpsc::Receiver<ConsumerCommand>) {
    loop {
        let pause = round(&core).await.pause(&core.cluster.timings);
        let waited = core.cluster.clock.timeout(pause, commands.recv()).await;
        let mut command = waited.ok().flatten();
        while let Some(next) = command {
            match next {
                ConsumerCommand::Reset(body) => reset(&core, &body).await,
                ConsumerCommand::Describe(asker) => {
                    // Whoever asked may have gone.
                    let _unwanted = asker.send(running_info::of(&core));
                }
                // There is no listener, which the administrator learns when its message is dropped.
                ConsumerCommand::Rebalance | ConsumerCommand::Consume(_) => {}
            }
            command = commands.try_recv().ok();
        }
    }
}

/// Commits at intervals, until it is dropped.
pub(super) async fn commit(core: Arc<Core>) {
    let Some(interval) = core.config.auto_commit else {
        return;
    };
    loop {
        core.cluster.clock.sleep(interval).await;
        core.commit(Commit::OneWay).await;
    }
}

/// A broker resets the group: its offsets count whoever commits otherwise.
async fn reset(core: &Core, body: &ResetOffsetBody) {
    for (queue, offset) in &body.offset_table {
        let Some(offset) = QueueOffset::from_wire(*offset) else {
            continue;
        };
        let _one_at_a_time = core.committing.lock().await;
        if core.buffer.seek(queue, offset)
            && let Err(error) = core.offsets.commit_at(queue, offset).await
        {
            tracing::warn!(%queue, %offset, %error, "the offset of a reset is not committed");
        }
    }
}

/// Releases the queues of topics that are not subscribed to.
pub(super) async fn release_unsubscribed(core: &Core) {
    let _no_round_runs = core.assigning.lock().await;
    release_others(core, &core.subscribed().topics).await;
}

async fn release_others(core: &Core, topics: &BTreeMap<TopicName, Subscription>) {
    for queue in core.buffer.queues() {
        if !topics.contains_key(&queue.topic) {
            core.release(&queue).await;
        }
    }
}

/// Releases and assigns queues, once.
pub(super) async fn round(core: &Arc<Core>) -> Round {
    let _one_at_a_time = core.assigning.lock().await;
    let chosen = match &core.source {
        Source::Chosen(queues) => queues.lock().clone(),
        Source::Subscribed => return share(core).await,
    };
    let mut round = Round::Complete;
    let topics: BTreeSet<_> = chosen.iter().map(|queue| &queue.topic).collect();
    for topic in topics {
        if core.cluster.known_route(topic).is_none()
            && let Err(error) = core.cluster.refresh(topic).await
        {
            tracing::debug!(%topic, %error, "the topic is looked up again later");
            round = Round::Incomplete;
        }
    }
    let before = core.buffer.queues();
    round.and(settle(core, before, chosen).await)
}

/// Takes this member's share of each subscribed topic.
async fn share(core: &Arc<Core>) -> Round {
    let mut round = Round::Complete;
    let topics = Arc::clone(&core.subscribed().topics);
    release_others(core, &topics).await;
    for topic in topics.keys() {
        let route = core.cluster.known_route(topic);
        let route = route.filter(|route| !route.from_template && !route.subscribe.is_empty());
        // The client looks for topics without a route; a new route triggers a round.
        let Some(route) = route else { continue };
        let mine = match core.config.message_model {
            MessageModel::Clustering => {
                membership::share(&core.cluster, &core.in_common, &route).await
            }
            MessageModel::Broadcasting => Some(route.subscribe.clone()),
        };
        let settled = match mine {
            Some(mine) => settle(core, of_topic(core, topic), of_topic_in(topic, mine)).await,
            None => Round::Incomplete,
        };
        round = round.and(settled);
    }
    round
}

fn of_topic(core: &Core, topic: &TopicName) -> Vec<MessageQueue> {
    let mut queues = core.buffer.queues();
    queues.retain(|queue| queue.topic == *topic);
    queues
}

fn of_topic_in(topic: &TopicName, queues: Vec<MessageQueue>) -> BTreeSet<MessageQueue> {
    let of_topic = queues.into_iter().filter(|queue| queue.topic == *topic);
    of_topic.collect()
}

/// Releases the queues of `before` that are not wanted any more, and assigns those that are new.
async fn settle(
    core: &Arc<Core>,
    before: Vec<MessageQueue>,
    wanted: BTreeSet<MessageQueue>,
) -> Round {
    let mut round = Round::Complete;
    for queue in before.iter().filter(|queue| !wanted.contains(*queue)) {
        core.release(queue).await;
    }
    for queue in wanted.into_iter().filter(|queue| !before.contains(queue)) {
        // An offset from an earlier assignment is outdated: another member may have consumed since.
        core.offsets.forget(&queue);
        match core.offsets.start(&queue, core.config.start_from).await {
            Ok(start) => fetching::assign(core, queue, start),
            Err(error) => {
                core.refused_queues.start_is_unknown(&queue, &error);
                round = Round::Incomplete;
            }
        }
    }
    round
}
