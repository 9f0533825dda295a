//! What is taken from the table, and what its progress says.

use super::*;

fn timer(due_ms: i64, offset: u64) -> Timer {
    Timer {
        due_ms,
        offset,
        cancels: false,
    }
}

/// A loaded table with messages of these times, from queue offset 0 on.
fn table(tags: &[i64]) -> TimerTable {
    let table = TimerTable::default();
    for (offset, tag) in (0..).zip(tags) {
        table.arrived(offset, *tag);
    }
    table.say_loaded();
    table
}

fn offsets(timers: &[Timer]) -> Vec<u64> {
    timers.iter().map(|timer| timer.offset).collect()
}

#[test]
fn what_is_due_comes_in_the_order_of_its_time_and_not_a_millisecond_early() {
    let table = table(&[5_001, 4_999, 5_000, 9_000, 5_000]);

    let due = table.take(4_998, 9);
    assert_eq!((offsets(&due.timers), due.next_ms), (vec![], Some(4_999)));
    assert_eq!(offsets(&table.take(5_000, 9).timers), [1, 2, 4]);
    assert_eq!(table.take(5_000, 9).next_ms, Some(5_001));
    assert_eq!(offsets(&table.take(8_000, 9).timers), [0]);
    assert_eq!(table.take(8_000, 9).next_ms, Some(9_000));
    assert_eq!(offsets(&table.take(10_000, 9).timers), [3]);
    assert_eq!(table.take(10_000, 9).next_ms, None);
}

#[test]
fn when_much_is_due_neighbors_come_together_and_nothing_is_early() {
    let table = table(&[5_030, 5_010, 5_040, 5_020, 5_900, 5_000]);

    let first = table.take(5_100, 2).timers;
    assert_eq!(offsets(&first), [0, 1]);
    table.arrived(6, 5_050);
    assert!(table.has_before(3) && table.count() == 7);
    assert_eq!(offsets(&table.take(5_100, 2).timers), [2, 3]);
    assert_eq!(offsets(&table.take(5_100, 2).timers), [5]);
    assert_eq!(offsets(&table.take(5_100, 2).timers), [6]);
    assert_eq!(table.take(5_100, 2).next_ms, Some(5_900));
}

/// Its batch had bytes enough without it.
#[test]
fn what_is_given_back_is_the_first_to_be_taken_again() {
    let table = table(&[5_000, 5_001, 5_002, 5_003]);
    let taken = table.take(6_000, 3).timers;
    table.settle(&taken[..1]);

    table.give_back(&taken[1..]);

    assert!(table.has_before(2) && table.count() == 3);
    assert_eq!(offsets(&table.take(6_000, 2).timers), [1, 2]);
    assert_eq!(offsets(&table.take(6_000, 2).timers), [3]);
}

#[test]
fn a_message_that_comes_late_into_its_second_is_taken_in_turn() {
    let table = table(&[5_900, 5_100]);
    assert_eq!(offsets(&table.take(5_100, 9).timers), [1]);

    table.arrived(2, 5_500);
    table.arrived(3, 5_050);

    assert_eq!(offsets(&table.take(5_500, 9).timers), [3, 2]);
    assert_eq!(offsets(&table.take(6_000, 9).timers), [0]);
}

#[tokio::test]
async fn only_what_is_due_earlier_ends_the_sleep() {
    let table = table(&[5_000]);
    table.take(0, 9);
    let news = || {
        use futures_util::FutureExt as _;
        table.news.notified().now_or_never().is_some()
    };
    news();

    table.arrived(1, 6_000);
    assert!(!news());
    table.arrived(2, 4_999);
    assert!(news());
}

#[test]
fn what_was_delivered_is_told_from_what_waits() {
    let table = table(&[7_000, 1_000, 2_000, 3_000]);
    let taken = table.take(2_000, 9).timers;
    table.settle(&taken);

    let progress = table.progress().unwrap();

    let waits = |offset, due_ms| progress.is_pending(offset, due_ms);
    assert_eq!([waits(0, 7_000), waits(3, 3_000)], [true, true]);
    assert_eq!([waits(1, 1_000), waits(2, 2_000)], [false, false]);
    assert!(
        waits(4, 1_500),
        "one that comes later waits, whatever its time"
    );
    assert!(table.progress().is_none(), "nothing changed");
}

/// The order in which messages are delivered is not always that of their times: one waits for its
/// topic, or the clock was set back.
#[test]
fn what_is_late_while_later_ones_were_delivered_is_listed() {
    let table = table(&[1_000, 2_000, 3_000]);
    let taken = table.take(3_000, 9).timers;
    let [first, second, third] = taken[..] else {
        panic!("{taken:?}")
    };
    table.hold(&TopicName::new("away").unwrap(), first);
    table.put_back(&[second]);
    table.settle(&[third]);
    table.arrived(3, 500);

    let progress = table.progress().unwrap();

    assert_eq!((progress.least, progress.end), (0, 4));
    assert_eq!(progress.waiting, [0, 1, 3]);
    let waits = |offset, due_ms| progress.is_pending(offset, due_ms);
    assert_eq!(
        [waits(0, 1_000), waits(1, 2_000), waits(2, 3_000)],
        [true, true, false]
    );
    assert!(waits(3, 500));
}

#[test]
fn what_lies_before_an_offset_is_taken_oldest_first_whatever_it_waits_for() {
    let table = table(&[9_000, -9_000, 1_000, 9_000, 9_000]);
    let due = table.take(1_000, 9).timers;
    table.hold(&TopicName::new("away").unwrap(), due[0]);

    assert!(table.has_before(1) && !table.has_before(0));
    assert_eq!(offsets(&table.take_oldest(4, 2)), [0, 1]);
    assert!(
        table.take_oldest(4, 9).is_empty(),
        "what is older is on its way"
    );
    let cancel = Timer {
        cancels: true,
        ..timer(9_000, 1)
    };
    table.forget(&[timer(9_000, 0), cancel], 5);
    let held = table.take_oldest(4, 9);
    assert_eq!(offsets(&held), [2, 3]);
    table.forget(&held, 5);

    assert!(!table.has_before(4) && table.has_before(5));
    let progress = table.progress().unwrap();
    assert_eq!(progress.least, 4);
    assert!(!progress.is_pending(3, 9_000), "it was stored again");
    assert_eq!(table.count(), 1);
}

/// Regression: a message that was called back was delivered, because what had cancelled it was being
/// stored again, or was dropped while the message was.
#[test]
fn what_is_stored_again_stays_cancelled() {
    let table = table(&[1_000, -1_000]);
    let taken = table.take_oldest(2, 9);

    assert_eq!(offsets(&table.take_cancels(3_000)), [1]);
    assert!(!table.drop_cancels(9_000), "the message is on its way");
    assert_eq!(table.progress().unwrap().least, 0);
    table.forget(&taken, 4);
    assert!(!table.drop_cancels(9_000), "the copy is to come");
    table.arrived(2, 1_000);
    table.arrived(3, -1_000);

    assert_eq!(offsets(&table.take_cancels(9_000)), [3]);
    let due = table.take(9_000, 9).timers;
    assert!(!table.drop_cancels(9_000), "the copy is being delivered");
    table.settle(&due);
    assert!(table.drop_cancels(9_000));
    assert!(!table.has_before(4));
}

#[test]
fn a_cancel_that_could_not_be_stored_again_is_there_once() {
    let table = table(&[-1_000]);
    let taken = table.take_oldest(1, 9);
    table.put_back(&taken);

    assert_eq!(offsets(&table.take_cancels(1_000)), [0]);
}

/// Regression: what came while Apache's wheel was taken over was delivered again after an end in
/// order, because the queue was said to end before it.
#[test]
fn what_came_before_the_begin_is_in_the_progress() {
    let table = TimerTable::default();
    table.arrived(7, 1_000);
    table.begin(&TimerProgress::default(), 7);
    table.say_loaded();

    let due = table.take(1_000, 9).timers;
    table.settle(&due);

    assert!(!table.progress().unwrap().is_pending(7, 1_000));
}

#[test]
fn cancels_are_given_once_and_stay_until_nothing_is_left_to_cancel() {
    let table = table(&[-5_500, -8_000]);

    let cancels = table.take_cancels(6_000);
    assert_eq!(offsets(&cancels), [0]);
    assert!(table.take_cancels(6_000).is_empty());
    table.put_cancels_back(&cancels);
    assert_eq!(table.take_cancels(6_000), cancels);

    assert!(table.has_before(1));
    assert!(table.drop_cancels(5_000));
    assert!(table.has_before(1));
    assert!(table.drop_cancels(6_000));
    assert!(!table.has_before(1));
    assert_eq!(offsets(&table.take_cancels(9_000)), [1]);
}
