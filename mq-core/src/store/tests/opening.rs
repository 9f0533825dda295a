//! Opening and closing in order, and what a store refuses to open.

use super::*;

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

/// The start wrote the file anew and failed, so that nothing could be read and no room be made.
#[test]
fn a_disk_that_is_full_after_a_kill_or_a_loss_of_power_keeps_nobody_from_opening_the_store() {
    for boot_is_the_same in [true, false] {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        for n in 0..10 {
            append(&store, "t", 0, &format!("{n}"));
        }
        let disk = if boot_is_the_same {
            disk.kill()
        } else {
            disk.crash(|| true)
        };
        // What is written in place, as the checkpoint is, needs no room.
        disk.set_fault(Some(Fault::FullBelow("/store/abort.tmp")));

        let opened = MessageStore::open(config(), Arc::new(disk.clone()), Clock::manual(1));

        let (store, _) = opened.unwrap();
        assert_eq!(bodies(&store, "t", 0).len(), 10, "{boot_is_the_same}");
    }
}
