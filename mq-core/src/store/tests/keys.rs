//! Messages are found by their keys.

use super::*;

/// Small files, and pieces of `in_memory` / 8 items.
fn indexed(in_memory: usize) -> StoreConfig {
    StoreConfig {
        index: true,
        index_sizes: IndexSizes {
            slots: 200,
            items: 30,
            in_memory,
        },
        ..config()
    }
}

fn append_keyed(store: &MessageStore, keys: &str) {
    let mut keyed = draft("t", 0, "a");
    keyed.message.properties.set(property::KEYS, keys);
    finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
}

fn count(store: &MessageStore, key: &str) -> usize {
    let found = store.query_by_key("t", key, 64, 0..=i64::MAX);
    found.unwrap().len()
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
    // Every item is a piece, and is written by the next round.
    let config = indexed(8);
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    for n in 0..5 {
        append_keyed(&store, &format!("k{n}"));
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

/// The index read a slot and wrote an item and the slot for each key, 1.5 writes and 0.4 reads a message
/// together with the log.
#[test]
fn keys_reach_the_files_in_few_large_writes() {
    const MESSAGES: usize = 100_000;
    let calls = |index| {
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            index,
            segment_size: 64 * 1024 * 1024,
            queue_file_entries: 300_000,
            flush: Flush::INTERVAL,
            ..config()
        };
        let (store, _) = open_with(&disk, config, &Clock::manual(5_000));
        for n in 0..MESSAGES {
            append_keyed(&store, &format!("key-{n}"));
            if n % 10_000 == 0 {
                store.0.maintain().unwrap();
            }
        }
        maintain_and_sync(&store);
        for n in (0..MESSAGES).step_by(10_001).filter(|_| index) {
            assert_eq!(count(&store, &format!("key-{n}")), 1);
        }
        store.close().unwrap();
        (usize::try_from(disk.changes()).unwrap(), disk.reads())
    };
    let (with, without) = (calls(true), calls(false));

    let (writes, reads) = (with.0 - without.0, with.1 - without.1);

    assert!(writes < MESSAGES / 500, "{writes} writes");
    assert!(reads < MESSAGES / 300, "{reads} reads");
}

#[test]
fn keys_are_found_in_memory_and_in_every_file_newest_first() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(5_000);
    let (store, _) = open_with(&disk, indexed(80), &clock);
    for n in 0..105 {
        append_keyed(&store, &format!("k{n} all"));
        if n % 7 == 0 {
            store.0.maintain().unwrap();
        }
    }
    let check = |store: &MessageStore| {
        for n in 0..105 {
            assert_eq!(count(store, &format!("k{n}")), 1, "k{n}");
        }
        let found = store.query_by_key("t", "all", 64, 0..=i64::MAX).unwrap();
        let numbers = found
            .into_iter()
            .flat_map(|record| decode_all(record).unwrap());
        let numbers: Vec<u64> = numbers.map(|message| message.queue_offset.0).collect();
        assert_eq!(numbers, (41..105).rev().collect::<Vec<_>>());
    };
    // 210 items; a file holds 29.
    let files = disk.list("/store/index".as_ref()).unwrap();
    assert!(files.len() >= 6, "{files:?}");
    check(&store);
    store.close().unwrap();
    check(&store);
    drop(store);
    let (store, _) = open_with(&disk, indexed(80), &clock);
    check(&store);
}

#[test]
fn the_process_may_die_at_every_call_and_every_key_is_found() {
    let config = indexed(24);
    for cut in 0.. {
        let disk = FaultyDisk::default();
        disk.cut_power_after(cut);
        let opened =
            MessageStore::open(config.clone(), Arc::new(disk.clone()), Clock::manual(5_000));
        let Ok((store, _)) = opened else { continue };
        let mut acknowledged = 0;
        let mut failed = false;
        while acknowledged < 50 && !failed {
            let mut keyed = draft("t", 0, "a");
            let key = format!("k{acknowledged}");
            keyed.message.properties.set(property::KEYS, &key);
            failed = finish(store.append(&keyed, Durability::AsConfigured)).is_err();
            acknowledged += usize::from(!failed);
            if acknowledged % 9 == 8 {
                let visible = store.0.log.visible_end();
                let stored = store.0.maintain();
                let synced = stored.and_then(|()| store.0.sync_derived(visible));
                failed |= synced.and_then(|()| store.0.save_mark()).is_err();
            }
        }
        drop(store);

        let (store, _) = open_with(&disk.kill(), config.clone(), &Clock::manual(6_000));

        for n in 0..acknowledged {
            assert_eq!(count(&store, &format!("k{n}")), 1, "cut {cut}: k{n}");
        }
        if !failed {
            return;
        }
    }
}

#[test]
fn while_the_index_finds_no_room_sends_go_on_and_its_keys_are_found_afterwards() {
    const MESSAGES: usize = 100;
    let disk = FaultyDisk::default();
    let config = indexed(16);
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    maintain_and_sync(&store);
    let mark = |store: &MessageStore| store.0.checkpoint.lock().mark().unwrap();
    let before = mark(&store);
    disk.set_fault(Some(Fault::FullBelow("/store/index")));
    for n in 0..MESSAGES {
        append_keyed(&store, &format!("k{n}"));
        if n % 20 == 19 {
            store.0.maintain().unwrap_err();
        }
    }
    let missing = || {
        (0..MESSAGES)
            .filter(|n| count(&store, &format!("k{n}")) == 0)
            .count()
    };
    // Memory is bounded, and the mark does not say that the rest is in the files.
    assert_eq!(missing(), MESSAGES - 16);
    let visible = store.0.log.visible_end();
    store.0.sync_derived(visible).unwrap_err();
    assert_eq!(mark(&store).derived, before.derived);

    let killed = disk.kill();
    disk.set_fault(None);
    store.0.maintain().unwrap();
    append_keyed(&store, "late");

    assert_eq!(missing(), 0);
    maintain_and_sync(&store);
    assert_eq!(mark(&store).derived, store.end().0);
    for disk in [disk.kill(), killed] {
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(6_000));
        let all = (0..MESSAGES).all(|n| count(&store, &format!("k{n}")) == 1);
        assert!(all);
    }
}

#[test]
fn a_log_that_is_walked_whole_is_indexed_whole_within_the_memory() {
    let disk = FaultyDisk::default();
    let config = indexed(16);
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    for n in 0..100 {
        append_keyed(&store, &format!("k{n}"));
        store.0.maintain().unwrap();
    }
    store.close().unwrap();
    drop(store);
    for folder in ["/store/index", "/store/consumequeue"] {
        disk.remove(folder.as_ref()).unwrap();
    }

    let (store, report) = open_with(&disk, config, &Clock::manual(6_000));

    assert!(report.rebuilt);
    assert_eq!(store.0.index.dropped(), None);
    assert!((0..100).all(|n| count(&store, &format!("k{n}")) == 1));
}

/// A slot that led to an item whose sector was lost led to none of the older ones of its chain.
#[test]
fn a_loss_of_power_takes_no_key_wherever_slots_and_items_reached_the_disk() {
    let config = StoreConfig {
        index_sizes: IndexSizes {
            slots: 8,
            items: 200,
            in_memory: 16,
        },
        ..indexed(0)
    };
    for seed in 1..100 {
        let mut random = Random(seed);
        let mut disk = FaultyDisk::default();
        let mut count_all = 0;
        for life in 0..4 {
            let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
            for n in 0..count_all {
                let key = format!("k{n}");
                assert_eq!(count(&store, &key), 1, "seed {seed}, life {life}: {key}");
            }
            for _ in 0..random.below(40) {
                append_keyed(&store, &format!("k{count_all}"));
                count_all += 1;
                match random.below(12) {
                    0 => maintain_and_sync(&store),
                    1 => store.0.maintain().unwrap(),
                    _ => {}
                }
            }
            drop(store);
            disk = disk.crash(|| random.below(2) == 0);
        }
    }
}
