//! What a running consumer says of itself to administrators (`DefaultMQPushConsumerImpl`,
//! `consumerRunningInfo`).
//!
//! Rates are not measured and 0.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytestring::ByteString;

use super::assigned::AssignedQueue;
use super::core::Core;
use crate::clock::Moment;
use crate::message::TopicName;
use crate::message::subscription::Subscription;
use crate::wire::body::{
    ConsumeStatus, ConsumeType, ConsumerRunningInfo, ProcessQueueInfo, SubscriptionData,
};

/// The version that clients report (`MQVersion`).
const REPORTED_VERSION: &str = "V5_3_3";
/// The bytes in which Java counts what is cached.
pub(in crate::client) const MIB: usize = 1024 * 1024;

/// What a consumer of any kind says.
pub(in crate::client) fn of_any(
    consume_type: ConsumeType,
    started_ms: i64,
    subscriptions: &BTreeMap<TopicName, Subscription>,
) -> ConsumerRunningInfo {
    let consume_type = match consume_type {
        ConsumeType::ConsumeActively => "CONSUME_ACTIVELY",
        ConsumeType::ConsumePassively => "CONSUME_PASSIVELY",
        ConsumeType::ConsumePop => "CONSUME_POP",
    };
    let properties = [
        (ConsumerRunningInfo::VERSION, REPORTED_VERSION.to_owned()),
        (ConsumerRunningInfo::CONSUME_TYPE, consume_type.to_owned()),
        (ConsumerRunningInfo::STARTED, started_ms.to_string()),
        ("language", "RUST".to_owned()),
    ];
    ConsumerRunningInfo {
        properties: texts(properties),
        subscription_set: subscriptions.values().map(SubscriptionData::from).collect(),
        ..ConsumerRunningInfo::default()
    }
}

pub(super) fn of(core: &Core) -> ConsumerRunningInfo {
    let assigned: Vec<_> = core.assigned.lock().values().map(Arc::clone).collect();
    let queues = assigned
        .iter()
        .map(|assigned| (assigned.queue.clone(), queue_info(core, assigned)));
    let topics = core.subscriptions.keys();
    let consume_type = ConsumeType::ConsumePassively;
    let mut info = of_any(consume_type, core.started_ms, &core.subscriptions);
    let threads = core.config.consume_threads.to_string();
    info.properties.extend(texts([
        (ConsumerRunningInfo::ORDERLY, core.is_orderly().to_string()),
        (ConsumerRunningInfo::THREADS, threads),
    ]));
    info.mq_table = queues.collect();
    info.status_table = topics
        .map(|topic| (topic.to_text(), ConsumeStatus::default()))
        .collect();
    info
}

fn texts<const N: usize>(
    properties: [(&'static str, String); N],
) -> BTreeMap<ByteString, ByteString> {
    let texts = properties.map(|(key, value)| (ByteString::from(key), ByteString::from(value)));
    texts.into_iter().collect()
}

fn queue_info(core: &Core, assigned: &AssignedQueue) -> ProcessQueueInfo {
    let held = assigned.held.lock();
    let next = core.position(assigned);
    let cached = held.cached();
    drop(held);
    let locked = assigned.locked_at();
    ProcessQueueInfo {
        cached_msg_count: small(cached.count),
        cached_msg_min_offset: cached.first.to_wire(),
        cached_msg_max_offset: cached.last.to_wire(),
        cached_msg_size_in_mib: small(cached.bytes / MIB),
        commit_offset: next.to_wire(),
        droped: assigned.is_dropped(),
        locked: locked.is_some(),
        last_lock_timestamp: locked.map_or(0, |at| wall_ms(core, at)),
        ..ProcessQueueInfo::default()
    }
}

/// When it was, ms since 1970.
fn wall_ms(core: &Core, at: Moment) -> i64 {
    let clock = &core.cluster.clock;
    let age = clock.moment().since(at).as_millis();
    let age = u64::try_from(age).unwrap_or(u64::MAX);
    clock.now_ms().saturating_sub_unsigned(age)
}

/// A count as the protocol has it.
pub(in crate::client) fn small(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
