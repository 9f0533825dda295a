//! The store as a whole, on disks in memory that forget and fail. Here lies what the tests share.

mod adversity;
mod ahead;
mod cold;
mod damage;
mod durability;
mod each;
mod folders;
mod histories;
mod keys;
mod opening;
mod power;
mod queues;
mod recovery;
mod retention;
mod saved_files;
mod times;
mod topics;
mod waiting_keys;
mod written_together;
mod zeros;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::disk::{Disk, Fault, FaultyDisk, SmallFiles};
use super::open_group::WriteGroup;
use super::paths::Paths;
use super::shared::StoreShared;
use super::*;
use crate::clock::Clock;
use crate::message::record::{RecordDraft, decode_all};
use crate::message::subscription::Filter;
use crate::message::{
    Message, MessageExt, PhysicalOffset, QueueOffset, SysFlag, TopicName, property,
};

const SEGMENT: u64 = 4096;

fn config() -> StoreConfig {
    StoreConfig {
        segment_size: SEGMENT,
        queue_file_entries: 8,
        index: false,
        ..StoreConfig::new("/store")
    }
}

fn open_with(
    disk: &FaultyDisk,
    config: StoreConfig,
    clock: &Clock,
) -> (MessageStore, RecoveryReport) {
    MessageStore::open(config, Arc::new(disk.clone()), clock.clone()).unwrap()
}

fn open(disk: &FaultyDisk) -> MessageStore {
    open_with(disk, config(), &Clock::manual(1_000)).0
}

fn draft(topic: &str, queue_id: i32, body: &str) -> RecordDraft {
    let mut message = Message::new(TopicName::new(topic.to_owned()).unwrap(), body.to_owned());
    message.properties.set(property::TAGS, "tag");
    RecordDraft {
        message,
        queue_id,
        sys_flag: SysFlag::default(),
        born_timestamp: 1,
        born_host: "127.0.0.1:1".parse().unwrap(),
        store_host: "127.0.0.1:10911".parse().unwrap(),
        reconsume_times: 0,
        prepared_transaction_offset: 0,
    }
}

/// Polls to the end: nothing in the store waits for another thread.
fn finish<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
    }
}

fn append(store: &MessageStore, topic: &str, queue_id: i32, body: &str) -> Appended {
    finish(store.append(&draft(topic, queue_id, body), Durability::AsConfigured)).unwrap()
}

/// Writes what was begun; nobody syncs it.
fn write_unsynced(store: &MessageStore) {
    store.0.write_group(&WriteGroup::default());
}

fn read_all(store: &MessageStore, topic: &str, queue_id: i32) -> Vec<MessageExt> {
    let mut next = store.min_offset(topic, queue_id);
    let mut messages = Vec::new();
    loop {
        let limits = ReadLimits {
            messages: 3,
            bytes: 2048,
        };
        let outcome = store
            .read(topic, queue_id, next, limits, &Filter::default())
            .unwrap();
        messages.extend(decode_all(outcome.records).unwrap());
        if matches!(outcome.status, ReadStatus::Found | ReadStatus::NoneMatched) {
            next = outcome.next;
        } else {
            return messages;
        }
    }
}

fn bodies(store: &MessageStore, topic: &str, queue_id: i32) -> Vec<String> {
    let text = |message: MessageExt| String::from_utf8(message.message.body.to_vec()).unwrap();
    read_all(store, topic, queue_id)
        .into_iter()
        .map(text)
        .collect()
}

fn segment(base: u64) -> String {
    format!("/store/commitlog/{base:020}")
}

impl QueueOffset {
    fn minus_one(self) -> Self {
        Self(self.0 - 1)
    }
}

/// Something that happens to a disk behind the store's back.
type Damage = fn(&FaultyDisk);

/// A small generator of numbers, the same for a seed on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// A round as after much has come: the next walk begins behind it.
fn maintain_and_sync(store: &MessageStore) {
    let visible = store.0.log.visible_end();
    store.0.maintain().unwrap();
    store.0.sync_derived(visible).unwrap();
    store.0.save_mark().unwrap();
}
