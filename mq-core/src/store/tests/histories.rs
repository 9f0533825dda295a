//! Random histories of a store, compared with what was acknowledged.

use super::*;

/// One history: random appends, syncs, maintenance, retention, deletions, crashes and clean ends,
/// compared with what was acknowledged. After a clean end nothing is built again.
fn history(seed: u64) {
    history_with(seed, Flush::Sync);
}

/// Without a loss of power where messages are acknowledged before they are synced.
fn history_with(seed: u64, flush: Flush) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let clock = Clock::manual(1_000);
    let mut disk = FaultyDisk::default();
    let mut config = config();
    config.flush = flush;
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (mut store, _) = open_with(&disk, config.clone(), &clock);
    // What must be there: topic and queue → number → body.
    let mut acknowledged: BTreeMap<(String, i32), BTreeMap<u64, String>> = BTreeMap::new();
    for step in 0..random.below(60) + 10 {
        let topic = format!("t{}", random.below(2));
        let queue_id = i32::try_from(random.below(2)).unwrap();
        let action = random.below(100);
        match action {
            0..=69 => {
                let size = usize::try_from(random.below(400)).unwrap();
                let body = format!("{step}-{}", "x".repeat(size));
                let waiting =
                    store.append(&draft(&topic, queue_id, &body), Durability::AsConfigured);
                if random.below(4) > 0 {
                    let appended = finish(waiting).unwrap();
                    let queue = acknowledged.entry((topic, queue_id)).or_default();
                    let doubled = queue.insert(appended.queue_offset.0, body);
                    assert!(doubled.is_none(), "seed {seed}: a number was given twice");
                }
            }
            70..=75 => store.0.maintain().unwrap(),
            76 => maintain_and_sync(&store),
            77 => store.0.log.make_room().unwrap(),
            78..=81 => store.expire().unwrap(),
            82..=84 => {
                store.delete_topic(&topic).unwrap();
                acknowledged.retain(|(name, _), _| *name != topic);
            }
            85..=92 => {
                drop(store);
                disk = match random.below(2) {
                    1 if flush == Flush::Sync => disk.crash(|| random.below(2) == 0),
                    _ => disk.kill(),
                };
                (store, _) = open_with(&disk, config.clone(), &clock);
            }
            _ => {
                let has_queues = !store.0.queues.all().is_empty();
                store.close().unwrap();
                drop(store);
                let (opened, report) = open_with(&disk, config.clone(), &clock);
                // Without any queue it is not known whether the log has messages for some.
                let built_again = report.rebuilt && has_queues;
                assert!(report.clean && !built_again, "seed {seed}: {report:?}");
                store = opened;
            }
        }
        if action >= 78 {
            check(&store, &acknowledged, seed);
        }
    }
    check(&store, &acknowledged, seed);
}

fn check(
    store: &MessageStore,
    acknowledged: &BTreeMap<(String, i32), BTreeMap<u64, String>>,
    seed: u64,
) {
    for ((topic, queue_id), expected) in acknowledged {
        let found: BTreeMap<u64, String> = read_all(store, topic, *queue_id)
            .into_iter()
            .map(|message| {
                let body = String::from_utf8(message.message.body.to_vec()).unwrap();
                (message.queue_offset.0, body)
            })
            .collect();
        let min = store.min_offset(topic, *queue_id).0;
        for (number, body) in expected.range(min..) {
            assert_eq!(
                found.get(number),
                Some(body),
                "seed {seed}: {topic}/{queue_id} {number}"
            );
        }
        let next = expected.keys().last().map_or(0, |last| last + 1);
        assert!(
            store.max_offset(topic, *queue_id).0 >= next,
            "seed {seed}: {topic}/{queue_id}"
        );
    }
}

/// Retention wrote down the number of a message that was not on disk yet. The crash took the
/// message, the number stayed, and the gap before the next message made the following start set
/// that one aside.
#[test]
fn a_number_that_a_crash_took_back_is_given_again() {
    history(4_617);
}

/// The messages of a queue had expired between the mark of the queues and the log's beginning, and
/// with them a number that was in no file. The next message had the right number, and behind a newer
/// mark the following start took it for wrong.
#[test]
fn a_queue_that_expired_ahead_of_its_file_keeps_what_comes_after() {
    history(1_212);
}

/// The process was killed after retention, whose snapshot knew of queue offsets that the queue's file had
/// not. Nothing was appended to the queue, so that after a clean end its file ended too early still, and
/// the next start built all queues again.
#[test]
fn a_queue_that_expired_ahead_of_its_file_is_complete_after_a_clean_end() {
    history(224);
}

#[test]
fn ten_thousand_histories_lose_nothing_that_was_acknowledged() {
    (0..10_000).for_each(history);
}

#[test]
fn a_thousand_histories_of_the_fast_mode_lose_nothing_and_build_nothing_again() {
    let flush = Flush::Interval {
        every: Duration::from_hours(1),
        bytes: u64::MAX,
    };
    (0..1_000).for_each(|seed| history_with(seed, flush));
}
