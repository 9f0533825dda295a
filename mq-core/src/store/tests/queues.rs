//! Entries of consume queues that were damaged while the store was closed.
//!
//! A bit that flipped in a consume queue once hid a message whose record was whole: the next one was
//! given, and the log spoke of a damaged record.

use super::*;

const ENTRY: usize = 20;
const FILE: &str = "/store/consumequeue/t/0/00000000000000000160";

/// The queue that is damaged, alone: its records lie one behind the other.
const ALONE: [(&str, i32); 1] = [("t", 0)];
/// Among others: none of its records lies behind another.
const AMONG_OTHERS: [(&str, i32); 3] = [("t", 0), ("t", 1), ("other", 0)];

/// Queues of 30 messages, closed in order.
fn closed(queues: &[(&str, i32)]) -> FaultyDisk {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..30 {
        for &(topic, queue_id) in queues {
            append(&store, topic, queue_id, &format!("{topic}-{queue_id}-{n}"));
        }
    }
    store.close().unwrap();
    disk
}

fn expected() -> Vec<String> {
    (0..30).map(|n| format!("t-0-{n}")).collect()
}

/// What happens to the entry that begins at a place of a queue file.
type Harm = fn(&mut Vec<u8>, usize);

const HARMS: [(&str, Harm); 9] = [
    ("offset, little", |file, at| file[at + 7] ^= 1),
    ("offset, far ahead", |file, at| file[at + 1] ^= 1),
    ("offset of a neighbor", |file, at| {
        file.copy_within(at + ENTRY..at + 2 * ENTRY, at);
    }),
    ("size, less", |file, at| file[at + 11] ^= 1),
    ("size, huge", |file, at| file[at + 8] ^= 0x40),
    ("tag, beyond a hash", |file, at| file[at + 14] ^= 1),
    ("tag", |file, at| file[at + 19] ^= 1),
    ("zeros", |file, at| file[at..at + ENTRY].fill(0)),
    ("noise to the end of the file", |file, at| {
        file[at..].fill(0xa5);
    }),
];

#[test]
fn a_damaged_entry_hides_no_message_and_is_written_again() {
    for queues in [&ALONE[..], &AMONG_OTHERS] {
        let clean = closed(queues);
        let before = clean.read(FILE.as_ref()).unwrap();
        for (what, harm) in HARMS {
            for entry in [0, 3, 6] {
                let disk = clean.kill();
                disk.damage(FILE.as_ref(), |file| harm(file, entry * ENTRY));

                let store = open(&disk);

                assert!(bodies(&store, "t", 0) == expected(), "{what}, {entry}");
                for (topic, queue_id) in queues {
                    assert_eq!(bodies(&store, topic, *queue_id).len(), 30);
                }
                store.close().unwrap();
                assert!(
                    disk.read(FILE.as_ref()).unwrap() == before,
                    "{what}, {entry}"
                );
            }
        }
    }
}

/// Each record of a pull was read by itself.
#[test]
fn records_that_lie_one_behind_the_other_are_read_at_once() {
    let reads = |queues| {
        let disk = closed(queues);
        let store = open(&disk);
        let limits = ReadLimits {
            messages: 8,
            bytes: 10_000,
        };
        let before = disk.reads();
        let read = store.read("t", 0, QueueOffset(8), limits, &Filter::default());
        assert_eq!(read.unwrap().count, 8);
        disk.reads() - before
    };

    assert!(reads(&ALONE) <= 3, "{}", reads(&ALONE));
    assert!(reads(&AMONG_OTHERS) >= 8);
}

#[test]
fn a_run_of_records_ends_at_the_limits_of_the_reader() {
    let store = open(&closed(&ALONE));
    let read = |messages, bytes| {
        let limits = ReadLimits { messages, bytes };
        let read = store.read("t", 0, QueueOffset(0), limits, &Filter::default());
        let read = read.unwrap();
        (read.count, read.next.0, read.records.len())
    };
    let (_, _, one) = read(1, 10_000);
    let (_, _, three) = read(3, 10_000);

    assert_eq!(read(5, 10_000).0, 5);
    assert_eq!(read(5, three), (3, 3, three));
    assert_eq!(read(5, three - 1).0, 2);
    assert_eq!(read(5, one), (1, 1, one));
    assert_eq!(read(5, 1), (1, 1, one));
}

#[test]
fn a_reader_of_one_tag_gets_the_message_whose_entry_was_damaged() {
    let clean = closed(&AMONG_OTHERS);
    let wanted = Filter::by_tags("tag").unwrap();
    for (what, harm) in HARMS.into_iter().filter(|(what, _)| *what != "tag") {
        let disk = clean.kill();
        disk.damage(FILE.as_ref(), |file| harm(file, 3 * ENTRY));
        let store = open(&disk);

        let (mut next, mut count) = (QueueOffset(8), 0_usize);
        while next < QueueOffset(16) {
            let limits = ReadLimits {
                messages: 8,
                bytes: 10_000,
            };
            let read = store.read("t", 0, next, limits, &wanted);
            let read = read.unwrap();
            next = read.next;
            count += read.count;
        }

        assert_eq!(count as u64, next.0 - 8, "{what}");
    }
}

#[test]
fn times_are_those_of_the_messages_although_their_entries_were_damaged() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_000);
    let (store, _) = open_with(&disk, config(), &clock);
    for n in 0..30 {
        clock.set_wall(1_000 + n * 100);
        append(&store, "other", 0, "x");
        append(&store, "t", 0, "x");
    }
    store.close().unwrap();
    for (what, harm) in HARMS {
        let damaged = disk.kill();
        damaged.damage(FILE.as_ref(), |file| harm(file, 3 * ENTRY));
        let (store, _) = open_with(&damaged, config(), &clock);

        let time = store.store_time("t", 0, QueueOffset(11)).unwrap();

        assert_eq!(time, Some(2_100), "{what}");
    }
}

/// The walk over the entries of a queue ended at the damaged one, and what lay behind it and before
/// the mark was neither in the queue nor read from the log again.
#[test]
fn a_damaged_entry_costs_no_message_after_a_kill_either() {
    for (what, harm) in HARMS {
        for entry in [0, 3, 6] {
            let disk = closed(&AMONG_OTHERS);
            let store = open(&disk);
            append(&store, "t", 0, "last");
            store.0.maintain().unwrap();
            let killed = disk.kill();
            killed.damage(FILE.as_ref(), |file| harm(file, entry * ENTRY));
            // The file in which the search for the end of the queue begins.
            let last = "/store/consumequeue/t/0/00000000000000000480";
            killed.damage(last.as_ref(), |file| harm(file, entry * ENTRY));

            let (store, report) = open_with(&killed, config(), &Clock::manual(1));

            let mut all = expected();
            all.push("last".to_owned());
            assert!(bodies(&store, "t", 0) == all, "{what}, {entry}");
            assert!(report.damaged.is_empty(), "{what}, {entry}");
        }
    }
}

#[test]
fn the_last_entry_may_be_damaged_when_the_store_was_closed() {
    let clean = closed(&AMONG_OTHERS);
    let last = "/store/consumequeue/other/0/00000000000000000480";
    for (what, harm) in HARMS {
        let disk = clean.kill();
        disk.damage(last.as_ref(), |file| harm(file, 5 * ENTRY));

        let (store, report) = open_with(&disk, config(), &Clock::manual(1));

        assert_eq!(bodies(&store, "other", 0).len(), 30, "{what}");
        assert!(report.damaged.is_empty(), "{what}");
        let next = append(&store, "other", 0, "next").queue_offset;
        assert_eq!(next, QueueOffset(30), "{what}");
    }
}

/// The first message that is still there is searched for by halves; where that met a damaged entry
/// it took all before it for gone.
#[test]
fn the_beginning_of_a_queue_is_found_past_a_damaged_entry() {
    let disk = FaultyDisk::default();
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    store.expire().unwrap();
    store.close().unwrap();
    let min = store.min_offset("t", 0).0;
    assert!(min > 0 && min < 98);
    let kept: Vec<_> = (min..100).map(|n| n.to_string()).collect();
    for index in min + 1..99 {
        let damaged = disk.kill();
        let file = format!("/store/consumequeue/t/0/{:020}", index / 8 * 160);
        let at = usize::try_from(index % 8 * 20).unwrap();
        damaged.damage(file.as_ref(), |file| file[at..at + 8].fill(0));

        let (store, _) = open_with(&damaged, config.clone(), &Clock::manual(1));

        assert_eq!(bodies(&store, "t", 0), kept, "{index}");
    }
}

#[test]
fn a_queue_whose_messages_have_all_expired_is_not_taken_for_a_damaged_one() {
    let disk = FaultyDisk::default();
    let mut config = config();
    config.retention = Retention {
        hours: (0..24).collect(),
        keep: Duration::ZERO,
        ..Retention::default()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
    append(&store, "quiet", 0, "alone");
    for n in 0..100 {
        append(&store, "t", 0, &format!("{n}"));
    }
    store.expire().unwrap();
    assert_eq!(store.min_offset("quiet", 0), QueueOffset(1));
    store.close().unwrap();

    let (store, report) = open_with(&disk, config, &Clock::manual(1));

    assert!(!report.rebuilt && report.walked == 0);
    assert_eq!(append(&store, "quiet", 0, "x").queue_offset, QueueOffset(1));
}

/// Searched for once: the log is not walked again at every read.
#[test]
fn a_message_whose_record_is_damaged_is_passed_over_and_its_entry_stays() {
    let disk = closed(&AMONG_OTHERS);
    let before = disk.read(FILE.as_ref()).unwrap();
    let store = open(&disk);
    let queue = store.0.queues.find("t", 0).unwrap();
    let entry = queue.read(&disk, 11, 1).unwrap()[0];
    let base = entry.offset / SEGMENT * SEGMENT;
    let at = usize::try_from(entry.offset - base).unwrap() + 88;
    disk.damage(segment(base).as_ref(), |bytes| bytes[at] ^= 1);

    for _ in 0..2 {
        let left = bodies(&store, "t", 0);

        assert_eq!(left.len(), 29);
        assert!(!left.contains(&"t-0-11".to_owned()));
        assert!(queue.lost().len() == 1 && queue.lost()[0] == (11..12));
    }
    store.close().unwrap();
    assert!(disk.read(FILE.as_ref()).unwrap() == before);
}

/// Zeros look like the end of the queue: the numbers behind them would be given twice, and messages
/// whose numbers are right be set aside.
#[test]
fn entries_that_became_zeros_are_built_again_from_the_log_after_a_kill() {
    for goes_on in [false, true] {
        let disk = closed(&AMONG_OTHERS);
        let store = open(&disk);
        if goes_on {
            append(&store, "t", 0, "last");
        }
        let killed = disk.kill();
        let last = "/store/consumequeue/t/0/00000000000000000480";
        killed.damage(last.as_ref(), |file| file[2 * ENTRY..].fill(0));

        let (store, report) = open_with(&killed, config(), &Clock::manual(1));

        let mut all = expected();
        all.extend(goes_on.then(|| "last".to_owned()));
        assert_eq!(bodies(&store, "t", 0), all, "goes on: {goes_on}");
        assert!(report.damaged.is_empty() && report.rebuilt);
        let next = append(&store, "t", 0, "next").queue_offset;
        assert_eq!(next.0, all.len() as u64);
    }
}

#[test]
fn entries_are_shown_as_they_are_over_the_ends_of_files() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let appended: Vec<_> = (0..20)
        .map(|n| append(&store, "t", 0, &n.to_string()))
        .collect();
    // With eight entries in a file, two files are full.
    store.0.maintain().unwrap();
    let entries = |first, most| {
        let entries = store.queue_entries("t", 0, QueueOffset(first), most);
        let entries = entries.unwrap().into_iter();
        entries.map(|entry| entry.offset).collect::<Vec<_>>()
    };
    let stored = |range: std::ops::Range<usize>| {
        let stored = appended[range].iter();
        stored
            .map(|stored| stored.physical_offset)
            .collect::<Vec<_>>()
    };

    assert_eq!(entries(0, 100), stored(0..20));
    assert_eq!(entries(6, 4), stored(6..10));
    assert_eq!(entries(20, 4), []);
    assert_eq!(entries(0, 0), []);
    assert!(store.has_queue("t", 0) && !store.has_queue("t", 1));
}
