//! Positions that were right once: in a topic that was created anew, in a log that lost its tail, in
//! a store that was emptied while `config/` stayed.

use std::path::Path;
use std::sync::Arc;

use mq_core::broker::config::FlushMode;
use mq_core::clock::Clock;
use mq_core::store::disk::{Disk, FaultyDisk, MemoryDisk};
use mq_core::wire::ResponseCode;
use mq_core::wire::header::{
    CloneGroupOffset, DeleteTopicInBroker, InvokeBrokerToResetOffset, PullMessage,
    UpdateConsumerOffset,
};

use crate::power;
use crate::stage::{Client, MINUTE, SECOND, Stage, code, message, pull, waiting, with};

async fn fill(client: &Client, count: usize) {
    for _message in 0..count {
        client.send(message("orders", 0), "x").await;
    }
}

async fn delete(client: &Client) {
    let topic = "orders".into();
    client.call(DeleteTopicInBroker { topic }).await.unwrap();
}

/// Where a pull at `offset` is sent; `None` when it is not sent elsewhere.
async fn sent_to(client: &Client, pull: PullMessage) -> Option<i64> {
    let reply = client.pull(pull).await;
    let moved = reply.code == ResponseCode::PULL_OFFSET_MOVED;
    moved.then_some(reply.header.next_begin_offset)
}

/// A file that was copied or that outlived its log said that 77 messages of a level were delivered:
/// the first that waited there was acknowledged and never delivered.
#[tokio::test]
async fn a_delayed_message_is_delivered_although_its_levels_offset_was_ahead() {
    let disk: Arc<dyn Disk> = Arc::new(MemoryDisk::default());
    disk.create_directories(Path::new("/store/config")).unwrap();
    let file = Path::new("/store/config/delayOffset.json");
    disk.replace(file, br#"{"offsetTable":{1:77,-2147483648:5}}"#)
        .unwrap();
    let clock = Clock::manual(1_800_000_000_000);
    let stage = Stage::on(disk, Stage::config(|_| {}), clock.clone()).await;
    let client = stage.client("a");

    for count in 1..3 {
        let delayed = with(message("orders", 0), &[("DELAY", "1")]);
        client.send(delayed, "later").await;
        clock.advance(2 * SECOND).await;
        assert_eq!(client.everything("orders", 0).await.len(), count);
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_topic_that_is_created_anew_is_read_from_its_beginning_by_whoever_read_the_old_one() {
    // Fewer messages than before, as many, more.
    for count in [5, 10, 20] {
        let stage = Stage::new().await;
        let client = stage.client("a");
        client.heartbeat("silent", &[("orders", "*")]).await;
        client.heartbeat("g", &[("orders", "*")]).await;
        fill(&client, 10).await;
        client.commit("orders", 0, 10).await;

        delete(&client).await;
        fill(&client, count).await;
        // A member reports on before it pulls again.
        client.commit("orders", 0, 10).await;

        assert_eq!(client.committed("orders", 0).await, Some(0));
        let silent = PullMessage {
            consumer_group: "silent".into(),
            ..pull("orders", 0, 10)
        };
        assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
        assert_eq!(sent_to(&client, silent.clone()).await, Some(0));
        assert_eq!(client.everything("orders", 0).await.len(), count);
        client.commit("orders", 0, 3).await;
        assert_eq!(client.committed("orders", 0).await, Some(3));
        stage.stop().await;
    }
}

#[tokio::test]
async fn a_pull_that_waits_in_a_topic_hears_at_once_that_the_topic_was_deleted() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    fill(&client, 3).await;

    let held = client.call(waiting(pull("orders", 0, 3), MINUTE));
    let deletion = async {
        stage.until_a_pull_waits().await;
        delete(&client).await;
    };
    let (answer, ()) = tokio::join!(held, deletion);

    assert_eq!(code(answer), ResponseCode::TOPIC_NOT_EXIST);
    stage.stop().await;
}

#[tokio::test]
async fn a_group_reads_everything_in_a_store_that_was_emptied_while_its_offsets_stayed() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    fill(&client, 10).await;
    client.commit("orders", 0, 10).await;
    stage.stop().await;
    for name in ["commitlog", "consumequeue", "index", "checkpoint"] {
        stage.disk.remove(&Path::new("/store").join(name)).unwrap();
    }

    let stage = stage.restarted().await;
    let client = stage.client("a");
    assert_eq!(client.committed("orders", 0).await, Some(0));
    fill(&client, 12).await;

    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    stage.stop().await;
}

#[tokio::test]
async fn what_is_stored_in_the_place_of_a_lost_tail_is_not_skipped() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_800_000_000_000);
    let fast = Stage::config(|config| config.storage.flush = FlushMode::Interval);
    let stage = Stage::on(Arc::new(disk.clone()), fast.clone(), clock.clone()).await;
    fill(&stage.client("a"), 5).await;
    let stage = stage.restarted().await;
    fill(&stage.client("a"), 5).await;

    let disk = disk.crash(|| false);
    let file = Path::new("/store/config/consumerOffset.json");
    let committed = br#"{"offsetTable":{"orders@g":{0:10}}}"#;
    let files: Arc<dyn Disk> = Arc::new(disk.clone());
    files.replace(file, committed).unwrap();
    let stage = Stage::on(Arc::new(disk.clone()), fast, clock).await;
    let client = stage.client("a");
    assert_eq!(client.committed("orders", 0).await, Some(5));
    // The correction does not wait for the next time that offsets are saved.
    let saved = files.read(file).unwrap().unwrap();
    assert!(
        String::from_utf8_lossy(&saved).contains(r#"{"0":5}"#),
        "{saved:?}"
    );
    fill(&client, 10).await;

    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(5));
    stage.stop().await;
}

#[tokio::test]
async fn whoever_is_beyond_the_end_goes_on_where_the_group_last_was() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    fill(&client, 5).await;
    client.commit("orders", 0, 3).await;
    let beyond = UpdateConsumerOffset {
        consumer_group: "g".into(),
        topic: "orders".into(),
        queue_id: Some(0),
        commit_offset: Some(6),
    };
    client.call(beyond).await.unwrap();

    assert_eq!(client.committed("orders", 0).await, Some(3));
    assert_eq!(sent_to(&client, pull("orders", 0, 9)).await, Some(3));
    stage.stop().await;
}

/// A group whose member stood at 10 when its topic was deleted; 12 messages are in the new one.
async fn created_anew() -> (Stage, Client) {
    let stage = Stage::new().await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    fill(&client, 10).await;
    client.commit("orders", 0, 10).await;
    delete(&client).await;
    fill(&client, 12).await;
    (stage, client)
}

#[tokio::test]
async fn that_a_topic_was_created_anew_is_known_after_restarts_until_its_reader_has_gone_back() {
    let (stage, _client) = created_anew().await;

    let stage = stage.restarted().await;
    let client = stage.client("a");
    assert_eq!(client.committed("orders", 0).await, Some(0));
    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    // It was told, and has not come back yet.
    let stage = stage.restarted().await;
    let client = stage.client("a");
    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    assert_eq!(sent_to(&client, pull("orders", 0, 0)).await, None);

    let stage = stage.restarted().await;
    let client = stage.client("a");
    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, None);
    stage.stop().await;
}

#[tokio::test]
async fn whoever_did_not_hear_that_it_was_sent_back_is_told_again() {
    let (stage, client) = created_anew().await;
    let lost = stage.client("its connection ends before the answer is read");

    assert_eq!(sent_to(&lost, pull("orders", 0, 10)).await, Some(0));

    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    assert_eq!(client.everything("orders", 0).await.len(), 12);
    stage.stop().await;
}

/// A Java client holds a queue for 10 s after it was sent elsewhere, and saves its old offset on.
#[tokio::test]
async fn commits_of_the_old_topic_do_not_count_before_the_new_one_is_pulled() {
    let (stage, client) = created_anew().await;

    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    client.commit("orders", 0, 10).await;
    assert_eq!(client.committed("orders", 0).await, Some(0));
    // The pull itself may carry it too.
    let mut back = pull("orders", 0, 0);
    back.sys_flag |= PullMessage::COMMIT;
    back.commit_offset = 10;
    assert_eq!(sent_to(&client, back).await, None);
    assert_eq!(client.committed("orders", 0).await, Some(0));

    client.commit("orders", 0, 7).await;
    assert_eq!(client.committed("orders", 0).await, Some(7));
    stage.stop().await;
}

#[tokio::test]
async fn a_topic_that_was_deleted_twice_is_read_from_its_beginning() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    fill(&client, 10).await;
    // The group is known by what it committed only.
    client.pull(pull("orders", 0, 0)).await;
    client.commit("orders", 0, 10).await;

    for _life in 0..2 {
        delete(&client).await;
        fill(&client, 12).await;
    }

    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(0));
    stage.stop().await;
}

/// The first member that went back took the reset along, and the others skipped what came before
/// their offsets.
#[tokio::test]
async fn of_a_broadcasting_group_each_member_that_read_the_old_topic_is_sent_back() {
    let stage = Stage::new().await;
    let readers = ["a", "b"].map(|id| stage.client(id));
    for reader in &readers {
        reader.broadcasts("g", "orders").await;
    }
    fill(&readers[0], 10).await;
    delete(&readers[0]).await;
    fill(&readers[0], 12).await;

    let [a, b] = &readers;
    assert_eq!(sent_to(a, pull("orders", 0, 10)).await, Some(0));
    assert_eq!(sent_to(a, pull("orders", 0, 0)).await, None);
    assert_eq!(sent_to(a, pull("orders", 0, 10)).await, None);
    assert_eq!(sent_to(b, pull("orders", 0, 10)).await, Some(0));

    // Also one that comes over another connection, to a broker that has forgotten the connections.
    let stage = stage.restarted().await;
    let (b, new) = (stage.client("b"), stage.client("new"));
    for reader in [&b, &new] {
        reader.broadcasts("g", "orders").await;
    }
    assert_eq!(sent_to(&new, pull("orders", 0, 10)).await, None);
    assert_eq!(sent_to(&b, pull("orders", 0, 10)).await, Some(0));
    assert_eq!(sent_to(&b, pull("orders", 0, 0)).await, None);
    assert_eq!(sent_to(&b, pull("orders", 0, 10)).await, None);
    assert_eq!(b.committed("orders", 0).await, None);
    stage.stop().await;
}

#[tokio::test]
async fn a_negative_offset_in_the_file_is_set_to_the_beginning() {
    let stage = Stage::new().await;
    fill(&stage.client("a"), 3).await;
    stage.stop().await;
    let file = Path::new("/store/config/consumerOffset.json");
    let negative = br#"{"offsetTable":{"orders@g":{0:-7}}}"#;
    stage.disk.replace(file, negative).unwrap();

    let stage = stage.restarted().await;

    let client = stage.client("a");
    assert_eq!(client.committed("orders", 0).await, Some(0));
    stage.stop().await;
}

/// Other offsets are saved every few seconds only.
#[tokio::test]
async fn a_reset_and_a_copy_of_offsets_are_on_disk_when_they_are_answered() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_800_000_000_000);
    let stage = power::stage_on(&disk, Stage::config(|_| {}), &clock).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    fill(&client, 10).await;
    client.commit("orders", 0, 10).await;

    let copy = CloneGroupOffset {
        src_group: "g".into(),
        dest_group: "copy".into(),
        topic: Some("orders".into()),
        offline: true,
    };
    client.call(copy).await.unwrap();
    let after_copy = disk.crash(|| false);
    let reset = InvokeBrokerToResetOffset {
        topic: "orders".into(),
        group: "g".into(),
        queue_id: Some(0),
        offset: Some(3),
        timestamp: 0,
        is_force: true,
    };
    client.call(reset).await.unwrap();
    let after_reset = disk.crash(|| false);
    stage.stop().await;

    let stage = power::stage_on(&after_copy, Stage::config(|_| {}), &clock).await;
    let client = stage.client("a");
    let copied = PullMessage {
        consumer_group: "copy".into(),
        ..pull("orders", 0, 2)
    };
    client.heartbeat("copy", &[("orders", "*")]).await;
    assert_eq!(sent_to(&client, copied).await, Some(10));
    stage.stop().await;
    let stage = power::stage_on(&after_reset, Stage::config(|_| {}), &clock).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    assert_eq!(client.committed("orders", 0).await, Some(3));
    assert_eq!(sent_to(&client, pull("orders", 0, 10)).await, Some(3));
    stage.stop().await;
}
