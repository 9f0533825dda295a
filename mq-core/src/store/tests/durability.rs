//! What "stored" promises: syncs, those who wait for them, and disks that refuse.

use super::*;

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
fn a_failed_sync_fails_all_who_wait_and_closes_the_store_for_writing() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "before");
    disk.set_fault(Some(Fault::Sync));

    let failed = finish(store.append(&draft("t", 0, "lost"), Durability::AsConfigured));
    assert!(matches!(&failed, Err(AppendError::Failed(_))));
    assert_eq!(
        failed.unwrap_err().to_string(),
        "the store takes no more writes: could not sync \
         `/store/commitlog/00000000000000000000`: the disk cannot sync"
    );

    disk.set_fault(None);
    let later = finish(store.append(&draft("t", 0, "later"), Durability::AsConfigured));
    assert!(matches!(later, Err(AppendError::Failed(_))));
    assert_eq!(bodies(&store, "t", 0), ["before"]);
}

/// The second poll said that the store takes no more writes.
#[test]
#[should_panic(expected = "`Append` polled after completion")]
fn an_append_that_is_polled_after_it_completed_panics_as_futures_do() {
    let store = open(&FaultyDisk::default());
    let mut append = pin!(store.append(&draft("t", 0, "a"), Durability::Written));
    finish(append.as_mut()).unwrap();

    drop(finish(append.as_mut()));
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "a");
    disk.set_fault(Some(Fault::Full));

    let refused = finish(store.append(&draft("t", 0, "b"), Durability::AsConfigured));
    assert!(matches!(refused, Err(AppendError::Full)));
    assert_eq!(bodies(&store, "t", 0), ["a"]);

    disk.set_fault(None);
    append(&store, "t", 0, "c");
    assert_eq!(bodies(&store, "t", 0), ["a", "c"]);
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
