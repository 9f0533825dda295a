//! The ranges of numeric settings: Apache's (`DefaultMQPushConsumerImpl.checkConfig`), and at least
//! 1 where 0 could never work.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::consumer::ConsumerConfig;
use super::error::StartError;
use super::lite_pull::LitePullConfig;
use super::producer::ProducerConfig;

/// Name, value, allowed range, and the range as text.
type RangeRule = (&'static str, u64, RangeInclusive<u64>, &'static str);

const AT_MOST_I32: RangeInclusive<u64> = 0..=i32::MAX.unsigned_abs() as u64;
const POSITIVE_I32: RangeInclusive<u64> = 1..=i32::MAX.unsigned_abs() as u64;

impl ConsumerConfig {
    pub(super) fn check(&self) -> Result<(), StartError> {
        let flow = &self.flow;
        check([
            threads(self.consume_threads),
            batch("consumeMessageBatchMaxSize", self.consume_batch_size),
            batch("pullBatchSize", self.pull_batch_size),
            (
                "pullThresholdForQueue",
                count(flow.messages),
                1..=65_535,
                "1 to 65535",
            ),
            (
                "pullThresholdSizeForQueue",
                count(flow.bytes),
                1..=1 << 30,
                "1 byte to 1 GiB",
            ),
            (
                "consumeConcurrentlyMaxSpan",
                flow.span,
                1..=65_535,
                "1 to 65535",
            ),
            (
                "pullThresholdForTopic",
                self.topic_flow.messages.map_or(1, count),
                1..=6_553_500,
                "1 to 6553500",
            ),
            (
                "pullThresholdSizeForTopic",
                self.topic_flow.bytes.map_or(1, count),
                1..=100 << 30,
                "1 byte to 100 GiB",
            ),
            (
                "pullBatchSizeInBytes",
                self.pull_batch_bytes.into(),
                POSITIVE_I32,
                "1 to 2147483647",
            ),
            (
                "pullInterval",
                millis(self.pull_interval),
                0..=65_535,
                "0 to 65535 ms",
            ),
            at_least_1_ms("consumeTimeout", self.consume_timeout),
            at_least_1_ms("suspendCurrentQueueTimeMillis", self.suspend),
            (
                "maxReconsumeTimes",
                self.max_reconsume_times.unwrap_or(0).into(),
                AT_MOST_I32,
                "0 to 2147483647",
            ),
        ])
    }
}

impl LitePullConfig {
    pub(super) fn check(&self) -> Result<(), StartError> {
        self.in_common().check()?;
        check([
            (
                "pullThresholdForAll",
                count(self.max_waiting),
                1..=u64::MAX,
                "1 or more",
            ),
            (
                "autoCommitIntervalMillis",
                self.auto_commit.map_or(u64::MAX, millis),
                1_000..=u64::MAX,
                "1000 ms or more",
            ),
        ])
    }
}

impl ProducerConfig {
    pub(super) fn check(&self) -> Result<(), StartError> {
        check([
            at_least_1_ms("sendMsgTimeout", self.send_timeout),
            (
                "defaultTopicQueueNums",
                self.default_topic_queue_nums.into(),
                1..=u64::MAX,
                "1 or more",
            ),
            (
                "retryTimesWhenSendFailed",
                self.retry_times_when_send_failed.into(),
                AT_MOST_I32,
                "0 to 2147483647",
            ),
            (
                "retryTimesWhenSendAsyncFailed",
                self.retry_times_when_send_async_failed.into(),
                AT_MOST_I32,
                "0 to 2147483647",
            ),
            (
                "maxMessageSize",
                count(self.max_message_size),
                1..=u64::MAX,
                "1 byte or more",
            ),
            (
                "asyncSenderThreadPoolQueue",
                count(self.max_background_sends),
                1..=u64::MAX,
                "1 or more",
            ),
        ])
    }
}

fn threads(found: u16) -> RangeRule {
    ("consumeThreadMax", found.into(), 1..=1000, "1 to 1000")
}

fn batch(name: &'static str, found: u16) -> RangeRule {
    (name, found.into(), 1..=1024, "1 to 1024")
}

fn at_least_1_ms(name: &'static str, found: Duration) -> RangeRule {
    (name, millis(found), 1..=u64::MAX, "1 ms or more")
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn check(rules: impl IntoIterator<Item = RangeRule>) -> Result<(), StartError> {
    for (name, found, range, allowed) in rules {
        if !range.contains(&found) {
            return Err(StartError::Setting {
                name,
                found,
                allowed,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::GroupName;

    type Change<C> = fn(&mut C);

    fn group() -> GroupName {
        GroupName::new("g").unwrap()
    }

    fn consumer(change: impl FnOnce(&mut ConsumerConfig)) -> String {
        let mut config = ConsumerConfig::new(group());
        config.check().unwrap();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    fn lite_pull(change: impl FnOnce(&mut LitePullConfig)) -> String {
        let mut config = LitePullConfig::new(group());
        config.check().unwrap();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    fn producer(change: impl FnOnce(&mut ProducerConfig)) -> String {
        let mut config = ProducerConfig::new(group());
        config.check().unwrap();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn a_number_that_is_out_of_its_range_is_named() {
        let zero = Duration::ZERO;

        assert_eq!(
            consumer(|config| config.consume_timeout = zero),
            "consumeTimeout is 0, but must be 1 ms or more"
        );
        assert_eq!(
            consumer(|config| config.pull_interval = Duration::from_secs(66)),
            "pullInterval is 66000, but must be 0 to 65535 ms"
        );
        let consumers: [(&str, Change<ConsumerConfig>); 11] = [
            ("consumeThreadMax", |c| c.consume_threads = 1001),
            ("consumeMessageBatchMaxSize", |c| c.consume_batch_size = 0),
            ("pullBatchSize ", |c| c.pull_batch_size = 1025),
            ("pullThresholdForQueue", |c| c.flow.messages = 0),
            ("pullThresholdSizeForQueue", |c| c.flow.bytes = 0),
            ("consumeConcurrentlyMaxSpan", |c| c.flow.span = 65_536),
            ("pullThresholdForTopic", |c| c.topic_flow.messages = Some(0)),
            ("pullThresholdSizeForTopic", |c| {
                c.topic_flow.bytes = Some(0);
            }),
            ("pullBatchSizeInBytes", |c| c.pull_batch_bytes = 0),
            ("suspendCurrentQueueTimeMillis", |c| {
                c.suspend = Duration::ZERO;
            }),
            ("maxReconsumeTimes", |c| {
                c.max_reconsume_times = Some(u32::MAX);
            }),
        ];
        for (name, change) in consumers {
            assert!(consumer(change).starts_with(name), "{name}");
        }
        let lite_pulls: [(&str, Change<LitePullConfig>); 4] = [
            ("pullBatchSize ", |c| c.pull_batch_size = 0),
            ("pullThresholdForQueue", |c| c.flow.messages = 0),
            ("pullThresholdForAll", |c| c.max_waiting = 0),
            ("autoCommitIntervalMillis", |c| {
                c.auto_commit = Some(Duration::from_millis(999));
            }),
        ];
        for (name, change) in lite_pulls {
            assert!(lite_pull(change).starts_with(name), "{name}");
        }
        let producers: [(&str, Change<ProducerConfig>); 6] = [
            ("sendMsgTimeout", |p| p.send_timeout = Duration::ZERO),
            ("defaultTopicQueueNums", |p| p.default_topic_queue_nums = 0),
            ("retryTimesWhenSendFailed", |p| {
                p.retry_times_when_send_failed = u32::MAX;
            }),
            ("retryTimesWhenSendAsyncFailed", |p| {
                p.retry_times_when_send_async_failed = u32::MAX;
            }),
            ("maxMessageSize", |p| p.max_message_size = 0),
            ("asyncSenderThreadPoolQueue", |p| p.max_background_sends = 0),
        ];
        for (name, change) in producers {
            assert!(producer(change).starts_with(name), "{name}");
        }
    }
}
