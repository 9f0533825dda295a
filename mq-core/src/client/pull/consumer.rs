//! The handle by which queues are read.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::error::PullError;
use super::member::Member;
use super::queues;
use super::request::Pull;
use crate::client::cluster::ClusterClient;
use crate::client::consumer::offsets::Commit;
use crate::client::consumer::offsets::remote::{self, Uncommitted};
use crate::client::error::StartError;
use crate::message::{GroupName, MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;

/// Reads queues by hand, in the name of a group. Clones are the same consumer.
///
/// Nothing is read that was not asked for, and no offset is committed but by
/// [`commit`](Self::commit). To read a topic's queues in the background, see
/// [`Client::lite_pull_consumer`](crate::client::Client::lite_pull_consumer).
///
/// The brokers list the consumer as a member of the group, as Java's. A push consumer of the same
/// group would leave it a share of the queues, so give it a group of its own. Dropping the last handle does
/// not end the membership: [shut it down](Self::shutdown).
///
/// ```no_run
/// # use mq_core::{client::*, message::*};
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let audit = client.pull_consumer(GroupName::new("audit")?)?;
/// for queue in audit.queues(&TopicName::new("orders")?).await? {
///     let committed = audit.committed(&queue).await?;
///     let mut next = match committed {
///         Some(offset) => offset,
///         None => audit.min_offset(&queue).await?,
///     };
///     loop {
///         let pulled = audit.pull(&queue, next).await?;
///         for message in &pulled.messages {
///             println!("{}", message.message_id());
///         }
///         next = pulled.next;
///         if pulled.status == PullStatus::NoNewMessage {
///             break;
///         }
///     }
///     audit.commit(&queue, next).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PullConsumer(Arc<Member>);

impl PullConsumer {
    pub(in crate::client) fn start(
        cluster: &Arc<ClusterClient>,
        group: GroupName,
    ) -> Result<Self, StartError> {
        Member::join(cluster, group).map(|member| Self(Arc::new(member)))
    }

    /// The group.
    pub fn group(&self) -> &GroupName {
        &self.0.group
    }

    /// The queues of `topic` that can be read, by broker and id; asks a name server.
    ///
    /// # Errors
    ///
    /// [`PullError::NoTopic`] when no broker has the topic; [`PullError`].
    pub async fn queues(&self, topic: &TopicName) -> Result<Vec<MessageQueue>, PullError> {
        let queues = queues::queues(self.cluster(), topic);
        self.0.unless_shut_down(queues).await
    }

    /// Pulls from `queue`, from the offset `from` on: await it, or say first how much and how long.
    pub fn pull(&self, queue: &MessageQueue, from: QueueOffset) -> Pull {
        Pull::new(&self.0, queue.clone(), from)
    }

    /// The offset of the first message of `queue`. The queue may have lost those before it.
    ///
    /// # Errors
    ///
    /// [`PullError`].
    pub async fn min_offset(&self, queue: &MessageQueue) -> Result<QueueOffset, PullError> {
        let offset = remote::begin(self.cluster(), queue);
        self.ask("look up the first offset of", queue, offset).await
    }

    /// The offset behind the last message of `queue`: that of the next message.
    ///
    /// # Errors
    ///
    /// [`PullError`].
    pub async fn max_offset(&self, queue: &MessageQueue) -> Result<QueueOffset, PullError> {
        let offset = remote::end(self.cluster(), queue);
        self.ask("look up the last offset of", queue, offset).await
    }

    /// The offset of the first message of `queue` that was stored at `time_ms` or later, ms since
    /// 1970. The end of the queue when all are older, its beginning when all are younger.
    ///
    /// # Errors
    ///
    /// [`PullError`].
    pub async fn offset_at(
        &self,
        queue: &MessageQueue,
        time_ms: i64,
    ) -> Result<QueueOffset, PullError> {
        let offset = remote::at_time(self.cluster(), queue, time_ms);
        self.ask("look up an offset by time in", queue, offset)
            .await
    }

    /// The offset that the group has committed in `queue`: that of the first message that it has not
    /// finished. `None` when it has committed none; brokers of RocketMQ 4 may say 0 then.
    ///
    /// # Errors
    ///
    /// [`PullError`].
    pub async fn committed(&self, queue: &MessageQueue) -> Result<Option<QueueOffset>, PullError> {
        let (cluster, group) = (self.cluster(), self.group());
        let offset = remote::query(cluster, group, queue, Uncommitted::IsNothing);
        self.ask("look up the committed offset of", queue, offset)
            .await
    }

    /// Commits `offset` for the group: all messages of `queue` before it are finished. It may lie
    /// before the one that was committed last.
    ///
    /// As with Java's (`updateConsumeOffsetToBroker`) it is not compared with the queue. What becomes of an
    /// offset beyond the end is for the broker: ours ignores it and answers `Ok`, one of Apache's stores it,
    /// and the group is then sent back when it pulls from there.
    ///
    /// # Errors
    ///
    /// [`PullError`]; a broker refuses a queue that it does not have, and a group that it does not
    /// know: the first pull makes it known.
    pub async fn commit(&self, queue: &MessageQueue, offset: QueueOffset) -> Result<(), PullError> {
        let (cluster, group) = (self.cluster(), self.group());
        let committed = remote::update(cluster, group, queue, offset, Commit::Confirmed);
        self.ask("commit an offset of", queue, committed).await
    }

    /// Leaves the group. Pulls that wait end with [`PullError::ShutDown`], as does whatever is called
    /// from now on. A second call does nothing.
    pub async fn shutdown(&self) {
        self.0.leave().await;
    }

    fn cluster(&self) -> &ClusterClient {
        &self.0.cluster
    }

    /// The outcome of a question about `queue`, whose broker is looked up before. It is boxed, because
    /// futures that wrap each other grow with every layer.
    fn ask<'a, T: Send + 'a>(
        &'a self,
        action: &'static str,
        queue: &'a MessageQueue,
        asked: impl Future<Output = Result<T, CallError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, PullError>> {
        let asked = asked.boxed();
        let answer = async move {
            queues::find_broker(self.cluster(), queue).await?;
            asked.await.map_err(|source| PullError::Broker {
                action,
                queue: Box::new(queue.clone()),
                source,
            })
        };
        self.0.unless_shut_down(answer).boxed()
    }
}

impl fmt::Debug for PullConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullConsumer")
            .field("group", self.group())
            .finish_non_exhaustive()
    }
}
