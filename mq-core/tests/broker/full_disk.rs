//! A disk without room: reads go on, and the log says what does not without filling up itself.

use std::sync::Arc;

use mq_core::clock::Clock;
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::store::disk::{Fault, FaultyDisk, SmallFiles};
use mq_core::wire::body::KvTable;
use mq_core::wire::header::{ConsumerSendMsgBack, GetBrokerRuntimeInfo, GetKvConfig, PutKvConfig};
use mq_core::wire::{ResponseCode, fastjson};
use tracing::Level;

use crate::lines::Lines;
use crate::stage::{Client, SECOND, Stage, code, eventually, message, pull, stranger, with};

/// A manual clock some years ahead.
const NOW_MS: i64 = 1_800_000_000_000;

async fn stage_on(disk: &FaultyDisk, clock: &Clock) -> Stage {
    let config = Stage::config(|config| config.storage.segment_size = 64 * 1024);
    Stage::on(Arc::new(disk.clone()), config, clock.clone()).await
}

/// Lets the clock go on until `condition` is true.
async fn in_time(clock: &Clock, what: &str, condition: impl Fn() -> bool) {
    let real = Clock::system();
    let begun = real.moment();
    while !condition() {
        assert!(real.moment().since(begun) < 10 * SECOND, "not yet: {what}");
        clock.advance(SECOND).await;
        tokio::task::yield_now().await;
    }
}

async fn is_refused(client: &Client) -> ResponseCode {
    code(client.call_with(message("orders", 0), "more").await)
}

/// The first heartbeat and the first pull of a group were refused, for the group could not be saved.
#[tokio::test]
async fn on_a_full_disk_a_new_group_reads_what_is_there_and_is_saved_when_there_is_room() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW_MS);
    let stage = stage_on(&disk, &clock).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "one").await;
    disk.set_fault(Some(Fault::Full));

    client.heartbeat("fresh", &[("orders", "*")]).await;
    let read = client.pull(pull("orders", 0, 0)).await;
    assert_eq!(read.code, ResponseCode::SUCCESS);
    client.commit("orders", 0, 1).await;
    assert_eq!(client.committed("orders", 0).await, Some(1));

    disk.set_fault(None);
    let saved = |file: &str, name: &str| {
        let path = format!("/store/config/{file}");
        let text = disk.read(path.as_ref()).unwrap().unwrap_or_default();
        String::from_utf8_lossy(&text).contains(&format!("\"{name}\""))
    };
    in_time(&clock, "groups and their topic are saved", || {
        saved("subscriptionGroup.json", "fresh")
            && saved("subscriptionGroup.json", "g")
            && saved("topics.json", "%RETRY%fresh")
    })
    .await;
    stage.stop().await;
}

/// What was half done would be in neither place, or in both without anybody knowing.
#[tokio::test]
async fn a_message_that_dies_while_the_disk_is_full_stays_where_it_is_until_there_is_room() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW_MS);
    let stage = stage_on(&disk, &clock).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(message("orders", 0), "one").await;
    let first = client.everything("orders", 0).await.remove(0);
    let back = |delay_level| ConsumerSendMsgBack {
        offset: first.physical_offset.to_wire(),
        group: "g".into(),
        delay_level,
        reason: Some("no such product".into()),
        ..ConsumerSendMsgBack::default()
    };
    disk.set_fault(Some(Fault::Full));
    let end = log_end(&client).await;

    for level in [0, -1] {
        let refused = client.refused(back(level)).await;
        assert_eq!(refused, ResponseCode::SYSTEM_ERROR);
    }
    let there = client.everything("orders", 0).await;
    assert_eq!(there, std::slice::from_ref(&first));
    assert_eq!(log_end(&client).await, end);

    disk.set_fault(None);
    client.call(back(-1)).await.unwrap();
    let dead = client.everything("%DLQ%g", 0).await;
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].message.body, "one");
    stage.stop().await;
}

/// Where the log ends, as the broker tells.
async fn log_end(client: &Client) -> String {
    let reply = client.call(GetBrokerRuntimeInfo).await.unwrap();
    let table: KvTable = fastjson::read(&reply.body).unwrap();
    let end = table.table.get("commitLogMaxOffset");
    end.unwrap().to_string()
}

#[tokio::test]
async fn a_full_disk_is_told_when_it_begins_once_a_minute_and_when_there_is_room_again() {
    let (lines, _listening) = Lines::listen("mq_core");
    let disk = FaultyDisk::default();
    let clock = Clock::manual(NOW_MS);
    let stage = stage_on(&disk, &clock).await;
    let client = stage.client("a");
    let delayed = with(message("orders", 0), &[("DELAY", "1")]);
    client.send(message("orders", 0), "one").await;
    client.heartbeat("g", &[("orders", "*")]).await;
    client.send(delayed, "later").await;
    disk.set_fault(Some(Fault::Full));
    let full_since = clock.moment();

    for second in 0..150 {
        assert_eq!(
            is_refused(&client).await,
            ResponseCode::SERVICE_NOT_AVAILABLE
        );
        client.commit("orders", 0, second).await;
        clock.advance(SECOND).await;
    }

    let begun = [
        (Level::WARN, "the disk is full: sends are refused"),
        (Level::ERROR, "saving the mark failed"),
        (Level::ERROR, "consumerOffset.json"),
        (Level::WARN, "delayed messages are not delivered"),
    ];
    for (level, text) in begun {
        in_time(&clock, text, || lines.count(level, text) > 0).await;
        let told = lines.count(level, text) as u64;
        let minutes = clock.moment().since(full_since).as_secs() / 60;
        assert!(told <= minutes + 1, "{text}: {told} times in {minutes} min");
    }
    disk.set_fault(None);
    client.send(message("orders", 0), "two").await;
    let ended = [
        "sends are taken again",
        "saving the mark goes well again",
        "consumerOffset.json",
        "delayed messages are delivered again",
    ];
    for text in ended {
        in_time(&clock, text, || lines.count(Level::INFO, text) > 0).await;
        assert_eq!(lines.count(Level::INFO, text), 1, "{text}");
    }
    stage.stop().await;
}

/// One ERROR line for each send that was refused for want of descriptors.
#[tokio::test]
async fn sends_that_are_refused_for_want_of_descriptors_are_not_a_line_each() {
    let (lines, _listening) = Lines::listen("mq_core::store");
    let disk = FaultyDisk::default();
    let stage = stage_on(&disk, &Clock::manual(NOW_MS)).await;
    let client = stage.client("a");
    let body = "x".repeat(10_000).leak();
    client.send(message("orders", 0), body).await;
    disk.set_fault(Some(Fault::Create));
    while client.call_with(message("orders", 0), &*body).await.is_ok() {}

    for _ in 0..100 {
        let refused = client.call_with(message("orders", 0), &*body).await;
        // As Apache's broker answers when its next file cannot be made.
        assert_eq!(code(refused), ResponseCode::SYSTEM_ERROR);
    }
    assert_eq!(lines.count(Level::ERROR, "no new segment"), 1);
    let line = lines.first(Level::ERROR, "no new segment").unwrap();
    assert!(line.contains("/store/commitlog/"), "{line}");

    disk.set_fault(None);
    client.send(message("orders", 0), body).await;
    eventually("the end is told", || {
        lines.count(Level::INFO, "sends are taken again") == 1
    })
    .await;
    stage.stop().await;
}

/// The key-value table was written to the system's disk, whatever disk the node had.
#[tokio::test]
async fn a_name_server_keeps_its_keys_on_the_disk_of_its_node() {
    let path = "/names/kvConfig.json";
    let disk = FaultyDisk::default();
    let start = async || {
        let config = NamesrvConfig {
            bind: std::net::Ipv4Addr::LOCALHOST.into(),
            port: 0,
            kv_path: Some(path.into()),
            ..NamesrvConfig::default()
        };
        let node = Node::builder().name_server(config);
        let node = node.disk(Arc::new(disk.clone())).start().await.unwrap();
        let mut client = stranger(node.clock());
        client.address = node.name_server().unwrap().from_here().to_string();
        (node, client)
    };
    let put = || PutKvConfig {
        namespace: "N".into(),
        key: "key".into(),
        value: "value".into(),
    };
    let (node, client) = start().await;
    disk.set_fault(Some(Fault::Full));
    assert_eq!(client.refused(put()).await, ResponseCode::SYSTEM_ERROR);
    assert!(disk.read(path.as_ref()).unwrap().is_none());

    disk.set_fault(None);
    client.call(put()).await.unwrap();
    node.stop(SECOND).await.unwrap();

    let (node, client) = start().await;
    let get = GetKvConfig {
        namespace: "N".into(),
        key: "key".into(),
    };
    let kept = client.call(get).await.unwrap();
    assert_eq!(kept.header.value.as_deref(), Some("value"));
    node.stop(SECOND).await.unwrap();
}
