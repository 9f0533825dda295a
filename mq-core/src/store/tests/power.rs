//! The power goes: within the fast mode's window, at every step of a scenario, and during recovery.

use std::time::Duration;

use super::*;

/// What the scenario wants to be there afterwards: queue → number → body.
type Promised = BTreeMap<i32, BTreeMap<u64, String>>;

const INTERVAL: Duration = Duration::from_millis(200);

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
}

fn fast(bytes: u64) -> StoreConfig {
    StoreConfig {
        flush: Flush::Interval {
            every: INTERVAL,
            bytes,
        },
        ..config()
    }
}

/// Waits until the background has synced the log up to `end`.
async fn until_synced(store: &MessageStore, end: PhysicalOffset) {
    while store.synced() < end {
        tokio::task::yield_now().await;
    }
}

#[test]
fn in_the_fast_mode_a_loss_of_power_takes_no_more_than_the_window() {
    for seed in 1..60 {
        current_thread().block_on(async {
            let mut random = Random(seed);
            let clock = Clock::manual(1_000);
            let disk = FaultyDisk::default();
            let config = fast(1024 * 1024);
            let (store, _) = open_with(&disk, config.clone(), &clock);
            let tasks = crate::tasks::Tasks::new(clock.clone());
            store.run(&tasks);
            // The loops begin to wait.
            clock.advance(Duration::ZERO).await;
            let (mut written, mut safe) = (Vec::new(), 0);
            for round in 0..=random.below(8) {
                let end = store.end();
                for n in 0..random.below(20) {
                    let body = format!("{round}-{n}");
                    append(&store, "t", 0, &body);
                    written.push((body, store.end()));
                }
                // Of what was there when the window began, all is on disk at its end.
                clock.advance(INTERVAL).await;
                // A sync that went on while the hand was moved begins its next wait only then.
                while store.synced() < end {
                    clock.advance(INTERVAL).await;
                }
                safe = written.iter().filter(|(_, at)| *at <= end).count();
            }
            let after = disk.crash(|| random.below(2) == 0);
            tasks.request_stop();

            let left = bodies(&open_with(&after, config, &clock).0, "t", 0);

            assert!(left.len() >= safe, "seed {seed}");
            let written = written.into_iter().map(|(body, _)| body);
            assert!(written.take(left.len()).eq(left), "seed {seed}");
        });
    }
}

#[test]
fn in_the_fast_mode_many_bytes_are_synced_before_the_time() {
    current_thread().block_on(async {
        let clock = Clock::manual(1_000);
        let (store, _) = open_with(&FaultyDisk::default(), fast(1_000), &clock);
        let tasks = crate::tasks::Tasks::new(clock.clone());
        store.run(&tasks);

        while store.end().0 < 1_000 {
            assert_eq!(store.synced(), PhysicalOffset(0));
            append(&store, "t", 0, "body");
        }

        // The clock stands still.
        until_synced(&store, store.end()).await;
        tasks.request_stop();
    });
}

#[test]
fn in_the_fast_mode_the_end_of_the_process_takes_nothing() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, fast(1024 * 1024), &Clock::manual(1));
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    assert_eq!(store.synced(), PhysicalOffset(0));
    // Memory of the system outlives the process.
    let after = disk.crash(|| true);

    let (store, _) = open_with(&after, fast(1024 * 1024), &Clock::manual(1));

    let all: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&store, "t", 0), all);
}

/// The segments before the last one were never synced after the process had been killed, although
/// the mark said so.
#[test]
fn what_a_killed_process_left_unsynced_is_on_disk_when_the_store_is_open_again() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, fast(1024 * 1024), &Clock::manual(1));
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    assert!(store.end().0 > 2 * SEGMENT);
    assert_eq!(store.synced(), PhysicalOffset(0));
    let killed = disk.kill();
    let (store, _) = open_with(&killed, fast(1024 * 1024), &Clock::manual(1));
    drop(store);

    let after = killed.crash(|| false);

    let (store, report) = open_with(&after, fast(1024 * 1024), &Clock::manual(1));
    let all: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&store, "t", 0), all);
    assert!(report.damaged.is_empty());
}

/// Appends over several segments with all that goes on beside; ends where the power goes.
fn scenario(disk: &FaultyDisk, config: &StoreConfig, promised: &mut Promised) -> Option<()> {
    let opened = MessageStore::open(config.clone(), Arc::new(disk.clone()), Clock::manual(1_000));
    let (store, _) = opened.ok()?;
    for n in 0..24_usize {
        let body = format!("{n}-{}", "x".repeat(n * 37 % 700));
        let queue_id = i32::from(n % 2 == 0);
        let mut draft = draft("t", queue_id, &body);
        draft
            .message
            .properties
            .set(property::KEYS, &format!("k{n}"));
        let stored = finish(store.append(&draft, Durability::AsConfigured));
        let number = stored.ok()?.queue_offset.0;
        promised.entry(queue_id).or_default().insert(number, body);
        if n % 5 == 4 {
            store.0.maintain().ok()?;
        }
        if n % 7 == 3 {
            store.0.log.make_room().ok()?;
        }
        if n == 14 {
            // As when much has come.
            store.0.sync_derived(store.0.log.visible_end()).ok()?;
            store.0.save_mark().ok()?;
        }
        if n == 20 {
            store.expire().ok()?;
        }
    }
    store.close().ok()
}

fn assert_kept(store: &MessageStore, promised: &Promised, what: &str) {
    for (queue_id, promised) in promised {
        let there = read_all(store, "t", *queue_id);
        let numbers = there.iter().map(|message| message.queue_offset.0);
        let min = store.min_offset("t", *queue_id).0;
        assert!(
            numbers.eq(min..store.max_offset("t", *queue_id).0),
            "{what}"
        );
        for (number, body) in promised.range(min..) {
            let mut there = there.iter();
            let message = there.find(|message| message.queue_offset.0 == *number);
            let message = message.unwrap_or_else(|| panic!("{what}: {number} is gone"));
            assert_eq!(message.message.body, body.as_bytes(), "{what}");
            let key = message.message.properties.get(property::KEYS).unwrap();
            let found = store.query_by_key("t", key, 10, 0..=i64::MAX).unwrap();
            assert_eq!(found.len(), 1, "{what}: {key}");
        }
    }
}

fn scenario_config() -> StoreConfig {
    let mut config = config();
    config.index = true;
    // Slots and items in sectors of their own; the keys of the scenario fill more than one file.
    config.index_sizes = IndexSizes {
        slots: 500,
        items: 15,
        in_memory: 24,
    };
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    config
}

#[test]
fn the_power_may_go_at_every_step_of_writing_rolling_maintaining_and_closing() {
    let config = scenario_config();
    let mut random = Random(11);
    let mut ended = false;
    for cut in 0.. {
        let disk = FaultyDisk::default();
        disk.cut_power_after(cut);
        let mut promised = Promised::new();
        ended = scenario(&disk, &config, &mut promised).is_some();
        let all = random.below(2) == 0;
        let after = disk.crash(|| all || random.below(2) == 0);

        let (store, report) = open_with(&after, config.clone(), &Clock::manual(1));

        assert!(report.damaged.is_empty(), "cut {cut}");
        assert_kept(&store, &promised, &format!("cut {cut}"));
        let next = store.max_offset("t", 0);
        assert_eq!(append(&store, "t", 0, "next").queue_offset, next);
        store.close().unwrap();
        let segments = after.list("/store/commitlog".as_ref()).unwrap();
        assert!(segments.iter().all(|file| file.length == SEGMENT));
        if ended {
            break;
        }
    }
    assert!(ended);
}

#[test]
fn a_recovery_that_is_cut_short_ten_times_ends_where_an_undisturbed_one_does() {
    let config = scenario_config();
    let segments = |disk: &FaultyDisk| {
        let mut files = disk.list("/store/commitlog".as_ref()).unwrap();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let content = |file: disk::DirectoryEntry| {
            let path = format!("/store/commitlog/{}", file.name);
            disk.read(path.as_ref()).unwrap()
        };
        files.into_iter().map(content).collect::<Vec<_>>()
    };
    for seed in 1..150 {
        let mut random = Random(seed);
        let disk = FaultyDisk::default();
        disk.cut_power_after(random.below(110) + 1);
        let mut promised = Promised::new();
        let _ended = scenario(&disk, &config, &mut promised);
        let found = disk.crash(|| random.below(2) == 0);
        if random.below(2) == 0 {
            found.remove("/store/checkpoint".as_ref()).unwrap();
        }
        let straight = found.crash(|| true);
        let (store, _) = open_with(&straight, config.clone(), &Clock::manual(1));
        assert_kept(&store, &promised, &format!("seed {seed}"));
        drop(store);

        let mut disturbed = found;
        for _ in 0..10 {
            disturbed.cut_power_after(random.below(12));
            let disk = Arc::new(disturbed.clone());
            drop(MessageStore::open(config.clone(), disk, Clock::manual(1)));
            disturbed = disturbed.crash(|| random.below(2) == 0);
        }
        let (store, _) = open_with(&disturbed, config.clone(), &Clock::manual(1));

        assert_kept(&store, &promised, &format!("seed {seed}"));
        assert!(segments(&disturbed) == segments(&straight), "seed {seed}");
    }
}
