//! The segment that is made ahead and the blocks that are reserved: no append waits for them, and one
//! that was never used confuses nobody.

use std::sync::mpsc;
use std::thread;

use parking_lot::Mutex;

use super::*;

const MIB: u64 = 1024 * 1024;
/// What creating, allocating and syncing a directory take.
const SLOW: Duration = Duration::from_millis(500);

/// Every slow call takes `SLOW` on the hand-moved clock: a call on this thread moves the clock itself,
/// one in the background waits until somebody has moved it.
fn make_slow(disk: &FaultyDisk, clock: &Clock) -> SlowUntilDropped {
    let clock = clock.clone();
    let over = Arc::new(AtomicBool::new(false));
    let slow = SlowUntilDropped(Arc::clone(&over));
    let test = thread::current().id();
    disk.set_slow_call(move || {
        if thread::current().id() == test {
            return finish(clock.advance(SLOW));
        }
        let end = clock.moment().plus(SLOW);
        while clock.moment() < end && !over.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    });
    slow
}

/// A test that fails must not leave a thread that waits for its clock.
struct SlowUntilDropped(Arc<AtomicBool>);

impl Drop for SlowUntilDropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

async fn until_there_is_room(store: &MessageStore, clock: &Clock) {
    let real = Clock::system();
    let begun = real.moment();
    while store.0.log.wants_room() {
        let waited = real.moment().since(begun);
        assert!(waited < Duration::from_secs(10), "no room is made");
        clock.advance(Duration::from_millis(100)).await;
    }
}

/// Files in the directory of the log.
fn files(disk: &FaultyDisk) -> usize {
    disk.list("/store/commitlog".as_ref()).unwrap().len()
}

/// Fills the first segment but for the last bytes; gives how many messages that takes.
fn fill(store: &MessageStore) -> usize {
    let mut stored = 0;
    while store.end().0 < SEGMENT - 400 {
        append(store, "t", 0, &stored.to_string());
        stored += 1;
    }
    stored
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

/// Creating a segment and reserving blocks once ran under the lock of the log, on the thread of the
/// sender.
#[tokio::test]
async fn appends_across_the_end_of_a_segment_and_of_the_reserved_blocks_wait_for_no_disk() {
    let clock = Clock::manual(1_000);
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        segment_size: 80 * MIB,
        ..config()
    };
    let (store, _) = open_with(&disk, config, &clock);
    let _slow = make_slow(&disk, &clock);
    let tasks = crate::tasks::Tasks::new(clock.clone());
    store.run(&tasks);
    until_there_is_room(&store, &clock).await;
    let body = "x".repeat(4 * 1024 * 1024 - 1024);
    let mut longest = Duration::ZERO;

    // No append of a segment gives the background a turn, so 64 MiB of reserved blocks are passed.
    for _segment in 0..2 {
        for _message in 0..20 {
            let begun = clock.moment();
            append(&store, "t", 0, &body);
            longest = longest.max(clock.moment().since(begun));
        }
        until_there_is_room(&store, &clock).await;
    }

    assert!(store.end().0 > 160 * MIB - 4 * MIB);
    assert!(longest <= Duration::from_millis(20), "{longest:?}");
    tasks.request_stop();
}

/// Room that was wanted anew while some was made was taken for a failure, and asked for a second
/// later. Here the clock stands still, so what comes by the second would not come.
#[tokio::test]
async fn the_next_segment_and_blocks_are_asked_for_by_the_append_after_which_they_are_wanted() {
    let clock = Clock::manual(1_000);
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        segment_size: 80 * MIB,
        ..config()
    };
    let (store, _) = open_with(&disk, config, &clock);
    let tasks = crate::tasks::Tasks::new(clock.clone());
    store.run(&tasks);
    let stands_still = async || {
        let real = Clock::system();
        let begun = real.moment();
        while store.0.log.wants_room() {
            let waited = real.moment().since(begun);
            assert!(waited < Duration::from_secs(10), "nobody asked for room");
            tokio::task::yield_now().await;
        }
    };
    stands_still().await;
    let body = "x".repeat(4 * 1024 * 1024 - 1024);

    let mut asked = 0;
    while store.end().0 < 84 * MIB {
        append(&store, "t", 0, &body);
        asked += usize::from(store.0.log.wants_room());
        stands_still().await;
    }

    assert_eq!(files(&disk), 3, "two are used");
    assert!(asked >= 2, "blocks and a segment: {asked}");
    tasks.request_stop();
}

/// A thread that is stopped in the middle of making the next segment, until it is told to go on.
fn half_made(
    store: &MessageStore,
    disk: &FaultyDisk,
) -> (mpsc::Sender<()>, thread::JoinHandle<()>) {
    let (go_on, stopped) = mpsc::channel();
    let (reached, is_reached) = mpsc::channel();
    let stopped = Mutex::new(stopped);
    let background = Arc::new(Mutex::new(None));
    let making = Arc::clone(&background);
    disk.set_slow_call(move || {
        if *making.lock() == Some(thread::current().id()) {
            reached.send(()).ok();
            stopped.lock().recv().ok();
        }
    });
    let store = store.clone();
    let thread = thread::spawn(move || {
        *background.lock() = Some(thread::current().id());
        // Blocks in the first segment come before it.
        store.0.log.make_room().unwrap();
    });
    is_reached.recv().unwrap();
    (go_on, thread)
}

#[test]
fn appends_go_on_while_room_is_made_and_a_burst_waits_for_the_segment_and_makes_no_second() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let stored = fill(&store);
    let (go_on, making) = half_made(&store, &disk);
    // The reservation is under way.
    append(&store, "t", 0, &stored.to_string());
    go_on.send(()).unwrap();

    let burst = store.clone();
    let (done, is_done) = mpsc::channel();
    let burst = thread::spawn(move || {
        for number in stored + 1..stored + 10 {
            append(&burst, "t", 0, &number.to_string());
        }
        done.send(()).unwrap();
    });
    go_on.send(()).unwrap();
    is_done.recv().unwrap();

    burst.join().unwrap();
    making.join().unwrap();
    assert!(store.end().0 > SEGMENT);
    assert_eq!(bodies(&store, "t", 0), numbers(stored + 10));
    assert!(files(&disk) <= 3);
}

#[test]
fn a_segment_that_cannot_be_made_ahead_is_made_when_it_is_needed() {
    for fault in [Fault::Create, Fault::Full] {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        let stored = fill(&store);
        disk.set_fault(Some(fault));
        store.0.log.make_room().unwrap_err();
        assert!(store.0.log.wants_room(), "it is tried again");

        if fault == Fault::Full {
            let refused = finish(store.append(&draft("t", 0, "x"), Durability::AsConfigured));
            assert!(matches!(refused, Err(AppendError::Full)));
        }
        disk.set_fault(None);

        for number in stored..stored + 10 {
            append(&store, "t", 0, &number.to_string());
        }
        assert!(store.end().0 > SEGMENT);
        store.0.log.make_room().unwrap();
        assert!(!store.0.log.wants_room());
        assert_eq!(bodies(&store, "t", 0), numbers(stored + 10));
    }
}

#[test]
fn a_segment_that_was_never_used_is_no_part_of_the_log_at_the_next_start() {
    let opened = FaultyDisk::default();
    let store = open(&opened);
    let stored = fill(&store);
    let end = store.end();
    store.0.maintain().unwrap();
    store.0.log.make_room().unwrap();
    assert_eq!(files(&opened), 2);
    drop(store);
    // Killed, no power, no power while the file was created.
    for (case, disk) in [
        opened.kill(),
        opened.crash(|| true),
        opened.crash(|| false),
        opened.kill(),
    ]
    .into_iter()
    .enumerate()
    {
        if case == 3 {
            disk.damage(segment(SEGMENT).as_ref(), Vec::clear);
        }

        let (store, report) = open_with(&disk, config(), &Clock::manual(1));

        assert_eq!(report.end, end, "case {case}");
        assert!(
            report.damaged.is_empty() && report.cut.is_none(),
            "{report:?}"
        );
        assert!(!report.rebuilt, "case {case}");
        assert_eq!(files(&disk), 1, "case {case}");
        for number in stored..stored + 10 {
            append(&store, "t", 0, &number.to_string());
        }
        assert_eq!(bodies(&store, "t", 0), numbers(stored + 10));
    }
}

/// The last used segment was refused as one in the middle of the log.
#[test]
fn a_shortened_segment_before_one_that_was_never_used_is_still_the_last() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let first = append(&store, "t", 0, "first");
    let second = append(&store, "t", 0, "second");
    store.0.log.make_room().unwrap();
    drop(store);
    let left = usize::try_from(second.physical_offset.0).unwrap() + 9;
    disk.damage(segment(0).as_ref(), |bytes| bytes.truncate(left));

    let store = open(&disk.kill());

    assert!(first.physical_offset < second.physical_offset);
    assert_eq!(bodies(&store, "t", 0), ["first"]);
    assert_eq!(
        append(&store, "t", 0, "next").physical_offset,
        second.physical_offset
    );
}

#[test]
fn closing_removes_the_segment_that_was_never_used_and_retention_leaves_the_last_used_one() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_000);
    let mut config = config();
    config.retention.keep = Duration::ZERO;
    config.retention.hours = (0..24).collect();
    let (store, _) = open_with(&disk, config, &clock);
    let stored = fill(&store);
    store.0.log.make_room().unwrap();

    store.expire().unwrap();
    assert_eq!(store.begin(), PhysicalOffset(0), "it is the only used one");
    assert_eq!(bodies(&store, "t", 0).len(), stored);
    store.close().unwrap();

    assert_eq!(files(&disk), 1);
    let (_, report) = open_with(&disk, super::config(), &clock);
    assert!(report.clean && report.walked == 0);
}
