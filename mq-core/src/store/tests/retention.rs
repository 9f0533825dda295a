//! Old segments are removed.

use super::*;

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

/// Stores what waits again when it is asked, and is done with it.
struct StoredAgain(MessageStore);

impl Needed for StoredAgain {
    fn releases(&self, _end: PhysicalOffset) -> bool {
        finish(self.0.append_again(&draft("waits", 0, "copy"))).is_ok()
    }
}

/// Regression: where messages count as stored before they are on disk, a loss of power took the copy of
/// a message that waited, and its segment had gone.
#[test]
fn what_was_stored_again_is_on_disk_before_its_segment_goes() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(5 * 60 * 60 * 1000);
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        ..Retention::default()
    };
    config.flush = Flush::Interval {
        every: Duration::from_hours(1),
        bytes: u64::MAX,
    };
    let (store, _) = open_with(&disk, config.clone(), &clock);
    for n in 0..100 {
        append(&store, "t", 0, &n.to_string());
    }
    store.0.sync_log().unwrap();
    store.ask_before_removal(Arc::new(StoredAgain(store.clone())));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(clock.advance(Duration::from_hours(73)));

    store.expire().unwrap();

    assert!(store.begin() > PhysicalOffset(0));
    let (store, _) = open_with(&disk.crash(|| false), config, &clock);
    assert!(bodies(&store, "waits", 0).contains(&"copy".to_owned()));
}

#[test]
fn an_administrator_need_not_wait_for_the_hour_but_for_the_age() {
    let hour = Duration::from_hours(1);
    let mut config = config();
    config.retention = Retention {
        keep: 2 * hour,
        hours: vec![4],
        zone: Zone::named("UTC0").unwrap(),
        ..Retention::default()
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let clock = Clock::manual(8 * 60 * 60 * 1000);
    let (store, _) = open_with(&FaultyDisk::default(), config, &clock);
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    runtime.block_on(clock.advance(hour));
    store.expire_at_any_hour().unwrap();
    assert_eq!(store.begin(), PhysicalOffset(0), "nothing is old yet");

    runtime.block_on(clock.advance(2 * hour));
    store.expire().unwrap();
    assert_eq!(store.begin(), PhysicalOffset(0), "it is eleven o'clock");
    store.expire_at_any_hour().unwrap();

    assert!(store.begin() > PhysicalOffset(0));
}

/// Regression: messages expired before their entries were in a file. The files before them stayed, later
/// ones went, and because of the file that was missing between them the next start built all queues again.
#[test]
fn messages_that_expire_before_their_entries_are_stored_leave_no_queue_files_behind() {
    let disk = FaultyDisk::default();
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
    for stored in [4, 60, 60] {
        for n in 0..stored {
            append(&store, "t", 0, &n.to_string());
        }
        store.expire().unwrap();
        store.0.maintain().unwrap();
    }
    store.expire().unwrap();
    store.close().unwrap();
    drop(store);

    let (store, report) = open_with(&disk, config, &Clock::manual(1));

    assert!(report.clean && !report.rebuilt);
    let files = disk.list("/store/consumequeue/t/0".as_ref()).unwrap();
    let first = files.iter().map(|file| &*file.name).min().unwrap();
    let min = store.min_offset("t", 0).0;
    assert_eq!(first, format!("{:020}", min / 8 * 160));
}
