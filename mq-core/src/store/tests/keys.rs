//! Messages are found by their keys.

use super::*;

#[test]
fn keys_are_found_before_and_after_they_reach_the_file() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        index: true,
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    let mut keyed = draft("t", 0, "a");
    keyed.message.properties.set(property::KEYS, "k1 k2");
    finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
    let find = |store: &MessageStore, key: &str| {
        store
            .query_by_key("t", key, 10, 0..=i64::MAX)
            .unwrap()
            .len()
    };
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );

    store.close().unwrap();
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );
    drop(store);
    let (store, _) = open_with(&disk, config, &Clock::manual(6_000));
    assert_eq!(
        (find(&store, "k1"), find(&store, "k2"), find(&store, "k3")),
        (1, 1, 0)
    );
    assert_eq!(
        store.query_by_key("t", "k1", 10, 0..=4_000).unwrap().len(),
        0
    );
}

#[test]
fn keys_are_found_after_the_index_lost_what_was_not_synced() {
    let disk = FaultyDisk::default();
    let config = StoreConfig {
        index: true,
        ..config()
    };
    let (store, _) = open_with(&disk, config.clone(), &Clock::manual(5_000));
    for n in 0..5 {
        let mut keyed = draft("t", 0, "a");
        keyed
            .message
            .properties
            .set(property::KEYS, &format!("k{n}"));
        finish(store.append(&keyed, Durability::AsConfigured)).unwrap();
        store.0.maintain().unwrap();
    }
    drop(store);
    // The header reached the disk, the items behind it did not.
    let after = disk.crash(|| true);
    after.damage("/store/index/19700101000005000".as_ref(), |bytes| {
        bytes[40..].fill(0);
    });

    let (store, _) = open_with(&after, config, &Clock::manual(6_000));

    for n in 0..5 {
        let found = store.query_by_key("t", &format!("k{n}"), 10, 0..=i64::MAX);
        assert_eq!(found.unwrap().len(), 1, "k{n}");
    }
}
