//! What else lies in the store's directories, and segments that were shortened.

use super::*;

fn keyed_config() -> StoreConfig {
    StoreConfig {
        index: true,
        ..config()
    }
}

/// A file system of its own was mounted at `commitlog`, and the broker did not start over its
/// `lost+found`.
#[test]
fn directories_and_hidden_files_in_every_folder_are_passed_over_and_left_alone() {
    let disk = FaultyDisk::default();
    let folders = [
        "commitlog",
        "consumequeue",
        "consumequeue/t",
        "consumequeue/t/0",
        "index",
        "config",
    ];
    let strangers: Vec<String> = folders
        .iter()
        .flat_map(|folder| {
            ["lost+found/#12", ".hidden", "backup/00000000000000000000"]
                .map(|name| format!("/store/{folder}/{name}"))
        })
        .collect();
    for stranger in &strangers {
        disk.replace(stranger.as_ref(), b"not ours").unwrap();
    }
    disk.replace("/store/index/notes.txt".as_ref(), b"not ours")
        .unwrap();
    for round in 0..4_u64 {
        let (store, report) = open_with(&disk, keyed_config(), &Clock::manual(1_000));
        assert!(report.damaged.is_empty());
        for n in 0..20 {
            let mut keyed = draft("t", 0, &n.to_string());
            keyed.message.properties.set(property::KEYS, "k");
            finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
        }
        let stored = bodies(&store, "t", 0);
        assert_eq!(stored.len() as u64, 20 * (round + 1));
        assert_eq!(store.queues().len(), 1);
        store.0.maintain().unwrap();
        if round < 2 {
            store.close().unwrap();
        }
        drop(store);
        if round == 1 {
            // Queues and index are built again.
            disk.remove("/store/consumequeue/t/0/00000000000000000160".as_ref())
                .unwrap();
        }
    }
    // A queue that is built again loses its whole directory.
    for stranger in strangers.iter().filter(|path| !path.contains("/t/0/")) {
        assert!(
            disk.read(stranger.as_ref()).unwrap().is_some(),
            "{stranger}"
        );
    }
    assert!(
        disk.read("/store/index/notes.txt".as_ref())
            .unwrap()
            .is_some()
    );
}

#[test]
fn the_last_segment_may_have_been_shortened_anywhere_and_what_is_left_is_served() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let places: Vec<_> = (0..60)
        .map(|n| append(&store, "t", 0, &n.to_string()).physical_offset.0)
        .collect();
    let end = store.end().0;
    let unclean = disk.crash(|| true);
    store.close().unwrap();
    drop(store);
    let base = end - end % SEGMENT;
    assert!(base > 0);
    for (found, clean) in [(&disk, true), (&unclean, false)] {
        for length in (1..SEGMENT).step_by(13).chain([end - base, end - base + 1]) {
            let shortened = found.crash(|| true);
            let kept = usize::try_from(length).unwrap();
            shortened.damage(segment(base).as_ref(), |bytes| bytes.truncate(kept));

            let store = open(&shortened);

            let ends = places.iter().skip(1).chain([&end]);
            let whole = ends.filter(|end| **end <= base + length).count();
            let expected: Vec<_> = (0..whole).map(|n| n.to_string()).collect();
            assert_eq!(
                bodies(&store, "t", 0),
                expected,
                "{length} bytes, clean {clean}"
            );
            append(&store, "t", 0, "next");
            let crashed = shortened.crash(|| true);
            store.close().unwrap();
            drop(store);
            for again in [shortened, crashed] {
                let store = open(&again);
                assert_eq!(bodies(&store, "t", 0).last().unwrap(), "next");
                let segments = again.list("/store/commitlog".as_ref()).unwrap();
                assert!(segments.iter().all(|file| file.length == SEGMENT));
            }
        }
    }
}
