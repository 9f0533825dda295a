//! Many who wait, and one who does not read: neither costs the broker much, or anybody else anything.

use std::collections::HashSet;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::remoting::{RemotingClient, RemotingClientConfig};
use mq_core::tasks::Tasks;
use mq_core::wire::header::{PullMessage, SendMessage};
use mq_core::wire::{self, Encoding, Head, RemotingCommand, Request, ResponseCode, frame};
use mq_tests::{TestBroker, eventually, pull};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::limits::{memory_kib, run_alone};

const LIMIT: Duration = Duration::from_secs(10);
const CONNECTIONS: usize = 10;
const PULLS: i32 = 1_000;

#[test]
fn ten_thousand_waiting_pulls_cost_little_and_each_is_answered_once() {
    run_alone("crowds::ten_thousand_wait");
}

#[test]
fn a_consumer_that_does_not_read_costs_the_broker_no_more_than_one_answer() {
    run_alone("crowds::nobody_reads");
}

fn client() -> RemotingClient {
    let clock = Clock::system();
    let tasks = Tasks::new(clock.clone());
    RemotingClient::new(
        RemotingClientConfig::default(),
        std::sync::Arc::default(),
        clock,
        tasks,
    )
}

async fn send(client: &RemotingClient, broker: &TestBroker, body: Bytes) {
    let header = SendMessage {
        producer_group: "producers".into(),
        topic: "crowd".into(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 1,
        ..SendMessage::default()
    };
    client
        .call(broker.address(), header, body, LIMIT)
        .await
        .unwrap();
}

fn waiting_pull(opaque: i32, from: i64) -> BytesMut {
    let header = PullMessage {
        sys_flag: PullMessage::SUBSCRIPTION | PullMessage::SUSPEND,
        suspend_timeout_millis: 60_000,
        ..pull("g", "crowd", 0, from)
    };
    let mut out = BytesMut::new();
    let head = Head::request(PullMessage::CODE, opaque);
    wire::encode(&mut out, Encoding::Json, &head, &header, b"").unwrap();
    out
}

async fn hear(stream: &mut TcpStream, input: &mut BytesMut) -> RemotingCommand {
    loop {
        if let Some(frame) = frame::decode(input, frame::DEFAULT_LIMIT).unwrap() {
            return RemotingCommand::from_frame(frame).unwrap();
        }
        assert_ne!(stream.read_buf(input).await.unwrap(), 0, "hung up");
    }
}

#[tokio::test]
#[ignore = "measures the memory of the process; run by the test above"]
async fn ten_thousand_wait() {
    let broker = TestBroker::start(Vec::new()).await;
    let client = client();
    send(&client, &broker, Bytes::from_static(b"first")).await;
    let mut pulls = BytesMut::new();
    for opaque in 0..PULLS {
        pulls.extend_from_slice(&waiting_pull(opaque, 1));
    }
    let mut streams = Vec::new();
    for _ in 0..CONNECTIONS {
        streams.push(TcpStream::connect(broker.address()).await.unwrap());
    }
    let before = memory_kib("RssAnon:");

    for stream in &mut streams {
        stream.write_all(&pulls).await.unwrap();
    }
    eventually("all of them wait", async || {
        broker.broker().waiting_pulls() == 10_000
    })
    .await;

    let each = (memory_kib("RssAnon:") - before) * 1024 / 10_000;
    assert!(each <= 6 * 1024, "{each} bytes each");

    let processor_time = || {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        Duration::new(used.tv_sec.unsigned_abs(), used.tv_nsec.try_into().unwrap())
    };
    let used = processor_time();
    send(&client, &broker, Bytes::from_static(b"second")).await;
    for stream in &mut streams {
        let mut input = BytesMut::new();
        let mut answered = HashSet::new();
        for _ in 0..PULLS {
            let answer = hear(stream, &mut input).await;
            assert_eq!(ResponseCode(answer.head.code), ResponseCode::SUCCESS);
            assert_eq!(decode_all(answer.body).unwrap().len(), 1);
            assert!(answered.insert(answer.head.opaque));
        }
        // Nothing came twice.
        assert!(input.is_empty());
    }
    let used = processor_time().saturating_sub(used);
    assert!(used < Duration::from_secs(1), "{used:?} of processor time");
    assert_eq!(broker.broker().waiting_pulls(), 0);
    broker.stop().await;
}

#[tokio::test]
#[ignore = "measures the memory of the process; run by the test above"]
async fn nobody_reads() {
    let broker = TestBroker::start(Vec::new()).await;
    let client = client();
    for _ in 0..6 {
        send(&client, &broker, Bytes::from(vec![7; 1024 * 1024])).await;
    }
    let before = memory_kib("RssAnon:");

    let mut deaf = TcpStream::connect(broker.address()).await.unwrap();
    for opaque in 0..200 {
        deaf.write_all(&waiting_pull(opaque, 0)).await.unwrap();
    }
    for _ in 0..100 {
        send(&client, &broker, Bytes::from_static(b"of somebody else")).await;
    }

    let more = memory_kib("RssAnon:").saturating_sub(before);
    assert!(more <= 8 * 1024, "{more} KiB");
    broker.stop().await;
}
