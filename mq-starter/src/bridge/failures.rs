//! The layer that logs a message that was not handled: one line for each failed attempt, and nowhere
//! else. It applies the listener's `on_decode_error` before, so that the line says what happens.

use std::time::Duration;

use mq_core::message::{GroupName, TopicName};

use super::consume::Consume;
use super::retry::RetryRules;
use crate::listener::{
    BatchDelivery, ConsumeError, ConsumeResult, Delivery, Listener, Next, OnDecodeError,
};

/// Logs the failures of what lies further in.
pub(super) struct LogFailures<I> {
    listener: &'static str,
    topic: TopicName,
    group: GroupName,
    rules: RetryRules,
    on_decode_error: OnDecodeError,
    reply_timeout: Option<Duration>,
    inner: I,
}

impl<I> LogFailures<I> {
    pub(super) fn new(listener: &Listener, group: GroupName, rules: RetryRules, inner: I) -> Self {
        Self {
            listener: listener.name,
            topic: listener.topic.clone(),
            group,
            rules,
            on_decode_error: listener.on_decode_error,
            reply_timeout: listener.reply_timeout,
            inner,
        }
    }

    /// The name of the listener.
    pub(super) fn listener(&self) -> &'static str {
        self.listener
    }

    /// Whether its messages come again, and when.
    pub(super) fn rules(&self) -> &RetryRules {
        &self.rules
    }

    /// How long a reply of the listener may take to be sent.
    pub(super) fn reply_timeout(&self) -> Option<Duration> {
        self.reply_timeout
    }
}

impl<I> LogFailures<I> {
    /// Whether a message comes again whose handling failed, after it had failed `failed` times before.
    fn comes_again(&self, failed: i32, error: &ConsumeError) -> bool {
        let decides = error.is_undecodable().then_some(self.on_decode_error);
        let wish = match decides {
            Some(OnDecodeError::Drop) => return false,
            Some(OnDecodeError::Retry) => Next::Later,
            Some(OnDecodeError::DeadLetter) | None => error.next(),
        };
        self.rules.comes_again(wish, failed)
    }

    /// What becomes of a message with this id whose handling failed, after it had failed `failed`
    /// times before.
    fn judge(&self, id: &str, failed: i32, error: ConsumeError) -> ConsumeResult {
        let decides = error.is_undecodable().then_some(self.on_decode_error);
        let error = match decides {
            Some(OnDecodeError::Retry) => error.with_next(Next::Later),
            _ => error,
        };
        let dropped = decides == Some(OnDecodeError::Drop);
        let next = if dropped {
            "dropped".to_owned()
        } else if error.is_stop() {
            "the same attempt, as soon as a member has its queue".to_owned()
        } else {
            self.rules.next(error.next(), failed)
        };
        tracing::warn!(
            listener = self.listener, topic = %self.topic, group = %self.group, id,
            attempt = self.rules.attempt(failed), next, reason = error.reason(),
            "a message was not handled"
        );
        if dropped { Ok(()) } else { Err(error) }
    }
}

impl<I: Consume<Delivery>> Consume<Delivery> for LogFailures<I> {
    async fn consume(&self, delivery: Delivery) -> ConsumeResult {
        let id = delivery.message.message_id();
        let failed = delivery.message.reconsume_times;
        let result = self.inner.consume(delivery).await;
        result.or_else(|error| self.judge(&id, failed, error))
    }
}

impl<I: Consume<BatchDelivery>> Consume<BatchDelivery> for LogFailures<I> {
    async fn consume(&self, delivery: BatchDelivery) -> Vec<ConsumeResult> {
        let messages = delivery.messages.iter();
        let messages: Vec<_> = messages
            .map(|message| (message.message_id(), message.reconsume_times))
            .collect();
        let in_order = delivery.in_order;
        let results = self.inner.consume(delivery).await.into_iter();
        // In order, all behind a message that comes again come again too: what would end one of them is
        // told when its turn has come.
        let mut stopped = false;
        let judged = results.zip(messages).map(|(result, (id, failed))| {
            result.or_else(|error| {
                let comes_again = self.comes_again(failed, &error);
                if stopped && !comes_again {
                    return Err(error);
                }
                stopped |= in_order && comes_again;
                self.judge(&id, failed, error)
            })
        });
        judged.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::log_lines::Log;
    use crate::bridge::retry::tests::rules;
    use crate::listener::handler::tests::message;
    use crate::listener::{ConsumeMode, MessageModel};
    use crate::state::AppState;

    /// Answers that the first message is to come again, and that the second is no message of its kind.
    struct Failing;

    impl Consume<BatchDelivery> for Failing {
        async fn consume(&self, _: BatchDelivery) -> Vec<ConsumeResult> {
            let undecodable = serde_json::from_str::<u32>("x").unwrap_err();
            let undecodable = ConsumeError::dead_letter(undecodable);
            vec![Err(ConsumeError::later("not yet")), Err(undecodable)]
        }
    }

    /// The second one was called a dead letter each time the first one failed.
    #[tokio::test]
    async fn in_order_what_ends_behind_a_message_that_comes_again_is_not_told_yet() {
        for (mode, told) in [(ConsumeMode::Orderly, 1), (ConsumeMode::Concurrently, 2)] {
            let (log, _listening) = Log::listen();
            let failures = LogFailures {
                listener: "audit",
                topic: TopicName::new("t").unwrap(),
                group: GroupName::new("g").unwrap(),
                rules: rules(mode, MessageModel::Clustering, 16),
                on_decode_error: OnDecodeError::default(),
                reply_timeout: None,
                inner: Failing,
            };
            let delivery = BatchDelivery {
                messages: vec![message("1"), message("x")],
                state: AppState::default(),
                in_order: mode == ConsumeMode::Orderly,
            };

            let results = failures.consume(delivery).await;

            assert!(results.iter().all(Result::is_err));
            let lines = log.lines();
            assert_eq!(lines.len(), told, "{lines:#?}");
            assert!(lines[0].contains("not yet"), "{lines:#?}");
        }
    }
}
