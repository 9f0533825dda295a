//! Keys that wait in memory for their file: what becomes of them when the store ends before a piece is
//! full.

use std::path::Path;

use super::*;
use crate::store::checkpoint::Mark;

const SNAPSHOT: &str = "/store/keySnapshot";
/// Of a snapshot without items.
const EMPTY: u64 = 12;
const SIZES: IndexSizes = IndexSizes {
    slots: 200,
    items: 30,
    // Pieces of 8 items.
    in_memory: 64,
};

fn indexed() -> StoreConfig {
    StoreConfig {
        index: true,
        index_sizes: SIZES,
        ..config()
    }
}

fn open_indexed(disk: &FaultyDisk) -> MessageStore {
    open_with(disk, indexed(), &Clock::manual(5_000)).0
}

/// Appends messages with three keys each, so that a piece ends between the keys of one.
fn append_keyed(store: &MessageStore, numbers: std::ops::Range<usize>) {
    for n in numbers {
        assert!(try_append_keyed(store, n));
    }
}

fn try_append_keyed(store: &MessageStore, n: usize) -> bool {
    let mut keyed = draft("t", 0, "a");
    let keys = format!("a{n} b{n} c{n}");
    keyed.message.properties.set(property::KEYS, &keys);
    finish(store.append(&keyed, Durability::AsConfigured)).is_ok()
}

/// The keys of the first messages that are not found exactly once.
fn missing(store: &MessageStore, messages: usize) -> Vec<String> {
    let keys = (0..messages).flat_map(|n| ["a", "b", "c"].map(|key| format!("{key}{n}")));
    let is_missing = |key: &String| {
        let found = store.query_by_key("t", key, 64, 0..=i64::MAX).unwrap();
        found.len() != 1
    };
    keys.filter(is_missing).collect()
}

/// Hash and physical offset of each item of the index files, as often as Apache's broker finds it.
fn filed(disk: &FaultyDisk) -> Vec<(u32, u64)> {
    let slots = SIZES.slots as usize;
    let mut items = Vec::new();
    for file in disk.list("/store/index".as_ref()).unwrap() {
        let path = Path::new("/store/index").join(file.name);
        let bytes = disk.read(&path).unwrap().unwrap();
        if bytes.is_empty() {
            // Creating it was cut short.
            continue;
        }
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        for slot in 0..slots {
            let mut item = number(40 + slot * 4);
            while 0 < item && item < number(36) {
                let at = 40 + slots * 4 + item as usize * 20;
                let offset = u64::from_be_bytes(bytes[at + 4..at + 12].try_into().unwrap());
                items.push((number(at), offset));
                item = number(at + 16);
            }
        }
    }
    items.sort_unstable();
    items
}

fn mark(store: &MessageStore) -> Mark {
    store.0.checkpoint.lock().mark().unwrap()
}

fn length(disk: &FaultyDisk) -> u64 {
    disk.read(SNAPSHOT.as_ref()).unwrap().unwrap().len() as u64
}

/// A store with 11 messages up to the mark, and one behind it, that was killed.
fn killed() -> FaultyDisk {
    let disk = FaultyDisk::default();
    let store = open_indexed(&disk);
    append_keyed(&store, 0..11);
    maintain_and_sync(&store);
    append_keyed(&store, 11..12);
    disk.kill()
}

/// Each time the mark moved, all that had gathered was written, and each time every page of the slots
/// with it.
#[test]
fn items_reach_the_files_in_full_pieces_and_at_a_clean_end() {
    let disk = FaultyDisk::default();
    let store = open_indexed(&disk);
    append_keyed(&store, 0..2);
    maintain_and_sync(&store);
    assert_eq!(filed(&disk).len(), 0);
    assert_eq!(mark(&store).derived, store.end().0);
    assert_eq!(length(&disk), EMPTY + 6 * 20);
    append_keyed(&store, 2..11);
    maintain_and_sync(&store);
    assert_eq!(filed(&disk).len(), 32);
    assert_eq!(length(&disk), EMPTY + 20);

    store.close().unwrap();

    assert_eq!(filed(&disk).len(), 33);
    assert_eq!(length(&disk), EMPTY);
    assert_eq!(missing(&store, 11), [""; 0]);
}

#[test]
fn keys_before_the_mark_are_found_after_a_kill_without_a_walk() {
    let disk = killed();

    let (store, report) = open_with(&disk, indexed(), &Clock::manual(6_000));

    assert_eq!(report.walked, 1);
    assert_eq!(missing(&store, 12), [""; 0]);
    assert_eq!(store.0.index.last().1, mark(&store).derived);
}

/// Up to 20 messages with a mark now and then; gives how many were acknowledged.
fn run_until_the_power_goes(disk: &FaultyDisk) -> (usize, bool) {
    let opened = MessageStore::open(indexed(), Arc::new(disk.clone()), Clock::manual(5_000));
    let Ok((store, _)) = opened else {
        return (0, false);
    };
    for n in 0..20 {
        if !try_append_keyed(&store, n) {
            return (n, false);
        }
        let visible = store.0.log.visible_end();
        let round = match n % 5 {
            1 => store.0.maintain(),
            4 => (store.0.maintain())
                .and_then(|()| store.0.sync_derived(visible))
                .and_then(|()| store.0.save_mark()),
            _ => Ok(()),
        };
        if round.is_err() {
            return (n + 1, false);
        }
    }
    (20, store.close().is_ok())
}

#[test]
fn the_process_may_die_and_the_power_go_at_every_call_and_every_key_is_found_at_the_start() {
    let mut random = Random(5);
    for cut in 0.. {
        let disk = FaultyDisk::default();
        disk.cut_power_after(cut);
        let (messages, ended) = run_until_the_power_goes(&disk);
        for killed in [true, false] {
            let after = if killed {
                disk.kill()
            } else {
                disk.crash(|| random.below(2) == 0)
            };
            let what = format!("cut {cut}, killed {killed}");
            let found = filed(&after);
            let without = after.kill();
            without.remove(SNAPSHOT.as_ref()).unwrap();

            let store = open_indexed(&after);

            assert_eq!(store.0.index.dropped(), None, "{what}");
            assert_eq!(missing(&store, messages), [""; 0], "{what}");
            let walked_from = mark(&store).derived;
            store.close().unwrap();
            // What is walked is indexed again, as by Apache's broker; nothing else is there twice.
            let walked = found.iter().filter(|(_, offset)| *offset >= walked_from);
            let mut filed = filed(&after);
            let items = filed.len() - walked.count();
            filed.dedup();
            assert!(filed.len() >= messages * 3, "{what}");
            assert_eq!(filed.len(), items, "{what}");

            let store = open_indexed(&without);
            store.0.maintain().unwrap();
            assert_eq!(missing(&store, messages), [""; 0], "{what}, no snapshot");
        }
        if ended {
            return;
        }
    }
}

#[test]
fn a_snapshot_that_is_missing_or_damaged_costs_no_key_once_the_log_was_read() {
    let damages: [(&str, Damage); 4] = [
        ("missing", |disk| disk.remove(SNAPSHOT.as_ref()).unwrap()),
        ("damaged", |disk| {
            disk.damage(SNAPSHOT.as_ref(), |bytes| bytes[15] ^= 1);
        }),
        ("damaged", |disk| {
            disk.damage(SNAPSHOT.as_ref(), |bytes| bytes.truncate(31));
        }),
        ("damaged", |disk| disk.damage(SNAPSHOT.as_ref(), Vec::clear)),
    ];
    for (why, damage) in damages {
        let disk = killed();
        damage(&disk);
        let store = open_indexed(&disk);
        assert_eq!(bodies(&store, "t", 0).len(), 12, "{why}");
        assert!(store.0.index.dropped().unwrap().why.contains(why));
        append_keyed(&store, 12..13);
        // The mark says more than the files have until the log was read.
        let visible = store.0.log.visible_end();
        store.0.sync_derived(visible).unwrap_err();
        let again = disk.kill();

        for disk in [disk, again] {
            let store = open_indexed(&disk.kill());
            store.0.maintain().unwrap();
            assert_eq!(store.0.index.dropped(), None, "{why}");
            assert_eq!(missing(&store, 13), [""; 0], "{why}");
            maintain_and_sync(&store);
            assert_eq!(mark(&store).derived, store.end().0, "{why}");
        }
    }
}

#[test]
fn a_full_disk_keeps_only_the_mark_from_moving() {
    let disk = FaultyDisk::default();
    let store = open_indexed(&disk);
    append_keyed(&store, 0..3);
    maintain_and_sync(&store);
    let before = mark(&store);
    disk.set_fault(Some(Fault::FullBelow("/store/keySnapshot.tmp")));
    append_keyed(&store, 3..20);
    store.0.maintain().unwrap();
    let visible = store.0.log.visible_end();
    store.0.sync_derived(visible).unwrap_err();
    store.0.save_mark().unwrap();
    assert_eq!(mark(&store).derived, before.derived);
    let killed = disk.kill();
    disk.set_fault(None);

    maintain_and_sync(&store);

    assert_eq!(mark(&store).derived, store.end().0);
    for disk in [disk.kill(), killed] {
        let store = open_indexed(&disk);
        assert_eq!(missing(&store, 20), [""; 0]);
    }
}

#[test]
fn a_snapshot_of_more_items_than_find_room_in_memory_is_taken_whole() {
    let disk = killed();
    let config = StoreConfig {
        index_sizes: IndexSizes {
            in_memory: 4,
            ..SIZES
        },
        ..indexed()
    };
    let larger = StoreConfig {
        index_sizes: IndexSizes {
            in_memory: 800,
            ..SIZES
        },
        ..indexed()
    };
    let (store, _) = open_with(&disk, larger, &Clock::manual(5_000));
    append_keyed(&store, 12..30);
    maintain_and_sync(&store);

    let (store, _) = open_with(&disk.kill(), config, &Clock::manual(6_000));

    assert_eq!(store.0.index.dropped(), None);
    assert_eq!(missing(&store, 30), [""; 0]);
}

#[test]
fn without_an_index_there_is_no_snapshot() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append_keyed(&store, 0..3);
    maintain_and_sync(&store);
    store.close().unwrap();

    assert_eq!(disk.read(SNAPSHOT.as_ref()).unwrap(), None);
    assert!(disk.list("/store/index".as_ref()).unwrap().is_empty());
}

/// Messages of a time without an index have no keys, which cannot be told from a lost snapshot.
#[test]
fn an_index_that_is_switched_on_after_a_kill_takes_what_came_before_from_the_log() {
    let disk = killed();
    let store = open(&disk);
    append_keyed(&store, 12..15);
    maintain_and_sync(&store);
    let store = open_indexed(&disk.kill());

    store.0.maintain().unwrap();

    assert_eq!(missing(&store, 15), [""; 0]);
}

/// Apache's broker keeps the mark and the snapshot as they are, and writes all keys into its files.
#[test]
fn what_apaches_broker_has_indexed_since_is_not_indexed_again() {
    for its_broker_was_killed in [false, true] {
        let disk = killed();
        let store = open_indexed(&disk);
        maintain_and_sync(&store);
        let read = |path: &str| disk.read(path.as_ref()).unwrap().unwrap();
        let ours = ["/store/checkpoint", SNAPSHOT].map(|path| (path, read(path)));
        assert!(ours[1].1.len() as u64 > EMPTY);
        append_keyed(&store, 12..14);
        store.close().unwrap();
        drop(store);
        for (path, content) in ours {
            disk.write(path.as_ref(), &content).unwrap();
        }
        if its_broker_was_killed {
            disk.write("/store/abort".as_ref(), b"1234").unwrap();
        }
        let before = filed(&disk);
        assert_eq!(before.len(), 14 * 3);

        let store = open_indexed(&disk);

        assert_eq!(missing(&store, 14), [""; 0]);
        let again = open_indexed(&disk.kill());
        assert_eq!(again.0.index.dropped(), None);
        assert_eq!(missing(&again, 14), [""; 0]);
        // After a kill both of us walk.
        let walked_from = if its_broker_was_killed { 12 } else { 14 } * 3;
        store.close().unwrap();
        let mut after = filed(&disk);
        assert_eq!(after.len(), before.len() + 14 * 3 - walked_from);
        after.dedup();
        assert_eq!(after, before);
    }
}

/// After a crash its broker indexes the segments from `logicsMsgTimestamp` on.
#[test]
fn apaches_broker_is_sent_to_the_oldest_message_whose_keys_wait() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, indexed(), &Clock::manual(1_000));
    append_keyed(&store, 0..8);
    maintain_and_sync(&store);
    store.close().unwrap();
    drop(store);
    let clock = Clock::manual(2_000);
    let (store, _) = open_with(&disk, indexed(), &clock);
    let logics_time = || {
        let file = disk.read("/store/checkpoint".as_ref()).unwrap().unwrap();
        i64::from_be_bytes(file[8..16].try_into().unwrap())
    };
    assert_eq!(logics_time(), 1_000);
    append_keyed(&store, 8..10);
    current_thread().block_on(clock.advance(Duration::from_secs(7)));
    append_keyed(&store, 10..11);

    maintain_and_sync(&store);

    // A piece is in the file, and the last key of the message at 9,000 waits.
    assert_eq!(logics_time(), 9_000);
    current_thread().block_on(clock.advance(Duration::from_secs(1)));
    append_keyed(&store, 11..12);
    maintain_and_sync(&store);
    assert_eq!(logics_time(), 9_000);
    store.close().unwrap();
    assert_eq!(logics_time(), 10_000);
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}
