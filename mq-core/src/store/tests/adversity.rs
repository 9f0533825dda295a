//! What others do meanwhile, full disks, and files that lie.

use std::error::Error as _;
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::Mutex;

use super::*;
use crate::message::Transaction;
use crate::store::checkpoint::Mark;
use crate::store::consume_queue::ConsumeQueues;
use crate::store::derived::Derived as _;

fn sweeping() -> StoreConfig {
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    config
}

fn keyed(key: &str) -> RecordDraft {
    let mut keyed = draft("t", 0, key);
    keyed.message.properties.set(property::KEYS, key);
    keyed
}

#[test]
fn a_closed_store_changes_nothing_any_more() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    store.close().unwrap();
    let changes = disk.changes();

    runtime.block_on(async {
        let store = &store.0;
        store.in_background("maintain", StoreShared::maintain).await;
        store.in_background("expire", StoreShared::expire).await;
        store.in_background("sync_log", StoreShared::sync_log).await;
    });
    store.expire().unwrap();
    store.delete_topic("t").unwrap();
    store.close().unwrap();
    let refused = finish(store.append(&draft("t", 0, "late"), Durability::Written));

    assert!(matches!(refused, Err(AppendError::Closed)));
    assert_eq!(disk.changes(), changes);
}

#[test]
fn closing_waits_for_rounds_and_appends_that_are_under_way() {
    for _ in 0..20 {
        let disk = FaultyDisk::default();
        let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
        let acknowledged = Mutex::new(0);
        let changes = std::thread::scope(|scope| {
            scope.spawn(|| {
                let append = || store.append(&draft("t", 0, "body"), Durability::Written);
                while finish(append()).is_ok() {
                    *acknowledged.lock() += 1;
                }
            });
            scope.spawn(|| {
                while store.writable().is_ok() {
                    store.0.while_open(StoreShared::maintain).unwrap();
                    store.0.while_open(StoreShared::expire).unwrap();
                }
                store.0.while_open(StoreShared::maintain).unwrap();
            });
            while *acknowledged.lock() < 50 && store.writable().is_ok() {
                std::thread::yield_now();
            }
            store.close().unwrap();
            disk.changes()
        });
        let acknowledged = acknowledged.into_inner();

        assert_eq!(disk.changes(), changes);
        let (store, report) = open_with(&disk, sweeping(), &Clock::manual(1_000));
        assert!(report.clean && report.walked == 0, "{report:?}");
        assert_eq!(store.max_offset("t", 0), QueueOffset(acknowledged));
    }
}

#[test]
fn a_store_that_refuses_for_space_still_closes_in_order() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    store.0.log.refuse_for_space(true);
    let refused = finish(store.append(&draft("t", 0, "b"), Durability::AsConfigured));
    assert!(matches!(refused, Err(AppendError::Full)));

    store.close().unwrap();
    drop(store);

    assert!(open_with(&disk, config(), &Clock::manual(1)).1.clean);
}

/// Tells the other threads of a test that it ended, however it did.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[test]
fn readers_beside_retention_see_whole_messages_or_none() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ended.load(Ordering::Acquire) {
                    for message in read_all(&store, "t", 0) {
                        let number = message.queue_offset.0.to_string();
                        assert_eq!(message.message.body, number.as_bytes());
                    }
                }
            });
        }
        let _end = SetOnDrop(&ended);
        for n in 0..1_000 {
            append(&store, "t", 0, &n.to_string());
            if n % 7 == 0 {
                store.0.maintain().unwrap();
                store.expire().unwrap();
            }
        }
    });
    assert!(store.min_offset("t", 0) > QueueOffset(900));
}

#[test]
fn entries_whose_file_expired_under_a_reader_are_no_error() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    store.0.maintain().unwrap();
    let queue = store.0.queues.find("t", 0).unwrap();
    assert_eq!(queue.read(&disk, 0, 8).unwrap().len(), 8);

    store.expire().unwrap();

    assert!(queue.min() >= 8);
    assert!(queue.read(&disk, 0, 8).unwrap().is_empty());
    disk.remove("/store/consumequeue".as_ref()).unwrap();
    assert!(
        queue.read(&disk, queue.min(), 1).is_err(),
        "what should be there"
    );
}

#[test]
fn a_segment_that_cannot_be_removed_stays_in_the_log() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
    for n in 0..60 {
        append(&store, "t", 0, &n.to_string());
    }
    store.0.save_snapshot().unwrap();
    let before = disk.changes();
    store.0.save_snapshot().unwrap();
    // The snapshot is written, the segment is not removed.
    disk.cut_power_after(disk.changes() - before);

    store.expire().unwrap_err();

    assert_eq!(store.begin(), PhysicalOffset(0));
    assert_eq!(bodies(&store, "t", 0).len(), 60);
}

#[test]
fn a_damaged_first_record_does_not_keep_the_segment_before_it_for_ever() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, sweeping(), &Clock::manual(1_000));
    for n in 0..60 {
        append(&store, "t", 0, &n.to_string());
    }
    disk.damage(segment(SEGMENT).as_ref(), |bytes| bytes[5] ^= 1);

    store.expire().unwrap();

    assert!(store.begin() >= PhysicalOffset(SEGMENT));
}

#[test]
fn when_no_segment_can_be_created_sends_are_refused_until_one_can() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "body");
    for (round, fault) in [Fault::Create, Fault::Full].into_iter().enumerate() {
        disk.set_fault(Some(fault));
        let send = || finish(store.append(&draft("t", 0, "body"), Durability::AsConfigured));
        let refused = std::iter::repeat_with(send).find_map(Result::err).unwrap();
        assert!(store.writable().is_ok(), "{refused}");
        assert!(!refused.to_string().contains("no more writes"), "{refused}");
        if fault == Fault::Create {
            let text = format!(
                "could not create `{}`: too many open files",
                segment(SEGMENT)
            );
            let cause = refused.source().expect("the disk's error");
            assert_eq!(cause.to_string(), text);
            assert!(refused.to_string().ends_with(&text), "{refused}");
            assert!(cause.source().unwrap().is::<io::Error>());
        }
        let stored = bodies(&store, "t", 0).len();

        disk.set_fault(None);
        let next = append(&store, "t", 0, "body").queue_offset;

        assert_eq!(next, QueueOffset(stored as u64), "round {round}");
    }
    assert!(store.end() > PhysicalOffset(SEGMENT));
    let stored = bodies(&store, "t", 0).len();
    let store = open(&disk.crash(|| false));
    assert_eq!(bodies(&store, "t", 0).len(), stored);
}

#[test]
fn a_disk_that_is_full_at_any_write_of_a_round_costs_nothing_but_the_round() {
    let config = StoreConfig {
        index: true,
        ..config()
    };
    for room in 0..24 {
        let disk = FaultyDisk::default();
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
        for n in 0..3 {
            finish(store.append(&keyed(&format!("k{n}")), Durability::AsConfigured)).unwrap();
        }
        disk.set_fault(Some(Fault::FullAfter(room)));
        for _ in 0..3 {
            let _refused = store.0.maintain();
            assert_eq!(bodies(&store, "t", 0).len(), 3, "room {room}");
        }
        let refused = finish(store.append(&keyed("k3"), Durability::AsConfigured));
        assert!(matches!(refused, Ok(_) | Err(AppendError::Full)));

        disk.set_fault(None);
        finish(store.append(&keyed("k4"), Durability::AsConfigured)).unwrap();
        store.close().unwrap();
        drop(store);
        let header = disk.open("/store/index/19700101000005000".as_ref());
        let mut next = [0; 4];
        header.unwrap().read_at(36, &mut next).unwrap();

        let (store, report) = open_with(&disk, config.clone(), &Clock::manual(6_000));

        assert!(report.clean && !report.rebuilt, "room {room}");
        let stored = bodies(&store, "t", 0);
        for key in &stored {
            let found = store.query_by_key("t", key, 10, 0..=i64::MAX).unwrap();
            assert_eq!(found.len(), 1, "room {room}: {key}");
        }
        let items = u64::from(u32::from_be_bytes(next)) - 1;
        assert_eq!(items, stored.len() as u64, "room {room}: each key once");
    }
}

#[test]
fn a_queue_that_begins_inside_a_file_marks_what_is_before_however_often_the_disk_was_full() {
    let disk = FaultyDisk::default();
    let paths = Paths {
        root: "/store".into(),
        commit_log: "/store/commitlog".into(),
    };
    let queues = || ConsumeQueues::new(paths.clone(), Arc::new(disk.clone()), 8);
    let topic = TopicName::new("t".to_owned()).unwrap();
    let first = queues();
    let queue = first.find_or_create(&topic, 0);
    let entry = consume_queue::QueueEntry {
        offset: 100,
        size: 50,
        tag: 7,
    };
    first.put(&queue, 5, entry);
    // The file is created, and nothing is written into it.
    disk.set_fault(Some(Fault::FullAfter(1)));
    first.store(u64::MAX).unwrap_err();
    disk.set_fault(None);
    first.store(u64::MAX).unwrap();

    let again = queues();
    assert!(again.load(u64::MAX, 0..u64::MAX).unwrap());

    let queue = again.find("t", 0).unwrap();
    assert_eq!(queue.next(), 6);
    let entries = queue.read(&disk, 0, 8).unwrap();
    assert_eq!(entries.len(), 6);
    assert!(entries[..5].iter().all(consume_queue::QueueEntry::is_hole));
    assert_eq!(entries[5], entry);
}

#[test]
fn an_entry_that_lies_costs_no_memory_and_no_panic() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..10 {
        append(&store, "t", 0, &n.to_string());
    }
    store.0.maintain().unwrap();
    let file = "/store/consumequeue/t/0/00000000000000000000";
    disk.damage(file.as_ref(), |bytes| {
        // Beyond everything, a size beyond everything, both, and another message's place.
        bytes[20..28].fill(0xff);
        bytes[48..52].fill(0xff);
        bytes[60..72].fill(0xff);
        bytes.copy_within(0..12, 80);
    });

    assert_eq!(bodies(&store, "t", 0).len(), 10);
    assert!(store.offset_by_time("t", 0, 1_000, Boundary::Lower).is_ok());
    drop(store);
    drop(open(&disk.crash(|| true)));
}

#[test]
fn memory_is_taken_only_for_a_record_that_says_itself_how_long_it_is() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        segment_size: 1024 * 1024,
        ..config()
    };
    let (store, _) = open_with(&disk, config, &Clock::manual(1));
    let body = "x".repeat(200_000);
    let first = append(&store, "t", 0, &body).physical_offset.0;
    let end = store.end().0;
    let size = u32::try_from(end - first).unwrap();

    let may_hold = |offset, size| store.0.log.may_hold(offset, size).unwrap();

    assert!(may_hold(first, size));
    assert!(!may_hold(first, size + 1));
    assert!(!may_hold(first + 1, size));
    assert!(!may_hold(end, 800_000));
    assert!(!may_hold(u64::MAX, 1000));
    assert_eq!(bodies(&store, "t", 0), [body]);

    let lies = consume_queue::QueueEntry {
        offset: first,
        size: 900_000,
        tag: 0,
    };
    let mut out = bytes::BytesMut::new();
    let queue = store.0.queues.find("t", 0).unwrap();
    let taken = store.0.take(&queue, 0, &lies, &Filter::default(), &mut out);
    assert!(taken.unwrap().is_none());
    assert_eq!(out.capacity(), 0);
}

#[test]
fn an_index_file_that_is_full_or_lies_is_left_as_it_is() {
    const ITEMS: u32 = 20_000_000;
    let config = StoreConfig {
        index: true,
        ..config()
    };
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    finish(store.append(&keyed("k0"), Durability::AsConfigured)).unwrap();
    store.close().unwrap();
    drop(store);
    let file = "/store/index/19700101000005000";
    let nearly_full = (ITEMS - 1).to_be_bytes();
    disk.damage(file.as_ref(), |bytes| {
        bytes[36..40].copy_from_slice(&nearly_full);
    });

    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(6_000));
    for key in ["k1", "k2"] {
        finish(store.append(&keyed(key), Durability::AsConfigured)).unwrap();
    }
    store.close().unwrap();
    drop(store);

    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(7_000));
    let find = |store: &MessageStore, key: &str| {
        let found = store.query_by_key("t", key, 10, 0..=i64::MAX);
        found.unwrap().len()
    };
    assert_eq!(["k0", "k1", "k2"].map(|key| find(&store, key)), [1, 1, 1]);
    assert_eq!(disk.list("/store/index".as_ref()).unwrap().len(), 2);
    drop(store);

    // Times and counts beyond everything.
    disk.damage(file.as_ref(), |bytes| {
        bytes[0..8].copy_from_slice(&i64::MAX.to_be_bytes());
        bytes[8..40].fill(0x7f);
        bytes[40 + 5_000_000 * 4 + 20..][12..16].fill(0x7f);
    });
    disk.remove("/store/index/19700101000006000".as_ref())
        .unwrap();
    let (store, _) = open_with(&disk, config, &Clock::manual(8_000));
    finish(store.append(&keyed("k3"), Durability::AsConfigured)).unwrap();
    store.0.maintain().unwrap();
    assert_eq!(find(&store, "k3"), 1);
    assert_eq!(find(&store, "k0"), 1, "its time is the end of all times");
}

#[test]
fn a_log_that_became_shorter_is_opened_with_what_is_left() {
    for (left, clean) in [(0, true), (0, false), (1, true), (1, false), (2, true)] {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        for n in 0..100 {
            append(&store, "t", 0, &n.to_string());
        }
        if clean {
            store.close().unwrap();
        } else {
            maintain_and_sync(&store);
        }
        drop(store);
        let disk = disk.crash(|| true);
        for gone in left..9 {
            disk.remove(segment(gone * SEGMENT).as_ref()).unwrap();
        }

        let store = open(&disk);

        let there = bodies(&store, "t", 0);
        assert_eq!(there.is_empty(), left == 0);
        let all: Vec<_> = (0..there.len()).map(|n| n.to_string()).collect();
        assert_eq!(there, all, "{left} segments, clean {clean}");
        append(&store, "t", 0, "next");
        for _again in 0..2 {
            let disk = disk.crash(|| true);
            assert_eq!(bodies(&open(&disk), "t", 0).last().unwrap(), "next");
        }
        store.close().unwrap();
        drop(store);
        assert_eq!(bodies(&open(&disk), "t", 0).last().unwrap(), "next");
    }
}

#[test]
fn a_mark_from_the_future_costs_no_message_and_no_room() {
    for (ahead, clean) in [(100, true), (100, false), (50_000, true), (50_000, false)] {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        for n in 0..100 {
            append(&store, "t", 0, &n.to_string());
        }
        let end = store.end();
        if clean {
            store.close().unwrap();
        }
        let future = Mark {
            log: end.0 + ahead,
            derived: end.0 + ahead,
            time_ms: 2_000,
        };
        store.0.checkpoint.lock().save(future, None).unwrap();
        drop(store);
        let disk = disk.crash(|| true);

        let (store, report) = open_with(&disk, config(), &Clock::manual(1));

        assert_eq!(report.end, end, "{ahead} ahead, clean {clean}");
        assert!(report.damaged.is_empty());
        assert_eq!(bodies(&store, "t", 0).len(), 100);
        assert_eq!(append(&store, "t", 0, "x").queue_offset, QueueOffset(100));
    }
}

#[test]
fn a_batch_over_several_queues_numbers_each_by_itself() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let mut half = draft("t", 0, "half");
    half.sys_flag = SysFlag(4);
    assert_eq!(half.sys_flag.transaction(), Transaction::Prepared);
    let drafts = [
        draft("t", 0, "a"),
        draft("t", 1, "b"),
        half,
        draft("t", 0, "c"),
        draft("t", 1, "d"),
    ];

    let all = finish(store.append_batch(&drafts, Durability::AsConfigured)).unwrap();

    let numbers: Vec<_> = all.iter().map(|appended| appended.queue_offset.0).collect();
    assert_eq!(numbers, [0, 0, 0, 1, 1]);
    assert_eq!(bodies(&store, "t", 0), ["a", "c"]);
    assert_eq!(bodies(&store, "t", 1), ["b", "d"]);
}

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<u64>>);

impl Arrival for Heard {
    fn arrived(&self, _: &TopicName, _: i32, next: QueueOffset, _: i64, _: i64) {
        self.0.lock().push(next.0);
    }
}

#[test]
fn a_message_that_a_deletion_made_durable_is_announced() {
    let store = open(&FaultyDisk::default());
    let heard = Arc::new(Heard::default());
    store.on_arrival(Arc::<Heard>::clone(&heard));
    append(&store, "other", 0, "x");
    let waiting = store.append(&draft("t", 0, "a"), Durability::AsConfigured);
    write_unsynced(&store);

    store.delete_topic("other").unwrap();

    assert_eq!(*heard.0.lock(), [1, 1]);
    finish(waiting).unwrap();
}

#[test]
fn a_message_is_announced_although_the_deletion_that_made_it_durable_failed() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let heard = Arc::new(Heard::default());
    store.on_arrival(Arc::<Heard>::clone(&heard));
    let waiting = store.append(&draft("t", 0, "a"), Durability::AsConfigured);
    write_unsynced(&store);
    disk.set_fault(Some(Fault::Full));

    store.delete_topic("other").unwrap_err();

    finish(waiting).unwrap();
    assert_eq!(*heard.0.lock(), [1]);
}

/// Apache's broker had written queue entries of messages that its log lost with the power. The first
/// start kept their numbers, and the second took the next message for damaged: there was a gap.
#[test]
fn a_message_behind_those_that_apache_s_broker_lost_survives_every_later_start() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let places: Vec<_> = (0..10)
        .map(|n| append(&store, "t", 0, &n.to_string()))
        .collect();
    store.0.maintain().unwrap();
    drop(store);
    let disk = disk.crash(|| true);
    disk.remove("/store/checkpoint".as_ref()).unwrap();
    let lost = usize::try_from(places[7].physical_offset.0).unwrap();
    disk.damage(segment(0).as_ref(), |bytes| bytes[lost..].fill(0));
    let store = open(&disk);
    append(&store, "t", 0, "next");

    for _again in 0..2 {
        let disk = disk.crash(|| true);
        let (store, report) = open_with(&disk, config(), &Clock::manual(1));

        assert!(report.damaged.is_empty());
        assert_eq!(bodies(&store, "t", 0).last().unwrap(), "next");
    }
}

/// One record with a wrong number was set aside; behind it any number was believed, and the holes
/// before 2^56 filled the memory.
#[test]
fn numbers_that_cannot_be_are_set_aside_however_many_there_are() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let places: Vec<_> = (0..60)
        .map(|n| append(&store, "t", n % 2, &n.to_string()))
        .collect();
    store.0.maintain().unwrap();
    drop(store);
    let disk = disk.crash(|| true);
    disk.remove("/store/consumequeue".as_ref()).unwrap();
    let hit = [0, 11, 20, 21];
    for number in hit {
        let at = places[number].physical_offset.0;
        let inside = usize::try_from(at % SEGMENT).unwrap();
        let file = segment(at - at % SEGMENT);
        disk.damage(file.as_ref(), |bytes| bytes[inside + 20] ^= 1);
    }
    let snapshot =
        r#"{"nextOffsets":{"t":{"0":18446744073709551615,"1":31},"u":{"0":1152921504606846976}}}"#;
    disk.replace(
        "/store/config/queueSnapshot.json".as_ref(),
        snapshot.as_bytes(),
    )
    .unwrap();

    let (store, report) = open_with(&disk, config(), &Clock::manual(1));

    assert_eq!(report.damaged.len(), hit.len());
    for queue_id in 0..2 {
        let numbers = (0..60).filter(|n| n % 2 == queue_id && !hit.contains(n));
        let expected: Vec<_> = numbers.map(|n| n.to_string()).collect();
        let queue_id = i32::try_from(queue_id).unwrap();
        assert_eq!(bodies(&store, "t", queue_id), expected);
    }
    assert_eq!(append(&store, "t", 0, "x").queue_offset, QueueOffset(30));
    // One more than there were, which four lost records allow.
    assert_eq!(append(&store, "t", 1, "x").queue_offset, QueueOffset(31));
    assert_eq!(append(&store, "u", 0, "x").queue_offset, QueueOffset(0));
}

#[test]
fn a_store_that_could_not_be_closed_for_want_of_room_is_opened_with_everything() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..20 {
        append(&store, "t", 0, &n.to_string());
    }
    disk.set_fault(Some(Fault::Full));
    let error = store.close().unwrap_err();
    assert!(matches!(error, StoreError::Disk { .. }), "{error}");
    drop(store);
    disk.set_fault(None);

    let (store, report) = open_with(&disk, config(), &Clock::manual(1));

    assert!(!report.clean);
    assert_eq!(bodies(&store, "t", 0).len(), 20);
}

#[test]
fn a_read_that_the_disk_refuses_is_an_error_and_writing_goes_on() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    let limits = ReadLimits {
        messages: 10,
        bytes: 1_000,
    };
    let read = || store.read("t", 0, QueueOffset(0), limits, &Filter::default());
    disk.set_fault(Some(Fault::Read));

    assert!(matches!(read(), Err(StoreError::Disk { .. })));

    append(&store, "t", 0, "b");
    disk.set_fault(None);
    assert_eq!(read().unwrap().count, 2);
}

#[test]
fn after_a_failed_sync_the_background_tries_no_other() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let clock = Clock::manual(1_000);
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            flush: Flush::INTERVAL,
            ..config()
        };
        let (store, _) = open_with(&disk, config, &clock);
        let tasks = crate::tasks::Tasks::new(clock.clone());
        store.run(&tasks);
        clock.advance(Duration::ZERO).await;
        append(&store, "t", 0, "a");
        assert!(format!("{tasks:?}").contains("store: sync"));

        disk.set_fault(Some(Fault::Sync));
        while format!("{tasks:?}").contains("store: sync") {
            clock.advance(Duration::from_millis(200)).await;
        }

        assert!(matches!(store.writable(), Err(AppendError::Failed(_))));
        tasks.request_stop();
    });
}

/// The snapshot in `config/` said up to where the messages of a deleted topic lie; in a log that
/// began anew, that covered messages of the topic's next life.
#[test]
fn a_topic_that_was_deleted_in_a_log_that_is_gone_keeps_what_is_stored_in_the_next() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for _ in 0..20 {
        append(&store, "t", 0, "old");
    }
    store.delete_topic("t").unwrap();
    store.close().unwrap();
    drop(store);
    for name in ["commitlog", "consumequeue", "checkpoint"] {
        disk.remove(&Path::new("/store").join(name)).unwrap();
    }
    let store = open(&disk);
    append(&store, "t", 0, "new");
    drop(store);

    let store = open(&disk.crash(|| false));

    assert_eq!(bodies(&store, "t", 0), ["new"]);
}

/// While the files of the consume queues could not be written, nothing was written into the index
/// either, and the mark of the log stood still.
#[test]
fn what_is_derived_and_cannot_be_stored_keeps_nothing_else_back_and_is_there_after_a_kill() {
    let folders = ["/store/consumequeue", "/store/index"];
    for (failing, healthy) in [(folders[0], folders[1]), (folders[1], folders[0])] {
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            index: true,
            // Every item is worth a write.
            index_sizes: IndexSizes {
                in_memory: 8,
                ..IndexSizes::default()
            },
            ..config()
        };
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
        let mark = |store: &MessageStore| store.0.checkpoint.lock().mark().unwrap();
        let before = mark(&store);
        disk.set_fault(Some(Fault::FullBelow(failing)));
        for key in ["k1", "k2"] {
            finish(store.append(&keyed(key), Durability::AsConfigured)).unwrap();
            store.0.maintain().unwrap_err();
        }
        let is_there = |folder: &str| !disk.list(folder.as_ref()).unwrap().is_empty();
        assert!(is_there(healthy) && !is_there(failing), "{failing}");
        assert_eq!(mark(&store).log, store.end().0);
        assert_eq!(mark(&store).derived, before.derived);

        drop(store);
        let (store, _) = open_with(&disk.kill(), config, &Clock::manual(6_000));

        assert_eq!(bodies(&store, "t", 0).len(), 2);
        for key in ["k1", "k2"] {
            let found = store.query_by_key("t", key, 10, 0..=i64::MAX).unwrap();
            assert_eq!(found.len(), 1, "{failing}: {key}");
        }
    }
}
