//! Batches, new queues and deleted topics.

use super::*;

/// Each topic once kept the whole receive buffer of its first message.
#[test]
fn a_new_queue_does_not_keep_the_frame_that_named_its_topic() {
    let store = open(&FaultyDisk::default());
    let frame = Bytes::from("orders and a long body".to_owned());
    let text = ByteString::try_from(frame.slice(..6)).unwrap();
    let mut first = draft("t", 0, "first");
    first.message.topic = TopicName::new(text).unwrap();

    finish(store.append(&first, Durability::AsConfigured)).unwrap();

    drop(first);
    assert_eq!(bodies(&store, "orders", 0), ["first"]);
    assert!(frame.is_unique());
}

#[test]
fn messages_of_a_deleted_topic_never_come_back() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    append(&store, "t", 0, "old");
    store.delete_topic("t").unwrap();
    assert!(bodies(&store, "t", 0).is_empty());
    append(&store, "t", 0, "new");

    for remove_queues in [false, true] {
        let after = disk.crash(|| true);
        if remove_queues {
            after.remove("/store/consumequeue".as_ref()).unwrap();
        }
        assert_eq!(bodies(&open(&after), "t", 0), ["new"]);
    }
}

#[test]
fn a_batch_is_stored_whole_with_consecutive_numbers() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    let drafts: Vec<_> = ["a", "b", "c"].map(|body| draft("t", 0, body)).into();

    let all = finish(store.append_batch(&drafts, Durability::AsConfigured)).unwrap();

    let numbers: Vec<_> = all.iter().map(|appended| appended.queue_offset.0).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(bodies(&store, "t", 0), ["a", "b", "c"]);
}
