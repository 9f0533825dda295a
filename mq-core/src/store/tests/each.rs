//! Messages that are appended each by itself.

use super::*;
use crate::store::AppendError;

fn drafts(bodies: &[&str]) -> Vec<RecordDraft> {
    bodies.iter().map(|body| draft("t", 0, body)).collect()
}

fn queue_offsets(outcomes: Vec<Result<Appended, AppendError>>) -> Vec<u64> {
    let offset = |outcome: Result<Appended, AppendError>| outcome.unwrap().queue_offset.0;
    outcomes.into_iter().map(offset).collect()
}

#[test]
fn they_share_one_write_and_one_sync_with_all_that_was_begun_before() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let changes = disk.changes();

    let alone = store.append(&draft("t", 0, "alone"), Durability::AsConfigured);
    let each = store.append_each(&drafts(&["a", "b"]));
    let more = store.append_each(&drafts(&["c"]));

    assert_eq!(queue_offsets(finish(more)), [4]);
    assert_eq!(queue_offsets(finish(each)), [2, 3]);
    assert_eq!(finish(alone).unwrap().queue_offset.0, 1);
    assert_eq!(disk.changes() - changes, 2, "one write and one sync");
    assert_eq!(bodies(&store, "t", 0), ["first", "alone", "a", "b", "c"]);
    assert!(finish(store.append_each(&[])).is_empty());
}

#[test]
fn one_that_is_refused_refuses_no_other() {
    let store = open(&FaultyDisk::default());
    let longer_than_a_segment = "x".repeat(usize::try_from(SEGMENT).unwrap());
    let mut all = drafts(&["a", "zero", &longer_than_a_segment, "b"]);
    all[1].message.properties.set("p", "\0");

    let outcomes = finish(store.append_each(&all));

    let illegal = |outcome: &Result<_, _>| matches!(outcome, Err(AppendError::Illegal(_)));
    let refused: Vec<_> = outcomes.iter().map(illegal).collect();
    assert_eq!(refused, [false, true, true, false]);
    assert_eq!(bodies(&store, "t", 0), ["a", "b"]);
}

#[test]
fn they_go_on_in_the_next_segment() {
    let store = open(&FaultyDisk::default());
    let texts: Vec<_> = (0..60).map(|n| format!("{n:0100}")).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();

    let outcomes = finish(store.append_each(&drafts(&texts)));

    let last = outcomes.last().unwrap().as_ref().unwrap();
    assert!(last.physical_offset.0 > 2 * SEGMENT);
    assert_eq!(bodies(&store, "t", 0), texts);
}

#[test]
fn on_a_full_disk_each_is_refused_and_the_next_are_not() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let full = store.append_each(&drafts(&["a", "b"]));
    disk.set_fault(Some(Fault::Full));

    let outcomes = finish(full);
    disk.set_fault(None);

    let is_full = |outcome: &Result<_, _>| matches!(outcome, Err(AppendError::Full));
    assert!(outcomes.len() == 2 && outcomes.iter().all(is_full));
    assert_eq!(
        queue_offsets(finish(store.append_each(&drafts(&["c"])))),
        [0]
    );
}

#[test]
fn what_a_failed_sync_leaves_open_is_acknowledged_to_nobody() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let each = store.append_each(&drafts(&["a", "b"]));
    disk.set_fault(Some(Fault::Sync));

    let outcomes = finish(each);

    assert!(outcomes.len() == 2 && outcomes.iter().all(Result::is_err));
}

/// Its caller gave up; the messages were begun, and what was begun before others is stored before them.
#[test]
fn they_are_written_although_nobody_waits() {
    let store = open(&FaultyDisk::default());

    let given_up = store.append_each(&drafts(&["a", "b"]));
    let other = store.append_each(&drafts(&["c"]));
    drop(given_up);
    assert_eq!(queue_offsets(finish(other)), [2]);
    drop(store.append_each(&drafts(&["d"])));

    store.0.sync_log().unwrap();
    assert_eq!(bodies(&store, "t", 0), ["a", "b", "c", "d"]);
}
