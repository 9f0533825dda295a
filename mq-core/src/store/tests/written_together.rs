//! What the appends of one group share, and what they do not.

use super::*;
use crate::store::AppendError;

fn begin(store: &MessageStore, body: &str) -> Append<Appended> {
    store.append(&draft("t", 0, body), Durability::AsConfigured)
}

#[test]
fn appends_that_were_begun_together_are_written_with_one_write_and_one_sync_in_their_order() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let before = disk.changes();

    let all: Vec<_> = (0..5).map(|n| begin(&store, &n.to_string())).collect();
    let offsets: Vec<_> = all
        .into_iter()
        .rev()
        .map(|append| finish(append).unwrap().queue_offset.0)
        .collect();

    assert_eq!(offsets, [5, 4, 3, 2, 1]);
    assert_eq!(disk.changes() - before, 2, "one write and one sync");
    assert_eq!(bodies(&store, "t", 0), ["first", "0", "1", "2", "3", "4"]);
}

#[test]
fn an_append_that_is_refused_refuses_none_that_was_begun_with_it() {
    let store = open(&FaultyDisk::default());
    let with_zero = {
        let mut draft = draft("t", 0, "zero");
        draft.message.properties.set("a", "b\0");
        draft
    };
    let longer_than_a_segment = "x".repeat(usize::try_from(SEGMENT).unwrap());

    let before = begin(&store, "before");
    let refused = store.append(&with_zero, Durability::AsConfigured);
    let too_long = begin(&store, &longer_than_a_segment);
    let behind = begin(&store, "behind");

    let refused = finish(refused);
    assert!(
        matches!(refused, Err(AppendError::Illegal(_))),
        "{refused:?}"
    );
    let too_long = finish(too_long);
    assert!(
        matches!(too_long, Err(AppendError::Illegal(_))),
        "{too_long:?}"
    );
    assert_eq!(finish(before).unwrap().queue_offset.0, 0);
    assert_eq!(finish(behind).unwrap().queue_offset.0, 1);
    assert_eq!(bodies(&store, "t", 0), ["before", "behind"]);
}

#[test]
fn a_group_that_is_longer_than_the_rest_of_the_segment_goes_on_in_the_next() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let all: Vec<_> = (0..60)
        .map(|n| begin(&store, &format!("{n:0100}")))
        .collect();

    let ends: Vec<_> = all
        .into_iter()
        .map(|append| finish(append).unwrap().physical_offset.0)
        .collect();

    assert!(ends.is_sorted());
    assert!(*ends.last().unwrap() > 2 * SEGMENT);
    let expected: Vec<_> = (0..60).map(|n| format!("{n:0100}")).collect();
    assert_eq!(bodies(&store, "t", 0), expected);
    drop(store);
    assert_eq!(bodies(&open(&disk.crash(|| true)), "t", 0), expected);
}

/// Its caller gave up; the message was begun, and what was begun before another is stored before it.
#[test]
fn an_append_that_is_dropped_is_written_all_the_same() {
    let store = open(&FaultyDisk::default());

    let given_up = begin(&store, "a");
    let other = begin(&store, "b");
    drop(given_up);
    finish(other).unwrap();
    drop(begin(&store, "c"));

    store.0.sync_log().unwrap();
    assert_eq!(bodies(&store, "t", 0), ["a", "b", "c"]);
}

#[test]
fn on_a_full_disk_each_append_of_a_group_is_refused() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "before");
    let all: Vec<_> = (0..3).map(|n| begin(&store, &n.to_string())).collect();
    disk.set_fault(Some(Fault::Full));

    for append in all {
        let refused = finish(append);
        assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
    }
    disk.set_fault(None);

    assert_eq!(append(&store, "t", 0, "after").queue_offset.0, 1);
    assert_eq!(bodies(&store, "t", 0), ["before", "after"]);
}

/// Whole records of a group lay behind the end of the log: the next start served them, although their
/// senders had been told that the disk was full.
#[test]
fn what_a_disk_that_became_full_took_of_a_group_does_not_come_back() {
    type End = fn(&FaultyDisk, &MessageStore) -> FaultyDisk;
    let closed: End = |disk, store| {
        store.close().unwrap();
        disk.kill()
    };
    let ends: [End; 3] = [closed, |disk, _| disk.kill(), |disk, _| disk.crash(|| true)];
    for (case, end) in ends.into_iter().enumerate() {
        // As long as the first of the refused ones, and shorter.
        for last in ["6", ""] {
            let disk = FaultyDisk::default();
            let store = open(&disk);
            append(&store, "t", 0, "before");
            let all: Vec<_> = (0..6).map(|n| begin(&store, &n.to_string())).collect();
            disk.set_fault(Some(Fault::FullMidway));
            for append in all {
                let refused = finish(append);
                assert!(matches!(refused, Err(AppendError::Full)), "{refused:?}");
            }
            disk.set_fault(None);
            append(&store, "t", 0, last);

            let disk = end(&disk, &store);
            drop(store);

            let (store, report) = open_with(&disk, config(), &Clock::manual(1_000));
            assert_eq!(bodies(&store, "t", 0), ["before", last], "case {case}");
            assert!(report.damaged.is_empty(), "case {case}: {report:?}");
        }
    }
}

/// What was logged on a full disk whose log file found no room either was a panic in the middle of an
/// append. Its record was in the log, and an acknowledged message got its queue offset: the next start set
/// that one aside.
#[test]
fn a_write_that_panics_refuses_its_group_and_closes_the_store_for_writing() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "before");
    let all: Vec<_> = (0..3).map(|n| begin(&store, &n.to_string())).collect();
    let panics = AtomicBool::new(true);
    disk.set_slow_write(move || assert!(!panics.swap(false, Ordering::Relaxed), "as asked"));

    for append in all.into_iter().chain([begin(&store, "behind")]) {
        let refused = finish(append);
        assert!(
            matches!(refused, Err(AppendError::Failed(_))),
            "{refused:?}"
        );
    }

    assert!(matches!(
        finish(begin(&store, "later")),
        Err(AppendError::Failed(_))
    ));
    store.close().unwrap_err();
    drop(store);
    let store = open(&disk.kill());
    assert_eq!(append(&store, "t", 0, "after").queue_offset.0, 1);
    assert_eq!(bodies(&store, "t", 0), ["before", "after"]);
}

/// The members of a group that another thread writes wait for it and write nothing again.
#[test]
fn groups_of_several_threads_lose_nothing_and_store_nothing_twice() {
    let store = open(&FaultyDisk::default());

    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..50 {
                    let body = |n: i32| format!("{thread}-{round}-{n}");
                    let drafts: Vec<_> = (0..3).map(|n| draft("t", thread, &body(n))).collect();
                    let all: Vec<_> = drafts
                        .iter()
                        .map(|draft| store.append(draft, Durability::AsConfigured))
                        .collect();
                    for append in all {
                        finish(append).unwrap();
                    }
                }
            });
        }
    });

    for thread in 0..4 {
        let expected: Vec<_> = (0..50)
            .flat_map(|round| (0..3).map(move |n| format!("{thread}-{round}-{n}")))
            .collect();
        assert_eq!(bodies(&store, "t", thread), expected);
    }
}
