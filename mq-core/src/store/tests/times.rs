//! Store times, when somebody moves the wall clock.
//!
//! A machine whose clock was 48 h ahead for one message stored every later one "in the future" until
//! the real time had passed the wrong one, over restarts too.

use std::time::Duration;

use super::*;

const NOW: i64 = 1_800_000_000_000;
const HOUR: i64 = 3_600_000;
/// Bytes that are more than a short record.
const LONG: u64 = 200;

fn stored_at(store: &MessageStore, clock: &Clock, wall_ms: i64) -> i64 {
    clock.set_wall(wall_ms);
    append(store, "t", 0, "x").store_timestamp
}

#[test]
fn store_times_stand_still_while_the_clock_catches_up_and_follow_one_that_was_wrong() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW);
    let (store, _) = open_with(&disk, config(), &clock);

    assert_eq!(stored_at(&store, &clock, NOW), NOW);
    assert_eq!(stored_at(&store, &clock, NOW - 10_000), NOW);
    assert_eq!(stored_at(&store, &clock, NOW + 48 * HOUR), NOW + 48 * HOUR);
    assert_eq!(stored_at(&store, &clock, NOW + 1), NOW + 1);

    assert_eq!(stored_at(&store, &clock, NOW + 48 * HOUR), NOW + 48 * HOUR);
    store.close().unwrap();
    clock.set_wall(NOW + 2);
    let (store, _) = open_with(&disk, config(), &clock);
    assert_eq!(stored_at(&store, &clock, NOW + 2), NOW + 2);
}

#[test]
fn a_delay_begins_when_it_is_and_is_the_same_when_the_queues_are_built_again() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW);
    let config = StoreConfig {
        delays: vec![Duration::from_mins(30)],
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &clock);
    append(&store, "t", 0, "x");
    clock.set_wall(NOW - 5_000);
    let mut delayed = draft(SCHEDULE_TOPIC, 0, "later");
    delayed.message.properties.set(property::DELAY, "1");

    let appended = finish(store.append(&delayed, Durability::AsConfigured)).unwrap();

    let due = |store: &MessageStore| {
        let queue = store.0.queues.find(SCHEDULE_TOPIC, 0).unwrap();
        queue.read(&*store.0.disk, 0, 1).unwrap()[0].tag
    };
    assert_eq!(appended.store_timestamp, NOW - 5_000);
    assert_eq!(due(&store), NOW - 5_000 + HOUR / 2);
    store.close().unwrap();
    disk.remove("/store/consumequeue".as_ref()).unwrap();
    let (store, report) = open_with(&disk, config, &clock);
    assert!(report.rebuilt);
    assert_eq!(due(&store), NOW - 5_000 + HOUR / 2);
}

#[test]
fn a_message_from_a_clock_that_was_ahead_leads_no_search_by_time_astray() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW);
    let (store, _) = open_with(&disk, config(), &clock);
    for n in 0..9 {
        // The search begins in the middle.
        let ahead = if n == 4 { 48 * HOUR } else { 0 };
        stored_at(&store, &clock, NOW + n * 100 + ahead);
    }
    let at = |time, boundary| store.offset_by_time("t", 0, time, boundary).unwrap().0;

    let times = [0, 301, 500, 600, 800, 900].map(|after| NOW + after);
    assert_eq!(times.map(|t| at(t, Boundary::Lower)), [0, 4, 4, 6, 8, 9]);
    assert_eq!(times.map(|t| at(t, Boundary::Upper)), [0, 3, 5, 6, 8, 8]);
}

#[test]
fn a_clock_that_was_ahead_keeps_no_segment_for_ever() {
    let clock = Clock::manual(NOW);
    let store = rolling(&clock);
    fill_segment(&store, &clock, NOW);
    begin_segment(&store, &clock, NOW + 100_000 * HOUR);
    fill_segment(&store, &clock, NOW + HOUR);

    pass(&clock, Duration::from_secs(72 * 60 * 60 - 1));
    store.expire().unwrap();
    assert_eq!(store.begin(), PhysicalOffset(0));
    pass(&clock, Duration::from_secs(1));
    store.expire().unwrap();

    assert_eq!(store.begin(), PhysicalOffset(SEGMENT));
}

/// A time server that was wrong for some seconds, at the hour of deletion, cost all old segments.
#[test]
fn a_clock_that_is_ahead_for_seconds_deletes_nothing_that_is_not_old() {
    // Segments of this run and of the one before; a run of which more than `keep` has passed.
    for (reopened, ran_for) in [(false, 0), (true, 0), (false, 96)] {
        let disk = FaultyDisk::default();
        let clock = Clock::manual(NOW);
        let (mut store, _) = open_with(&disk, rolling_config(), &clock);
        pass(&clock, Duration::from_hours(ran_for));
        let now_ms = clock.now_ms();
        fill_segment(&store, &clock, now_ms);
        begin_segment(&store, &clock, now_ms);
        pass(&clock, Duration::from_hours(1));
        if reopened {
            store.close().unwrap();
            (store, _) = open_with(&disk, rolling_config(), &clock);
        }
        pass(&clock, Duration::from_mins(71 * 60 - 1));

        let right = clock.now_ms();
        clock.set_wall(right + 120 * HOUR);
        store.expire().unwrap();
        assert_eq!(store.begin(), PhysicalOffset(0), "{reopened}, {ran_for} h");

        clock.set_wall(right);
        pass(&clock, Duration::from_mins(1));
        store.expire().unwrap();
        assert_eq!(store.begin(), PhysicalOffset(SEGMENT));
    }
}

#[test]
fn a_clock_that_was_behind_deletes_nothing_that_is_new() {
    let clock = Clock::manual(NOW);
    let store = rolling(&clock);
    fill_segment(&store, &clock, NOW);
    begin_segment(&store, &clock, 1_000);
    clock.set_wall(NOW + HOUR);

    store.expire().unwrap();

    assert_eq!(store.begin(), PhysicalOffset(0));
}

fn rolling_config() -> StoreConfig {
    StoreConfig {
        retention: Retention {
            hours: (0..24).collect(),
            ..Retention::default()
        },
        ..config()
    }
}

fn rolling(clock: &Clock) -> MessageStore {
    open_with(&FaultyDisk::default(), rolling_config(), clock).0
}

/// Time passes, for both clocks.
fn pass(clock: &Clock, time: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(clock.advance(time));
}

/// Stores until the segment is nearly full.
fn fill_segment(store: &MessageStore, clock: &Clock, wall_ms: i64) {
    while SEGMENT - store.end().0 % SEGMENT > LONG {
        stored_at(store, clock, wall_ms);
    }
}

/// Stores what finds no room in the segment.
fn begin_segment(store: &MessageStore, clock: &Clock, wall_ms: i64) {
    let until = (store.end().0 / SEGMENT + 1) * SEGMENT;
    clock.set_wall(wall_ms);
    append(store, "t", 0, &"x".repeat(usize::try_from(LONG).unwrap()));
    assert!(store.end().0 > until);
}

#[test]
fn a_key_is_found_by_the_time_of_its_message_although_the_index_began_when_the_clock_was_ahead() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW + 48 * HOUR);
    let indexed = StoreConfig {
        index: true,
        ..config()
    };
    let (store, _) = open_with(&disk, indexed, &clock);
    let keyed = |key: &str| {
        let mut draft = draft("t", 0, "x");
        draft.message.properties.set(property::KEYS, key);
        finish(store.append(&draft, Durability::AsConfigured)).unwrap();
    };
    keyed("ahead");
    clock.set_wall(NOW);
    keyed("right");
    store.0.maintain().unwrap();

    let found = |key, times| store.query_by_key("t", key, 10, times).unwrap().len();
    assert_eq!(found("right", NOW - HOUR..=NOW + HOUR), 1);
    assert_eq!(found("right", NOW + HOUR..=NOW + 100 * HOUR), 0);
    assert_eq!(found("ahead", NOW - HOUR..=NOW + HOUR), 0);
    assert_eq!(found("ahead", NOW + HOUR..=NOW + 100 * HOUR), 1);
}

#[test]
fn a_time_finds_its_message() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_000);
    let (store, _) = open_with(&disk, config(), &clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    for n in 0..5 {
        append(&store, "t", 0, &n.to_string());
        runtime.block_on(clock.advance(Duration::from_millis(100)));
    }
    let at = |time, boundary| store.offset_by_time("t", 0, time, boundary).unwrap().0;

    let lower: Vec<_> = [900, 1_000, 1_001, 1_400, 1_401]
        .map(|t| at(t, Boundary::Lower))
        .into();
    let upper: Vec<_> = [900, 1_000, 1_001, 1_400, 1_401]
        .map(|t| at(t, Boundary::Upper))
        .into();

    assert_eq!(lower, [0, 0, 1, 4, 5]);
    assert_eq!(upper, [0, 0, 0, 4, 4]);
}

#[test]
fn a_wall_clock_that_was_set_back_gives_no_earlier_store_time() {
    let disk = FaultyDisk::default();
    for (now_ms, stored_at) in [(9_000, 9_000), (1_000, 9_000), (9_500, 9_500)] {
        let (store, _) = open_with(&disk, config(), &Clock::manual(now_ms));
        let appended = append(&store, "orders", 0, "x");
        assert_eq!(appended.store_timestamp, stored_at);
        store.close().unwrap();
    }
}
