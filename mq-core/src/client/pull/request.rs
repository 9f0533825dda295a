//! One pull: how much, how long, and by which filter.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::error::PullError;
use super::member::Member;
use super::queues;
use super::result::{PullResult, PullStatus};
use crate::client::consumer::fetch::{self, PullResponse};
use crate::client::consumer::received;
use crate::client::filters;
use crate::client::routes::MASTER_ID;
use crate::message::subscription::{Filter, SelectorType};
use crate::message::{MessageQueue, QueueOffset};
use crate::wire::header::PullMessage;

/// The most messages of a pull unless it says otherwise; brokers give no more by default.
const USUAL_MOST: u16 = 32;
/// How long the answer may take beyond the wait at the broker (`consumerPullTimeoutMillis`).
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);

/// One pull, which is sent when it is awaited.
///
/// ```no_run
/// # use std::time::Duration;
/// # use mq_core::{client::*, message::*};
/// # async fn example(audit: PullConsumer, queue: MessageQueue) -> Result<(), PullError> {
/// let first = QueueOffset(0);
/// let pulled = audit.pull(&queue, first).max_messages(10).wait(Duration::from_secs(5)).await?;
/// assert!(pulled.messages.len() <= 10);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a pull is sent when it is awaited"]
pub struct Pull {
    member: Arc<Member>,
    queue: MessageQueue,
    from: QueueOffset,
    most: u16,
    most_bytes: Option<u32>,
    wait: Duration,
    timeout: Duration,
    selector: SelectorType,
    expression: ByteString,
}

impl Pull {
    pub(super) fn new(member: &Arc<Member>, queue: MessageQueue, from: QueueOffset) -> Self {
        Self {
            member: Arc::clone(member),
            queue,
            from,
            most: USUAL_MOST,
            most_bytes: None,
            wait: Duration::ZERO,
            timeout: USUAL_TIMEOUT,
            selector: SelectorType::Tag,
            expression: ByteString::from_static("*"),
        }
    }

    /// At most so many messages; 32 unless set. The broker has a limit too, which is 32 by default.
    pub fn max_messages(mut self, most: u16) -> Self {
        self.most = most;
        self
    }

    /// Messages of about so many bytes together, at least one.
    pub fn max_bytes(mut self, most: u32) -> Self {
        self.most_bytes = Some(most);
        self
    }

    /// Lets the broker hold the pull for so long when there is no new message (long polling). Brokers
    /// hold for a minute at most, and not at all unless this is set.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// How long the answer may take, beyond [`wait`](Self::wait); 10 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Only messages with one of the tags: `*` or `a || b`.
    pub fn tags(self, expression: impl Into<ByteString>) -> Self {
        self.filter(SelectorType::Tag, expression)
    }

    /// Only messages that match `expression`, in the language `selector`.
    pub fn filter(mut self, selector: SelectorType, expression: impl Into<ByteString>) -> Self {
        self.selector = selector;
        self.expression = expression.into();
        self
    }

    async fn send(self) -> Result<PullResult, PullError> {
        if self.most == 0 {
            return Err(PullError::NoMessages);
        }
        let filter = filters::read(self.selector, &self.expression)?;
        let cluster = &self.member.cluster;
        queues::find_broker(cluster, &self.queue).await?;
        let limit = self.wait.saturating_add(self.timeout);
        let asked = fetch::ask(cluster, &self.queue, MASTER_ID, self.header(), limit);
        let answer = asked.await;
        let answer = answer.map_err(|error| PullError::of_pull(&self.queue, error))?;
        self.result(answer, &filter)
    }

    fn header(&self) -> PullMessage {
        let waits = !self.wait.is_zero();
        PullMessage {
            consumer_group: self.member.group.to_text(),
            topic: self.queue.topic.to_text(),
            queue_id: self.queue.id,
            queue_offset: self.from.to_wire(),
            max_msg_nums: self.most.into(),
            sys_flag: PullMessage::SUBSCRIPTION | if waits { PullMessage::SUSPEND } else { 0 },
            suspend_timeout_millis: i64::try_from(self.wait.as_millis()).unwrap_or(i64::MAX),
            subscription: Some(self.expression.clone()),
            expression_type: Some(self.selector.as_str().into()),
            max_msg_bytes: self.most_bytes.and_then(|most| i32::try_from(most).ok()),
            broker_name: Some(self.queue.broker.clone()),
            ..PullMessage::default()
        }
    }

    /// The messages up to the first that cannot be decompressed, with which the next pull begins.
    fn result(self, answer: PullResponse, filter: &Filter) -> Result<PullResult, PullError> {
        let mut messages = Vec::with_capacity(answer.messages.len());
        let mut next = answer.next;
        let wanted = answer.messages.into_iter();
        for message in wanted.filter(|one| filter.wants(|name| one.message.properties.get(name))) {
            let offset = message.queue_offset;
            match received::unpacked(message) {
                Ok(message) => messages.push(message),
                Err(source) if messages.is_empty() => {
                    let queue = Box::new(self.queue);
                    return Err(PullError::Body {
                        queue,
                        offset,
                        source,
                    });
                }
                Err(_next_pull_says_it) => {
                    next = offset;
                    break;
                }
            }
        }
        Ok(PullResult {
            status: PullStatus::of(answer.code, messages.is_empty()),
            messages,
            next,
            min: answer.min,
            max: answer.max,
        })
    }
}

impl IntoFuture for Pull {
    type Output = Result<PullResult, PullError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let member = Arc::clone(&self.member);
        async move { member.unless_shut_down(self.send()).await }.boxed()
    }
}
