//! Reads that may wait for the disk keep no async thread waiting.

use std::sync::mpsc;
use std::thread;

use parking_lot::Mutex;

use super::*;

/// Polls once.
fn is_ready(future: impl Future) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    pin!(future).poll(&mut context).is_ready()
}

const LIMITS: ReadLimits = ReadLimits {
    messages: 10,
    bytes: 10_000,
};

#[tokio::test]
async fn what_was_just_written_is_read_in_place_and_what_is_in_files_on_another_thread() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let here = thread::current().id();
    let reads_here = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&reads_here);
    disk.set_slow_read(move || seen.lock().push(thread::current().id() == here));
    let (topic, all) = (TopicName::new("t".to_owned()).unwrap(), Filter::default());
    let read = || store.read_async(&topic, 0, QueueOffset(0), LIMITS, &all);
    append(&store, "t", 0, "a");
    assert!(is_ready(read()));
    assert!(reads_here.lock().drain(..).all(|here| here));

    store.0.maintain().unwrap();
    reads_here.lock().clear();

    assert_eq!(read().await.unwrap().count, 1);
    assert!(!reads_here.lock().is_empty());
    assert!(reads_here.lock().drain(..).all(|here| !here));
    let end = store.read_async(&topic, 0, QueueOffset(1), LIMITS, &all);
    assert!(is_ready(end), "there is nothing to read");
}

/// A backlog in the page cache took a hand-over between threads for every 32 messages.
#[tokio::test]
async fn what_is_in_the_page_cache_is_read_in_place() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..6 {
        append(&store, "t", n % 2, "a");
    }
    append(&store, "t", 0, "run");
    append(&store, "t", 0, "run");
    store.0.maintain().unwrap();
    disk.set_cached(true);
    let topic = TopicName::new("t".to_owned()).unwrap();
    let (all, others) = (Filter::default(), Filter::by_tags("other").unwrap());

    for (filter, count) in [(&all, 5), (&others, 0)] {
        let mut read = pin!(store.read_async(&topic, 0, QueueOffset(0), LIMITS, filter));
        let mut context = Context::from_waker(Waker::noop());
        let Poll::Ready(in_place) = read.as_mut().poll(&mut context) else {
            panic!("another thread reads");
        };
        let in_place = in_place.unwrap();

        assert_eq!(in_place.count, count);
        let read = store.read("t", 0, QueueOffset(0), LIMITS, filter).unwrap();
        assert_eq!(in_place, read);
    }
}

#[tokio::test]
async fn a_damaged_record_in_the_page_cache_is_left_to_the_thread_that_may_wait() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let bodies = ["a", "b", "c"];
    let appended = bodies.map(|body| append(&store, "t", 0, body));
    store.0.maintain().unwrap();
    disk.set_cached(true);
    let second = usize::try_from(appended[1].physical_offset.0).unwrap();
    disk.damage("/store/commitlog/00000000000000000000".as_ref(), |log| {
        log[second + 20] ^= 1;
    });
    let topic = TopicName::new("t".to_owned()).unwrap();
    let all = Filter::default();
    let here = thread::current().id();
    let is_read_elsewhere = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_read_elsewhere);
    disk.set_slow_read(move || {
        seen.fetch_or(thread::current().id() != here, Ordering::Relaxed);
    });

    // The answer before it is short: what comes next may have to wait.
    let read = |from| store.read_async(&topic, 0, QueueOffset(from), LIMITS, &all);
    let first = read(0).await.unwrap();
    assert_eq!((first.count, first.next), (1, QueueOffset(1)));
    assert!(!is_read_elsewhere.load(Ordering::Relaxed));

    let next = read(1).await.unwrap();

    assert_eq!((next.count, next.next), (1, QueueOffset(3)));
    assert!(is_read_elsewhere.load(Ordering::Relaxed));
}

/// One slow read once stopped every task of its thread.
#[tokio::test]
async fn while_a_cold_read_waits_for_the_disk_other_tasks_of_the_thread_go_on() {
    let store = open(&FaultyDisk::default());
    let (disk_is_ready, disk) = mpsc::channel();

    let cold = store.run_blocking(move |_| Ok(disk.recv().is_ok()));
    let other = async { disk_is_ready.send(()).unwrap() };

    let (read, ()) = tokio::join!(cold, other);
    assert!(read.unwrap());
}

#[tokio::test]
async fn cold_reads_that_fail_or_panic_give_their_turn_to_those_who_wait() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    store.0.maintain().unwrap();
    let (topic, all) = (TopicName::new("t".to_owned()).unwrap(), Filter::default());
    disk.set_fault(Some(Fault::Read));
    for _more_than_may_run_at_a_time in 0..10 {
        let failing = store.read_async(&topic, 0, QueueOffset(0), LIMITS, &all);
        let panicking =
            store.run_blocking(|_| -> Result<(), StoreError> { panic!("a broken read") });

        let (failed, panicked) = tokio::join!(failing, panicking);

        assert!(matches!(failed, Err(StoreError::Disk { .. })));
        assert!(matches!(panicked, Err(StoreError::Disk { .. })));
    }
    disk.set_fault(None);

    let read = store.read_async(&topic, 0, QueueOffset(0), LIMITS, &all);
    let read = Clock::system().timeout(Duration::from_mins(1), read).await;
    assert_eq!(read.unwrap().unwrap().count, 1);
}
