//! Zeros that are written ahead of the end of the log: only where senders wait for syncs, and never over
//! a record.

use std::sync::mpsc;
use std::thread;

use super::*;

const MIB: u64 = 1024 * 1024;

fn of(flush: Flush) -> StoreConfig {
    StoreConfig {
        segment_size: 8 * MIB,
        flush,
        ..config()
    }
}

/// How many calls change something while room is made behind a first message.
fn changes_for_room(flush: Flush) -> u64 {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, of(flush), &Clock::manual(1_000));
    append(&store, "t", 0, "first");
    let before = disk.changes();
    store.0.log.make_room().unwrap();
    disk.changes() - before
}

#[test]
fn zeros_are_written_where_a_sender_waits_for_the_disk_and_nowhere_else() {
    let interval = Flush::Interval {
        every: Duration::from_secs(1),
        bytes: 64 * MIB,
    };

    let (waiting, hasty) = (changes_for_room(Flush::Sync), changes_for_room(interval));

    // 64 KiB in one call, two to three MiB.
    assert!((32..=48).contains(&(waiting - hasty)), "{waiting} {hasty}");
}

/// Room is made while an append comes as far as the zeros that are being written: the test holds the
/// first of them back until the append has ended, or stands still because it waits.
#[test]
fn an_append_waits_for_zeros_that_are_being_written_where_it_goes() {
    let disk = FaultyDisk::default();
    let (store, _) = open_with(&disk, of(Flush::Sync), &Clock::manual(1_000));
    append(&store, "t", 0, "first");
    let body = "x".repeat(usize::try_from(MIB).unwrap());
    let (tell_begun, wait_begun) = mpsc::channel();
    let appended = Arc::new(AtomicBool::new(false));
    thread::scope(|scope| {
        let zeros = scope.spawn(|| {
            let (log, appended) = (store.clone(), Arc::clone(&appended));
            let zeros = thread::current().id();
            disk.set_slow_write(move || {
                if thread::current().id() != zeros {
                    return;
                }
                let _told = tell_begun.send(());
                let mut still = 0;
                while still < 1_000 && !appended.load(Ordering::Acquire) {
                    thread::yield_now();
                    still = if log.0.log.tail.is_locked() {
                        still + 1
                    } else {
                        0
                    };
                }
            });
            store.0.log.make_room().unwrap();
        });
        wait_begun.recv().unwrap();
        append(&store, "t", 0, &body);
        appended.store(true, Ordering::Release);
        zeros.join().unwrap();
    });

    assert_eq!(bodies_of(&store), ["first", &body]);
}

fn bodies_of(store: &MessageStore) -> Vec<String> {
    let limits = ReadLimits {
        messages: 10,
        bytes: 8 * 1024 * 1024,
    };
    let read = store.read("t", 0, QueueOffset(0), limits, &Filter::default());
    let messages = decode_all(read.unwrap().records).unwrap();
    let text = |message: MessageExt| String::from_utf8(message.message.body.to_vec()).unwrap();
    messages.into_iter().map(text).collect()
}

#[test]
fn a_loss_of_power_leaves_every_acknowledged_message_among_zeros() {
    for seed in 1..40 {
        let mut random = Random(seed);
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            segment_size: MIB,
            ..of(Flush::Sync)
        };
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1_000));
        disk.cut_power_after(random.below(300));
        let mut acknowledged = Vec::new();
        for number in 0..100 {
            if random.below(3) == 0 && store.0.log.make_room().is_err() {
                break;
            }
            let padding = usize::try_from(random.below(40_000)).unwrap();
            let body = format!("{number}-{}", "x".repeat(padding));
            match finish(store.append(&draft("t", 0, &body), Durability::AsConfigured)) {
                Ok(_) => acknowledged.push(body),
                Err(_) => break,
            }
        }
        let after = disk.crash(|| random.below(2) == 0);
        drop(store);

        let (store, _) = open_with(&after, config, &Clock::manual(1_000));
        let left = bodies(&store, "t", 0);

        assert!(left.len() >= acknowledged.len(), "seed {seed}");
        assert_eq!(left[..acknowledged.len()], acknowledged, "seed {seed}");
    }
}

/// Up to 64 MiB of zeros were read behind the end of the log, twice after a crash.
#[test]
fn a_start_reads_nothing_of_what_was_never_written_behind_the_end_of_the_log() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        segment_size: 32 * MIB,
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1_000));
    append(&store, "t", 0, "first");
    drop(store);
    let disk = disk.kill();

    let (store, report) = open_with(&disk, config, &Clock::manual(1_000));

    assert_eq!(report.walked, 1);
    assert!(disk.reads() <= 20, "{} reads", disk.reads());
    assert_eq!(bodies(&store, "t", 0), ["first"]);
}
