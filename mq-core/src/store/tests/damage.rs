//! Bits that flip and sectors that are missing where the mark does not say what was on disk.

use super::*;

const SECTOR: usize = 512;

/// A disk as a loss of power leaves it when no mark was saved since the store was opened.
fn without_mark(disk: &FaultyDisk) -> FaultyDisk {
    forget_mark(disk.crash(|| true))
}

fn forget_mark(disk: FaultyDisk) -> FaultyDisk {
    disk.damage("/store/checkpoint".as_ref(), |bytes| bytes.fill(0));
    disk
}

/// Changes the byte at a physical offset.
fn flip(disk: &FaultyDisk, at: u64) {
    let inside = usize::try_from(at % SEGMENT).unwrap();
    let file = segment(at - at % SEGMENT);
    disk.damage(file.as_ref(), |bytes| bytes[inside] ^= 0x55);
}

/// Bodies of many lengths: their records begin and end everywhere in the sectors.
fn many_bodies() -> Vec<String> {
    (0..40)
        .map(|n: usize| format!("{n}-{}", "x".repeat(n * 31 % 170)))
        .collect()
}

/// Where each body's record begins, and behind them the end of the log.
fn store_all(store: &MessageStore, bodies: &[String]) -> Vec<u64> {
    let mut places: Vec<_> = bodies
        .iter()
        .map(|body| append(store, "t", 0, body).physical_offset.0)
        .collect();
    places.push(store.end().0);
    places
}

fn except(bodies: &[String], hit: usize) -> Vec<String> {
    let others = bodies.iter().enumerate().filter(|(n, _)| *n != hit);
    others.map(|(_, body)| body.clone()).collect()
}

/// One byte that flipped and a kill within a second of the writes once took all messages behind it,
/// 165 of them acknowledged.
#[test]
fn a_damaged_byte_above_the_mark_costs_the_record_it_hits_and_no_other() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = many_bodies();
    let places = store_all(&store, &expected);
    drop(store);
    for flush in [Flush::Sync, Flush::INTERVAL] {
        let config = StoreConfig { flush, ..config() };
        for hit in [0, 7, 20, 21, 38] {
            let size = places[hit + 1].min(places[hit].next_multiple_of(SEGMENT)) - places[hit];
            for byte in 0..size.max(100) {
                let damaged = without_mark(&disk);
                flip(&damaged, places[hit] + byte);

                let (store, report) = open_with(&damaged, config.clone(), &Clock::manual(1));

                let mut left = bodies(&store, "t", 0);
                // What no checksum covers may change without being seen.
                left.retain(|body| *body != expected[hit]);
                assert_eq!(left, except(&expected, hit), "record {hit}, byte {byte}");
                assert_eq!(report.end.0, places[40], "record {hit}, byte {byte}");
                let next = append(&store, "t", 0, "next").queue_offset;
                assert_eq!(next, QueueOffset(40), "record {hit}, byte {byte}");
                drop(store);
                let again = damaged.crash(|| true);
                assert_eq!(bodies(&open(&again), "t", 0).last().unwrap(), "next");
            }
        }
    }
}

#[test]
fn the_gap_that_a_damaged_record_leaves_is_reported_also_when_it_was_the_last() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = many_bodies();
    let places = store_all(&store, &expected);
    drop(store);
    for hit in [7, 39] {
        let damaged = without_mark(&disk);
        flip(&damaged, places[hit] + 88);

        let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

        let gap = (PhysicalOffset(places[hit]), PhysicalOffset(places[hit + 1]));
        assert_eq!(report.damaged, [gap]);
        assert_eq!(bodies(&store, "t", 0), except(&expected, hit));
    }
}

#[test]
fn a_damaged_filler_costs_nothing_of_the_segments_behind_it() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = many_bodies();
    let places = store_all(&store, &expected);
    drop(store);
    let last = places.iter().rposition(|at| *at < SEGMENT).unwrap();
    let record = open(&without_mark(&disk)).record_at(PhysicalOffset(places[last]));
    let filler = places[last] + record.unwrap().unwrap().len() as u64;
    for byte in 0..8 {
        let damaged = without_mark(&disk);
        flip(&damaged, filler + byte);

        let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

        assert_eq!(bodies(&store, "t", 0), expected, "byte {byte}");
        assert!(report.damaged.is_empty());
    }
}

#[test]
fn a_record_of_which_a_sector_is_missing_ends_the_log_although_whole_ones_follow() {
    for fill in 0..120 {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        // Each sector lies once at every place of the records.
        let mut expected = vec!["x".repeat(fill)];
        expected.extend((0..6).map(|n| format!("{n}-{}", "x".repeat(300 + 30 * n))));
        let places = store_all(&store, &expected);
        assert!(places[7] < SEGMENT);
        drop(store);
        let last = usize::try_from(places[7]).unwrap() / SECTOR;
        for sector in 0..last {
            let torn = without_mark(&disk);
            let missing = sector * SECTOR..(sector + 1) * SECTOR;
            torn.damage(segment(0).as_ref(), |bytes| bytes[missing.clone()].fill(0));

            let (store, report) = open_with(&torn, config(), &Clock::manual(1));

            let is_before = |at: &&u64| **at <= missing.start as u64;
            let before = places.iter().skip(1).take_while(is_before).count();
            let left = bodies(&store, "t", 0);
            assert_eq!(left, expected[..before], "fill {fill}, sector {sector}");
            assert!(report.damaged.is_empty(), "fill {fill}, sector {sector}");
            assert_eq!(report.end.0, places[before]);
        }
    }
}

#[test]
fn a_hole_of_never_written_blocks_ends_the_log_also_behind_a_damaged_record() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected: Vec<String> = (0..6).map(|n| n.to_string().repeat(400)).collect();
    let places = store_all(&store, &expected);
    drop(store);
    let hole = usize::try_from(places[3]).unwrap()..usize::try_from(places[5]).unwrap();
    for damaged_before in [false, true] {
        let holed = without_mark(&disk);
        holed.damage(segment(0).as_ref(), |bytes| bytes[hole.clone()].fill(0));
        if damaged_before {
            flip(&holed, places[2] + 100);
        }

        let (store, report) = open_with(&holed, config(), &Clock::manual(1));

        let left = if damaged_before { 2 } else { 3 };
        assert_eq!(bodies(&store, "t", 0), expected[..left]);
        assert_eq!(report.damaged.len(), usize::from(damaged_before));
        assert_eq!(
            report.end.0, places[3],
            "the log goes on behind the last record"
        );
    }
}

#[test]
fn a_record_that_begins_in_the_last_bytes_of_a_sector_is_judged_by_what_it_misses() {
    for before in 1..4 {
        for (body, length_bytes) in [(100, 1), (300, 2)] {
            let disk = FaultyDisk::default();
            let store = open(&disk);
            append(&store, "t", 0, "");
            let overhead = usize::try_from(store.end().0).unwrap();
            let first = "x".repeat(2 * SECTOR - before - 2 * overhead);
            append(&store, "t", 0, &first);
            let hit = append(&store, "t", 0, &"y".repeat(body)).physical_offset.0;
            append(&store, "t", 0, "last");
            drop(store);
            assert_eq!(hit, (2 * SECTOR - before) as u64);

            let damaged = without_mark(&disk);
            flip(&damaged, hit + 100);
            let left = bodies(&open(&damaged), "t", 0);
            assert_eq!(left, ["", &*first, "last"], "{before} bytes before");

            let missing = usize::try_from(hit).unwrap()..2 * SECTOR;
            let torn = without_mark(&disk);
            torn.damage(segment(0).as_ref(), |bytes| bytes[missing].fill(0));
            let left = bodies(&open(&torn), "t", 0);
            let nothing_missing = before + length_bytes <= 4;
            assert_eq!(left.len(), if nothing_missing { 4 } else { 2 });
        }
    }
}

/// The length was read without its first bytes, and a part of a record that was never wholly written was
/// reported as damaged.
#[test]
fn a_record_whose_length_lost_its_first_bytes_ends_the_log() {
    let size_without_body = draft("t", 0, "").size();
    for left in 1..4 {
        let disk = FaultyDisk::default();
        let store = open(&disk);
        append(&store, "t", 0, &"x".repeat(1024 - left - size_without_body));
        // Without its first bytes, the length is that of a short record.
        let body = "y".repeat(0x398 - size_without_body);
        let _waits = store.append(&draft("t", 0, &body), Durability::AsConfigured);
        write_unsynced(&store);

        let mut sectors = 0;
        let after = disk.crash(|| {
            sectors += 1;
            sectors == 2
        });
        let (store, report) = open_with(&after, config(), &Clock::manual(1));

        assert_eq!(report.end.0, 1024 - u64::try_from(left).unwrap());
        assert!(report.damaged.is_empty(), "{report:?}");
        assert_eq!(bodies(&store, "t", 0).len(), 1);
    }
}

#[test]
fn a_zero_byte_in_the_properties_of_another_broker_costs_no_message() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let hit = append(&store, "t", 0, "second").physical_offset.0;
    append(&store, "t", 0, "third");
    let record = store.record_at(PhysicalOffset(hit)).unwrap().unwrap();
    drop(store);
    let other = without_mark(&disk);
    let at = usize::try_from(hit).unwrap() + record.len() - 3;
    other.damage(segment(0).as_ref(), |bytes| bytes[at] = 0);

    assert_eq!(bodies(&open(&other), "t", 0), ["first", "second", "third"]);
}

/// Bodies of which whole sectors are zeros.
fn bodies_with_zeros() -> Vec<String> {
    (0..12)
        .map(|n: usize| format!("{n}{}{n}", "\0".repeat(n * 331 % 1700)))
        .collect()
}

/// A byte that flipped and a kill took 221 of 250 acknowledged messages: zeros in the body of the
/// record were taken for a missing sector, although the machine had never been down.
#[test]
fn zeros_in_a_damaged_record_end_no_log_while_the_machine_goes_on() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = bodies_with_zeros();
    let places = store_all(&store, &expected);
    drop(store);
    for hit in 0..12 {
        let size = places[hit + 1].min(places[hit].next_multiple_of(SEGMENT)) - places[hit];
        for byte in (0..size).filter(|byte| *byte < 150 || byte % 7 == 0) {
            let damaged = forget_mark(disk.kill());
            flip(&damaged, places[hit] + byte);

            let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

            let mut left = bodies(&store, "t", 0);
            left.retain(|body| *body != expected[hit]);
            let others = except(&expected, hit);
            assert!(left == others, "record {hit}, byte {byte}");
            assert_eq!(report.cut, None);
            append(&store, "t", 0, "next");
            drop(store);
            // What the walk resumed behind is below the mark now, whatever happens to the machine.
            let again = bodies(&open(&damaged.crash(|| false)), "t", 0);
            assert_eq!(again.last().unwrap(), "next");
            assert!(again.len() >= 12, "record {hit}, byte {byte}");
        }
    }
}

#[test]
fn valid_records_behind_a_missing_sector_are_cut_and_kept_in_a_file_beside_the_log() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = bodies_with_zeros();
    let places = store_all(&store, &expected);
    drop(store);
    let hit = 3;
    assert!(places[hit] + 2_000 < SEGMENT && places[12] > SEGMENT);
    let damaged = without_mark(&disk);
    flip(&damaged, places[hit] + 88);
    let before = damaged.read(segment(0).as_ref()).unwrap().unwrap();

    let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

    assert!(bodies(&store, "t", 0) == expected[..hit]);
    let (from, to) = (places[hit], places[12]);
    assert_eq!(report.end, PhysicalOffset(from));
    assert_eq!(report.cut, Some((PhysicalOffset(from), PhysicalOffset(to))));
    let copy = format!("/store/cut/{from:020}");
    let copy = damaged.read(copy.as_ref()).unwrap().unwrap();
    assert_eq!(copy.len() as u64, to - from);
    let from = usize::try_from(from).unwrap();
    let in_first = usize::try_from(SEGMENT).unwrap() - from;
    assert_eq!(copy[..in_first], before[from..]);
}

/// The start after a loss of power was itself killed. The next one must not take the machine for one
/// that was never down.
#[test]
fn a_recovery_that_is_killed_does_not_make_missing_sectors_count_as_damage() {
    for changes in 0..40 {
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            flush: Flush::INTERVAL,
            ..config()
        };
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
        let expected = many_bodies();
        let places = store_all(&store, &expected);
        drop(store);
        let after = without_mark(&disk);
        // Queues that are missing are removed and built again.
        after.remove("/store/consumequeue".as_ref()).unwrap();
        after.damage(segment(0).as_ref(), |bytes| {
            bytes[2 * SECTOR..3 * SECTOR].fill(0);
        });
        after.cut_power_after(changes);
        let first = MessageStore::open(config.clone(), Arc::new(after.clone()), Clock::manual(1));
        let ended = first.is_ok();
        drop(first);

        let (store, report) = open_with(&after.kill(), config, &Clock::manual(1));

        let is_before = |at: &&u64| **at <= 2 * SECTOR as u64;
        let whole = places.iter().skip(1).take_while(is_before).count();
        assert_eq!(bodies(&store, "t", 0), expected[..whole]);
        assert!(report.damaged.is_empty());
        if ended {
            return;
        }
    }
    panic!("opening takes more changes");
}

#[test]
fn zeros_in_a_body_whose_checksum_fits_are_no_missing_sector() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected = bodies_with_zeros();
    let places = store_all(&store, &expected);
    drop(store);
    for (hit, place) in places.iter().enumerate().take(12) {
        let damaged = without_mark(&disk);
        // The physical offset, which no body's checksum covers.
        flip(&damaged, place + 30);

        let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

        let left = bodies(&store, "t", 0);
        assert!(left == except(&expected, hit), "record {hit}");
        assert_eq!(report.cut, None);
    }
}
