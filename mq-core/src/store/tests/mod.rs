//! The store as a whole, on disks in memory that forget and fail.

mod adversity;
mod damage;
mod folders;
mod power;
mod queues;
mod saved_files;
mod times;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytestring::ByteString;

use super::disk::{Fault, FaultyDisk, SmallFiles};
use super::*;
use crate::message::record::{Draft, decode_all};
use crate::message::{Message, MessageExt, SysFlag, property};

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

fn draft(topic: &str, queue_id: i32, body: &str) -> Draft {
    let mut message = Message::new(TopicName::new(topic.to_owned()).unwrap(), body.to_owned());
    message.properties.set(property::TAGS, "tag");
    Draft {
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

fn read_all(store: &MessageStore, topic: &str, queue_id: i32) -> Vec<MessageExt> {
    let mut next = store.min_offset(topic, queue_id);
    let mut messages = Vec::new();
    loop {
        let limits = ReadLimits {
            messages: 3,
            bytes: 2048,
        };
        let outcome = store
            .read(topic, queue_id, next, limits, &|_| true)
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

/// Each topic once kept the whole receive buffer of its first message.
#[test]
fn a_new_queue_does_not_keep_the_frame_that_named_its_topic() {
    let store = open(&FaultyDisk::default());
    let frame = Bytes::from("orders and a long body".to_owned());
    let text = ByteString::try_from(frame.slice(..6)).unwrap();
    let mut first = draft("t", 0, "first");
    first.message.topic = TopicName::new(text).unwrap();

    finish(store.append(&first, Durability::AsConfigured)).unwrap();

    drop(first);
    assert_eq!(bodies(&store, "orders", 0), ["first"]);
    assert!(frame.is_unique());
}

#[test]
fn what_was_acknowledged_survives_and_what_was_not_may_go() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    let unfinished = store.append(&draft("t", 0, "b"), Durability::AsConfigured);
    drop(unfinished);

    let store = open(&disk.crash(|| false));

    assert_eq!(bodies(&store, "t", 0), ["a"]);
}

#[test]
fn readers_see_only_what_is_on_disk() {
    let disk = FaultyDisk::default();
    let store = open(&disk);

    let mut waiting = pin!(store.append(&draft("t", 0, "a"), Durability::AsConfigured));
    assert_eq!(store.max_offset("t", 0), QueueOffset(0));
    assert!(bodies(&store, "t", 0).is_empty());

    finish(waiting.as_mut()).unwrap();
    assert_eq!(bodies(&store, "t", 0), ["a"]);
}

#[test]
fn a_clean_end_leaves_nothing_to_walk_and_no_abort_file() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..50 {
        append(&store, "t", n % 3, &format!("{n}"));
    }
    store.close().unwrap();
    drop(store);
    assert!(disk.read("/store/abort".as_ref()).unwrap().is_none());

    let (store, report) = open_with(&disk, config(), &Clock::manual(1));

    assert!(report.clean && !report.rebuilt);
    assert_eq!(report.walked, 0);
    assert_eq!(
        (0..3).map(|q| bodies(&store, "t", q).len()).sum::<usize>(),
        50
    );
    assert_eq!(
        append(&store, "t", 0, "next").queue_offset,
        store.max_offset("t", 0).minus_one()
    );
}

impl QueueOffset {
    fn minus_one(self) -> Self {
        Self(self.0 - 1)
    }
}

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_record() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let last = append(&store, "t", 0, "last");
    let end = store.end();
    drop(store);
    for cut in last.physical_offset.0..end.0 {
        // The mark may not be beyond the cut: then the record would count as damaged.
        let torn = disk.crash(|| true);
        torn.damage("/store/checkpoint".as_ref(), |bytes| bytes.fill(0));
        torn.damage(segment(0).as_ref(), |bytes| {
            bytes[usize::try_from(cut).unwrap()..].fill(0);
        });

        let (store, report) = open_with(&torn, config(), &Clock::manual(1));

        assert_eq!(report.end, last.physical_offset, "cut at {cut}");
        assert_eq!(bodies(&store, "t", 0), ["first"]);
        append(&store, "t", 0, "again");
        assert_eq!(bodies(&store, "t", 0), ["first", "again"]);
    }
}

#[test]
fn a_damaged_record_below_the_mark_is_set_aside_and_the_rest_is_served() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let places: Vec<_> = (0..40)
        .map(|n| append(&store, "t", 0, &format!("{n}")))
        .collect();
    store.0.maintain().unwrap();
    drop(store);
    // Length, magic, checksum, queue offset, physical offset, body.
    for byte in [3, 6, 9, 27, 35, 88] {
        for clean in [false, true] {
            let damaged = disk.crash(|| true);
            if clean {
                open(&damaged).close().unwrap();
            }
            let at = usize::try_from(places[5].physical_offset.0).unwrap();
            damaged.damage(segment(0).as_ref(), |bytes| bytes[at + byte] ^= 1);
            damaged.remove("/store/consumequeue".as_ref()).unwrap();

            let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

            assert_eq!(report.damaged.len(), 1, "byte {byte}");
            let expected: Vec<_> = (0..40).filter(|n| *n != 5).map(|n| n.to_string()).collect();
            assert_eq!(
                bodies(&store, "t", 0),
                expected,
                "byte {byte}, clean {clean}"
            );
            assert_eq!(store.max_offset("t", 0), QueueOffset(40));
        }
    }
}

/// Something that happens to a disk behind the store's back.
type Damage = fn(&FaultyDisk);

#[test]
fn queues_that_are_gone_or_cut_short_are_built_again_byte_for_byte() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..60 {
        append(&store, "t", n % 2, &format!("{n}"));
    }
    store.close().unwrap();
    drop(store);
    let file = "/store/consumequeue/t/1/00000000000000000160";
    let before = disk.read(file.as_ref()).unwrap();
    assert!(before.is_some());
    let damages: [Damage; 4] = [
        |disk| disk.remove("/store/consumequeue".as_ref()).unwrap(),
        |disk| {
            let file = "/store/consumequeue/t/1/00000000000000000320";
            disk.remove(file.as_ref()).unwrap();
        },
        |disk| disk.remove("/store/consumequeue/t/1".as_ref()).unwrap(),
        |disk| {
            let file = "/store/consumequeue/t/1/00000000000000000480";
            disk.damage(file.as_ref(), |bytes| bytes.fill(0));
        },
    ];
    for damage in damages {
        let broken = disk.crash(|| true);
        damage(&broken);

        let (store, report) = open_with(&broken, config(), &Clock::manual(1));

        assert!(report.rebuilt);
        assert_eq!(
            bodies(&store, "t", 0).len() + bodies(&store, "t", 1).len(),
            60
        );
        store.close().unwrap();
        assert_eq!(broken.read(file.as_ref()).unwrap(), before);
    }
}

#[test]
fn a_hole_or_a_stranger_in_the_log_is_refused_by_name() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    store.close().unwrap();
    drop(store);
    let refusal = |disk: &FaultyDisk| {
        let opened = MessageStore::open(config(), Arc::new(disk.clone()), Clock::manual(1));
        opened.unwrap_err().to_string()
    };

    let holed = disk.crash(|| true);
    holed.remove(segment(SEGMENT).as_ref()).unwrap();
    assert!(refusal(&holed).contains(&segment(SEGMENT)));

    let short = disk.crash(|| true);
    short.damage(segment(0).as_ref(), |bytes| bytes.truncate(100));
    let named = refusal(&short);
    assert!(named.contains("100 of 4096 bytes") && named.contains(&segment(0)));
    assert!(!named.contains("move it"), "its records would be lost");
    let misplaced = disk.crash(|| true);
    misplaced.create(segment(100).as_ref(), SEGMENT).unwrap();
    let named = refusal(&misplaced);
    assert!(named.contains("mappedFileSizeCommitLog"), "{named}");
    assert!(!named.contains("move it"), "its records would be lost");

    let strange = disk.crash(|| true);
    strange
        .replace("/store/commitlog/notes.txt".as_ref(), b"hello")
        .unwrap();
    assert!(refusal(&strange).contains("notes.txt"));
}

#[test]
fn a_second_opener_is_refused() {
    let disk = FaultyDisk::default();
    let _store = open(&disk);

    let second = MessageStore::open(config(), Arc::new(disk), Clock::manual(1));

    assert!(matches!(second, Err(StoreError::InUse { .. })));
}

#[test]
fn a_closed_store_can_be_opened_again_although_somebody_still_holds_it() {
    let disk = FaultyDisk::default();
    let held = open(&disk);
    held.close().unwrap();

    let again = MessageStore::open(config(), Arc::new(disk), Clock::manual(1));

    assert!(again.is_ok());
    drop(held);
}

#[test]
fn a_failed_sync_fails_all_who_wait_and_closes_the_store_for_writing() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "before");
    disk.set_fault(Some(Fault::Sync));

    let failed = finish(store.append(&draft("t", 0, "lost"), Durability::AsConfigured));
    assert!(matches!(failed, Err(AppendError::Closed(_))));

    disk.set_fault(None);
    let later = finish(store.append(&draft("t", 0, "later"), Durability::AsConfigured));
    assert!(matches!(later, Err(AppendError::Closed(_))));
    assert_eq!(bodies(&store, "t", 0), ["before"]);
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    disk.set_fault(Some(Fault::Full));

    let refused = finish(store.append(&draft("t", 0, "b"), Durability::AsConfigured));
    assert_eq!(refused.unwrap_err(), AppendError::Full);
    assert_eq!(bodies(&store, "t", 0), ["a"]);

    disk.set_fault(None);
    append(&store, "t", 0, "c");
    assert_eq!(bodies(&store, "t", 0), ["a", "c"]);
}

#[test]
fn expired_segments_go_and_every_queue_keeps_its_numbers() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(5 * 60 * 60 * 1000);
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        ..Retention::default()
    };
    let (store, _) = open_with(&disk, config.clone(), &clock);
    append(&store, "quiet", 0, "alone");
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    store.expire().unwrap();
    assert_eq!(store.begin(), PhysicalOffset(0), "nothing is old yet");

    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(clock.advance(Duration::from_hours(73)));
    store.expire().unwrap();

    assert!(store.begin() > PhysicalOffset(0));
    assert_eq!(store.max_offset("t", 0), QueueOffset(100));
    assert!(store.min_offset("t", 0) > QueueOffset(0));
    let left = read_all(&store, "t", 0);
    assert_eq!(left.first().unwrap().queue_offset, store.min_offset("t", 0));
    assert_eq!(left.last().unwrap().queue_offset, QueueOffset(99));
    assert_eq!(store.min_offset("quiet", 0), QueueOffset(1));

    for remove_queues in [false, true] {
        let after = disk.crash(|| true);
        if remove_queues {
            after.remove("/store/consumequeue".as_ref()).unwrap();
        }
        let (store, _) = open_with(&after, config.clone(), &clock);
        assert_eq!(append(&store, "quiet", 0, "x").queue_offset, QueueOffset(1));
        assert_eq!(append(&store, "t", 0, "x").queue_offset, QueueOffset(100));
    }
}

#[test]
fn old_segments_go_in_the_hours_of_the_zone() {
    let hour = Duration::from_hours(1);
    let zone = Zone::named("CST-8").unwrap();
    let mut config = config();
    config.retention = Retention {
        keep: hour,
        hours: vec![4],
        zone,
        ..Retention::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let disk = FaultyDisk::default();
    // 17:00 UTC is one o'clock in the morning there.
    let clock = Clock::manual(17 * 60 * 60 * 1000);
    let (store, _) = open_with(&disk, config, &clock);
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    let mut gone_at = Vec::new();
    for local in 2..24 {
        runtime.block_on(clock.advance(hour));
        let begin = store.begin();
        store.expire().unwrap();
        if store.begin() > begin {
            gone_at.push(local);
        }
    }

    assert_eq!(gone_at, [4]);
}

#[test]
fn messages_of_a_deleted_topic_never_come_back() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "old");
    store.delete_topic("t").unwrap();
    assert!(bodies(&store, "t", 0).is_empty());
    append(&store, "t", 0, "new");

    for remove_queues in [false, true] {
        let after = disk.crash(|| true);
        if remove_queues {
            after.remove("/store/consumequeue".as_ref()).unwrap();
        }
        assert_eq!(bodies(&open(&after), "t", 0), ["new"]);
    }
}

#[test]
fn a_batch_is_stored_whole_with_consecutive_numbers() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let drafts: Vec<_> = ["a", "b", "c"].map(|body| draft("t", 0, body)).into();

    let all = finish(store.append_batch(&drafts, Durability::AsConfigured)).unwrap();

    let numbers: Vec<_> = all.iter().map(|appended| appended.queue_offset.0).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(bodies(&store, "t", 0), ["a", "b", "c"]);
}

#[test]
fn keys_are_found_before_and_after_they_reach_the_file() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        index: true,
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    let mut keyed = draft("t", 0, "a");
    keyed.message.properties.set(property::KEYS, "k1 k2");
    finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
    let find = |store: &MessageStore, key: &str| {
        store
            .query_by_key("t", key, 10, 0..=i64::MAX)
            .unwrap()
            .len()
    };
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );

    store.close().unwrap();
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );
    drop(store);
    let (store, _) = open_with(&disk, config, &Clock::manual(6_000));
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );
    assert_eq!(
        store.query_by_key("t", "k1", 10, 0..=4_000).unwrap().len(),
        0
    );
}

#[test]
fn keys_are_found_after_the_index_lost_what_was_not_synced() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        index: true,
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    for n in 0..5 {
        let mut keyed = draft("t", 0, "a");
        keyed
            .message
            .properties
            .set(property::KEYS, &format!("k{n}"));
        finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
        store.0.maintain().unwrap();
    }
    drop(store);
    // The header reached the disk, the items behind it did not.
    let after = disk.crash(|| true);
    after.damage("/store/index/19700101000005000".as_ref(), |bytes| {
        bytes[40..].fill(0);
    });

    let (store, _) = open_with(&after, config, &Clock::manual(6_000));

    for n in 0..5 {
        let found = store.query_by_key("t", &format!("k{n}"), 10, 0..=i64::MAX);
        assert_eq!(found.unwrap().len(), 1, "k{n}");
    }
}

#[test]
fn a_time_finds_its_message() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_000);
    let (store, _) = open_with(&disk, config(), &clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for n in 0..5 {
        append(&store, "t", 0, &n.to_string());
        runtime.block_on(clock.advance(Duration::from_millis(100)));
    }
    let at = |time, boundary| store.offset_by_time("t", 0, time, boundary).unwrap().0;

    let lower: Vec<_> = [900, 1_000, 1_001, 1_400, 1_401]
        .map(|t| at(t, Boundary::Lower))
        .into();
    let upper: Vec<_> = [900, 1_000, 1_001, 1_400, 1_401]
        .map(|t| at(t, Boundary::Upper))
        .into();

    assert_eq!(lower, [0, 0, 1, 4, 5]);
    assert_eq!(upper, [0, 0, 0, 4, 4]);
}

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

/// One history: random appends, syncs, maintenance, retention, deletions, crashes and clean ends,
/// compared with what was acknowledged.
fn history(seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let clock = Clock::manual(1_000);
    let mut disk = FaultyDisk::default();
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (mut store, _) = open_with(&disk, config.clone(), &clock);
    // What must be there: topic and queue → number → body.
    let mut acknowledged: BTreeMap<(String, i32), BTreeMap<u64, String>> = BTreeMap::new();
    for step in 0..random.below(60) + 10 {
        let topic = format!("t{}", random.below(2));
        let queue_id = i32::try_from(random.below(2)).unwrap();
        let action = random.below(100);
        match action {
            0..=69 => {
                let size = usize::try_from(random.below(400)).unwrap();
                let body = format!("{step}-{}", "x".repeat(size));
                let waiting =
                    store.append(&draft(&topic, queue_id, &body), Durability::AsConfigured);
                if random.below(4) > 0 {
                    let appended = finish(waiting).unwrap();
                    let queue = acknowledged.entry((topic, queue_id)).or_default();
                    let doubled = queue.insert(appended.queue_offset.0, body);
                    assert!(doubled.is_none(), "seed {seed}: a number was given twice");
                }
            }
            70..=75 => store.0.maintain().unwrap(),
            76..=77 => maintain_and_sync(&store),
            78..=81 => store.expire().unwrap(),
            82..=84 => {
                store.delete_topic(&topic).unwrap();
                acknowledged.retain(|(name, _), _| *name != topic);
            }
            85..=92 => {
                drop(store);
                disk = match random.below(2) {
                    0 => disk.kill(),
                    _ => disk.crash(|| random.below(2) == 0),
                };
                (store, _) = open_with(&disk, config.clone(), &clock);
            }
            _ => {
                store.close().unwrap();
                drop(store);
                (store, _) = open_with(&disk, config.clone(), &clock);
            }
        }
        if action >= 78 {
            check(&store, &acknowledged, seed);
        }
    }
    check(&store, &acknowledged, seed);
}

/// A round as after much has come: the next walk begins behind it.
fn maintain_and_sync(store: &MessageStore) {
    let visible = store.0.log.visible_end();
    store.0.maintain().unwrap();
    store.0.sync_derived(visible).unwrap();
    store.0.save_mark().unwrap();
}

fn check(
    store: &MessageStore,
    acknowledged: &BTreeMap<(String, i32), BTreeMap<u64, String>>,
    seed: u64,
) {
    for ((topic, queue_id), expected) in acknowledged {
        let found: BTreeMap<u64, String> = read_all(store, topic, *queue_id)
            .into_iter()
            .map(|message| {
                let body = String::from_utf8(message.message.body.to_vec()).unwrap();
                (message.queue_offset.0, body)
            })
            .collect();
        let min = store.min_offset(topic, *queue_id).0;
        for (number, body) in expected.range(min..) {
            assert_eq!(
                found.get(number),
                Some(body),
                "seed {seed}: {topic}/{queue_id} {number}"
            );
        }
        let next = expected.keys().last().map_or(0, |last| last + 1);
        assert!(
            store.max_offset(topic, *queue_id).0 >= next,
            "seed {seed}: {topic}/{queue_id}"
        );
    }
}

#[test]
fn what_nobody_waits_for_is_synced_in_the_background_and_seen() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::manual(1_000);
        let (store, _) = open_with(&FaultyDisk::default(), config(), &clock);
        let tasks = crate::tasks::Tasks::new(clock.clone());
        store.run(&tasks);

        let written = store.append(&draft("t", 0, "a"), Durability::Written);
        written.await.unwrap();
        drop(store.append(&draft("t", 0, "b"), Durability::AsConfigured));

        while store.max_offset("t", 0) < QueueOffset(2) {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.synced(), store.end());
        tasks.request_stop();
    });
}

#[test]
fn neither_zeros_nor_noise_nor_an_old_record_behind_the_end_is_data() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let first = append(&store, "t", 0, "first");
    append(&store, "t", 0, "second");
    let end = usize::try_from(store.end().0).unwrap();
    let first = usize::try_from(first.physical_offset.0).unwrap();
    drop(store);
    let tails: [fn(&mut Vec<u8>, usize, usize); 3] = [
        |bytes, _, end| bytes[end..].fill(0),
        |bytes, _, end| {
            let mut random = Random(7);
            let noise = bytes[end..].iter_mut();
            noise.for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap());
        },
        |bytes, first, end| bytes.copy_within(first..first + 200.min(end), end),
    ];
    for tail in tails {
        let after = disk.crash(|| true);
        after.damage(segment(0).as_ref(), |bytes| tail(bytes, first, end));

        let (store, report) = open_with(&after, config(), &Clock::manual(1));

        assert_eq!(report.end.0, end as u64);
        assert_eq!(bodies(&store, "t", 0), ["first", "second"]);
        append(&store, "t", 0, "third");
        store.close().unwrap();
        drop(store);
        assert_eq!(bodies(&open(&after), "t", 0), ["first", "second", "third"]);
    }
}

#[test]
fn the_last_record_below_the_mark_may_be_damaged_and_the_segment_goes_on() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let last = append(&store, "t", 0, "last");
    store.0.maintain().unwrap();
    let end = store.end();
    drop(store);
    let at = usize::try_from(last.physical_offset.0).unwrap();
    let after = disk.crash(|| true);
    after.damage(segment(0).as_ref(), |bytes| bytes[at + 4] ^= 1);

    let (store, report) = open_with(&after, config(), &Clock::manual(1));

    assert_eq!(report.damaged, [(last.physical_offset, end)]);
    assert_eq!(report.end, end, "the log goes on behind the damage");
    append(&store, "t", 0, "next");
    assert_eq!(bodies(&store, "t", 0).last().unwrap(), "next");
}

#[test]
fn random_flips_never_bring_a_wrong_body_and_cost_only_the_records_they_hit() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected: Vec<String> = (0..120).map(|n| format!("body-{n}")).collect();
    let places: Vec<Appended> = expected.iter().map(|b| append(&store, "t", 0, b)).collect();
    store.close().unwrap();
    drop(store);
    for seed in 1..200 {
        let mut random = Random(seed);
        let flipped = disk.crash(|| true);
        let mut hit = BTreeMap::new();
        for _ in 0..5 {
            let number = usize::try_from(random.below(120)).unwrap();
            let at = places[number].physical_offset.0;
            // Length, magic, checksum, both offsets, body: what the record itself can tell.
            let fields = [0..12, 20..36, 88..94];
            let field = fields[usize::try_from(random.below(3)).unwrap()].clone();
            let byte = field.start + random.below(field.end - field.start);
            let bit = 1 << random.below(8);
            let key = (number, byte, bit);
            if hit.insert(number, key).is_none() {
                let inside = usize::try_from(at % SEGMENT + byte).unwrap();
                let file = segment(at - at % SEGMENT);
                flipped.damage(file.as_ref(), |bytes| bytes[inside] ^= bit);
            }
        }

        let store = open(&flipped);

        let left = expected.iter().enumerate();
        let left = left.filter(|(number, _)| !hit.contains_key(number));
        let left: Vec<&String> = left.map(|(_, body)| body).collect();
        assert_eq!(
            bodies(&store, "t", 0).iter().collect::<Vec<_>>(),
            left,
            "seed {seed}"
        );
    }
}

#[test]
fn in_the_fast_mode_a_crash_takes_a_suffix_of_the_log_and_leaves_no_hole() {
    for seed in 1..500 {
        let mut random = Random(seed);
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            flush: Flush::INTERVAL,
            ..config()
        };
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
        let mut synced = 0;
        for n in 0..random.below(60) {
            let body = format!("{n}-{}", "x".repeat(usize::try_from(n * 5).unwrap()));
            append(&store, "t", 0, &body);
            match random.below(10) {
                0 => {
                    store.0.log.sync().unwrap();
                    synced = usize::try_from(n + 1).unwrap();
                }
                1 => store.0.maintain().unwrap(),
                _ => {}
            }
        }
        let before = bodies(&store, "t", 0);
        drop(store);

        let after = disk.crash(|| random.below(2) == 0);
        let (store, report) = open_with(&after, config, &Clock::manual(1));

        let left = bodies(&store, "t", 0);
        assert!(left.len() >= synced, "seed {seed}");
        assert_eq!(left, before[..left.len()], "seed {seed}");
        assert!(report.damaged.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_checkpoint_or_an_abort_file_that_is_gone_costs_time_and_no_message() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..100 {
        append(&store, "t", n % 2, &format!("{n}"));
    }
    let crashed = disk.crash(|| true);
    store.close().unwrap();
    drop(store);
    let clean = disk.crash(|| true);
    let damages: [Damage; 4] = [
        |_| {},
        |disk| disk.remove("/store/checkpoint".as_ref()).unwrap(),
        |disk| disk.damage("/store/checkpoint".as_ref(), |bytes| bytes.fill(0xff)),
        |disk| disk.remove("/store/abort".as_ref()).unwrap(),
    ];
    for damage in damages {
        for found in [&crashed, &clean] {
            let found = found.crash(|| true);
            damage(&found);

            let store = open(&found);

            let both = bodies(&store, "t", 0).len() + bodies(&store, "t", 1).len();
            assert_eq!(both, 100);
            assert_eq!(append(&store, "t", 0, "x").queue_offset, QueueOffset(50));
        }
    }
}

#[test]
fn a_store_that_apache_s_broker_left_unclean_keeps_the_numbers_of_its_empty_queues() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(5 * 60 * 60 * 1000);
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (store, _) = open_with(&disk, config.clone(), &clock);
    append(&store, "quiet", 0, "alone");
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    store.0.maintain().unwrap();
    store.expire().unwrap();
    assert!(store.begin() > PhysicalOffset(0));
    drop(store);
    // Apache's broker keeps neither.
    disk.remove("/store/checkpoint".as_ref()).unwrap();
    disk.remove("/store/config".as_ref()).unwrap();

    let (store, report) = open_with(&disk, config, &clock);

    assert!(report.rebuilt && !report.clean);
    assert_eq!(append(&store, "quiet", 0, "x").queue_offset, QueueOffset(1));
    assert_eq!(append(&store, "t", 0, "x").queue_offset, QueueOffset(100));
}

/// Retention wrote down the number of a message that was not on disk yet. The crash took the
/// message, the number stayed, and the gap before the next message made the following start set
/// that one aside.
#[test]
fn a_number_that_a_crash_took_back_is_given_again() {
    history(4_617);
}

/// The messages of a queue had expired between the mark of the queues and the log's beginning, and
/// with them a number that was in no file. The next message had the right number, and behind a newer
/// mark the following start took it for wrong.
#[test]
fn a_queue_that_expired_ahead_of_its_file_keeps_what_comes_after() {
    history(1_212);
}

#[test]
fn ten_thousand_histories_lose_nothing_that_was_acknowledged() {
    (0..10_000).for_each(history);
}

/// Once a slow disk stood in the way of everything else that ran on the thread of a sender: the
/// next requests of its connection were not read, and a web server in the same process was silent.
#[tokio::test]
async fn while_a_slow_disk_syncs_other_tasks_of_the_thread_go_on() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, config(), &Clock::system());
    let send = || {
        let append = store.append(&draft("t", 0, "x"), Durability::AsConfigured);
        tokio::task::spawn_local(append)
    };
    // The disk may be quick again before the thread has seen that it was slow.
    let over = Arc::new(AtomicBool::new(false));
    let slow_for = |time: Duration| {
        let (disk, over) = (disk.clone(), Arc::clone(&over));
        disk.set_fault(Some(Fault::SlowSync));
        std::thread::spawn(move || {
            while disk.slow_syncs() == 0 && !over.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
            std::thread::sleep(time);
            disk.set_fault(None);
        })
    };
    let local = tokio::task::LocalSet::new();
    local
        .run_until(async {
            let slow = slow_for(Duration::from_millis(10));
            send().await.unwrap().unwrap();
            slow.join().unwrap();

            slow_for(Duration::from_secs(5));
            let append = send();
            let mut turns = 0;
            while turns < 100 && !append.is_finished() {
                turns += usize::from(disk.slow_syncs() > 0);
                tokio::task::yield_now().await;
            }

            assert_eq!(turns, 100, "nothing else ran while the disk was busy");
            disk.set_fault(None);
            append.await.unwrap().unwrap();
            over.store(true, Ordering::Relaxed);
        })
        .await;
}

#[test]
fn a_wall_clock_that_was_set_back_gives_no_earlier_store_time() {
    let disk = FaultyDisk::default();
    for (now_ms, stored_at) in [(9_000, 9_000), (1_000, 9_000), (9_500, 9_500)] {
        let (store, _) = open_with(&disk, config(), &Clock::manual(now_ms));
        let appended = append(&store, "orders", 0, "x");
        assert_eq!(appended.store_timestamp, stored_at);
        store.close().unwrap();
    }
}
