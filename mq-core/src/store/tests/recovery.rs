//! What a start finds after a crash or damage, and what it makes of it.

use super::*;

#[test]
fn a_torn_tail_is_cut_at_the_last_whole_record() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let last = append(&store, "t", 0, "last");
    let end = store.end();
    drop(store);
    for cut in last.physical_offset.0..end.0 {
        // The mark may not be beyond the cut: then the record would count as damaged.
        let torn = disk.crash(|| true);
        torn.damage("/store/checkpoint".as_ref(), |bytes| bytes.fill(0));
        torn.damage(segment(0).as_ref(), |bytes| {
            bytes[usize::try_from(cut).unwrap()..].fill(0);
        });

        let (store, report) = open_with(&torn, config(), &Clock::manual(1));

        assert_eq!(report.end, last.physical_offset, "cut at {cut}");
        assert_eq!(bodies(&store, "t", 0), ["first"]);
        append(&store, "t", 0, "again");
        assert_eq!(bodies(&store, "t", 0), ["first", "again"]);
    }
}

#[test]
fn a_damaged_record_below_the_mark_is_set_aside_and_the_rest_is_served() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let places: Vec<_> = (0..40)
        .map(|n| append(&store, "t", 0, &format!("{n}")))
        .collect();
    store.0.maintain().unwrap();
    drop(store);
    // Length, magic, checksum, queue offset, physical offset, body.
    for byte in [3, 6, 9, 27, 35, 88] {
        for clean in [false, true] {
            let damaged = disk.crash(|| true);
            if clean {
                open(&damaged).close().unwrap();
            }
            let at = usize::try_from(places[5].physical_offset.0).unwrap();
            damaged.damage(segment(0).as_ref(), |bytes| bytes[at + byte] ^= 1);
            damaged.remove("/store/consumequeue".as_ref()).unwrap();

            let (store, report) = open_with(&damaged, config(), &Clock::manual(1));

            assert_eq!(report.damaged.len(), 1, "byte {byte}");
            let expected: Vec<_> = (0..40).filter(|n| *n != 5).map(|n| n.to_string()).collect();
            assert_eq!(
                bodies(&store, "t", 0),
                expected,
                "byte {byte}, clean {clean}"
            );
            assert_eq!(store.max_offset("t", 0), QueueOffset(40));
        }
    }
}

#[test]
fn queues_that_are_gone_or_cut_short_are_built_again_byte_for_byte() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    for n in 0..60 {
        append(&store, "t", n % 2, &format!("{n}"));
    }
    store.close().unwrap();
    drop(store);
    let file = "/store/consumequeue/t/1/00000000000000000160";
    let before = disk.read(file.as_ref()).unwrap();
    assert!(before.is_some());
    let damages: [Damage; 4] = [
        |disk| disk.remove("/store/consumequeue".as_ref()).unwrap(),
        |disk| {
            let file = "/store/consumequeue/t/1/00000000000000000320";
            disk.remove(file.as_ref()).unwrap();
        },
        |disk| disk.remove("/store/consumequeue/t/1".as_ref()).unwrap(),
        |disk| {
            let file = "/store/consumequeue/t/1/00000000000000000480";
            disk.damage(file.as_ref(), |bytes| bytes.fill(0));
        },
    ];
    for damage in damages {
        let broken = disk.crash(|| true);
        damage(&broken);

        let (store, report) = open_with(&broken, config(), &Clock::manual(1));

        assert!(report.rebuilt);
        assert_eq!(
            bodies(&store, "t", 0).len() + bodies(&store, "t", 1).len(),
            60
        );
        store.close().unwrap();
        assert_eq!(broken.read(file.as_ref()).unwrap(), before);
    }
}

#[test]
fn neither_zeros_nor_noise_nor_an_old_record_behind_the_end_is_data() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let first = append(&store, "t", 0, "first");
    append(&store, "t", 0, "second");
    let end = usize::try_from(store.end().0).unwrap();
    let first = usize::try_from(first.physical_offset.0).unwrap();
    drop(store);
    let tails: [fn(&mut Vec<u8>, usize, usize); 3] = [
        |bytes, _, end| bytes[end..].fill(0),
        |bytes, _, end| {
            let mut random = Random(7);
            let noise = bytes[end..].iter_mut();
            noise.for_each(|byte| *byte = u8::try_from(random.below(256)).unwrap());
        },
        |bytes, first, end| bytes.copy_within(first..first + 200.min(end), end),
    ];
    for tail in tails {
        let after = disk.crash(|| true);
        after.damage(segment(0).as_ref(), |bytes| tail(bytes, first, end));

        let (store, report) = open_with(&after, config(), &Clock::manual(1));

        assert_eq!(report.end.0, end as u64);
        assert_eq!(bodies(&store, "t", 0), ["first", "second"]);
        append(&store, "t", 0, "third");
        store.close().unwrap();
        drop(store);
        assert_eq!(bodies(&open(&after), "t", 0), ["first", "second", "third"]);
    }
}

#[test]
fn the_last_record_below_the_mark_may_be_damaged_and_the_segment_goes_on() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "first");
    let last = append(&store, "t", 0, "last");
    store.0.maintain().unwrap();
    let end = store.end();
    drop(store);
    let at = usize::try_from(last.physical_offset.0).unwrap();
    let after = disk.crash(|| true);
    after.damage(segment(0).as_ref(), |bytes| bytes[at + 4] ^= 1);

    let (store, report) = open_with(&after, config(), &Clock::manual(1));

    assert_eq!(report.damaged, [(last.physical_offset, end)]);
    assert_eq!(report.end, end, "the log goes on behind the damage");
    append(&store, "t", 0, "next");
    assert_eq!(bodies(&store, "t", 0).last().unwrap(), "next");
}

#[test]
fn random_flips_never_bring_a_wrong_body_and_cost_only_the_records_they_hit() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let expected: Vec<String> = (0..120).map(|n| format!("body-{n}")).collect();
    let places: Vec<Appended> = expected.iter().map(|b| append(&store, "t", 0, b)).collect();
    store.close().unwrap();
    drop(store);
    for seed in 1..200 {
        let mut random = Random(seed);
        let flipped = disk.crash(|| true);
        let mut hit = BTreeMap::new();
        for _ in 0..5 {
            let number = usize::try_from(random.below(120)).unwrap();
            let at = places[number].physical_offset.0;
            // Length, magic, checksum, both offsets, body: what the record itself can tell.
            let fields = [0..12, 20..36, 88..94];
            let field = fields[usize::try_from(random.below(3)).unwrap()].clone();
            let byte = field.start + random.below(field.end - field.start);
            let bit = 1 << random.below(8);
            let key = (number, byte, bit);
            if hit.insert(number, key).is_none() {
                let inside = usize::try_from(at % SEGMENT + byte).unwrap();
                let file = segment(at - at % SEGMENT);
                flipped.damage(file.as_ref(), |bytes| bytes[inside] ^= bit);
            }
        }

        let store = open(&flipped);

        let left = expected.iter().enumerate();
        let left = left.filter(|(number, _)| !hit.contains_key(number));
        let left: Vec<&String> = left.map(|(_, body)| body).collect();
        assert_eq!(
            bodies(&store, "t", 0).iter().collect::<Vec<_>>(),
            left,
            "seed {seed}"
        );
    }
}

#[test]
fn in_the_fast_mode_a_crash_takes_a_suffix_of_the_log_and_leaves_no_hole() {
    for seed in 1..500 {
        let mut random = Random(seed);
        let disk = FaultyDisk::default();
        let config = StoreConfig {
            flush: Flush::INTERVAL,
            ..config()
        };
        let (store, _) = open_with(&disk, config.clone(), &Clock::manual(1));
        let mut synced = 0;
        for n in 0..random.below(60) {
            let body = format!("{n}-{}", "x".repeat(usize::try_from(n * 5).unwrap()));
            append(&store, "t", 0, &body);
            match random.below(10) {
                0 => {
                    store.0.log.sync().unwrap();
                    synced = usize::try_from(n + 1).unwrap();
                }
                1 => store.0.maintain().unwrap(),
                _ => {}
            }
        }
        let before = bodies(&store, "t", 0);
        drop(store);

        let after = disk.crash(|| random.below(2) == 0);
        let (store, report) = open_with(&after, config, &Clock::manual(1));

        let left = bodies(&store, "t", 0);
        assert!(left.len() >= synced, "seed {seed}");
        assert_eq!(left, before[..left.len()], "seed {seed}");
        assert!(report.damaged.is_empty(), "seed {seed}");
    }
}
