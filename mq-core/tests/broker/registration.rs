//! The broker tells its name servers, one or several.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::pin::pin;

use mq_core::broker::config::FlushMode;
use mq_core::clock::Clock;
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::wire::body::TopicRouteData;
use mq_core::wire::header::{
    ConsumerSendMsgBack, GetRouteInfoByTopic, SendMessage, UpdateBrokerConfig,
};
use mq_core::wire::{ResponseCode, fastjson};
use tracing::Level;

use crate::lines::Lines;
use crate::stage::{Client, SECOND, Stage, code, message, pull, stranger};

async fn name_server(port: u16, clock: &Clock) -> Node {
    let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let config = NamesrvConfig {
        bind,
        port,
        ..NamesrvConfig::default()
    };
    let node = Node::builder().name_server(config).clock(clock.clone());
    node.start().await.unwrap()
}

fn address(server: &Node) -> SocketAddr {
    server.name_server().unwrap().from_here()
}

async fn between(servers: &[&Node], clock: &Clock) -> Stage {
    let addresses = servers.iter().map(|server| address(server).to_string());
    let addresses = addresses.collect();
    Stage::with(clock.clone(), |config| {
        config.network.name_servers = addresses;
    })
    .await
}

/// Where a name server says that a topic is.
async fn route(
    client: &Client,
    server: &Node,
    topic: &'static str,
) -> Result<TopicRouteData, ResponseCode> {
    let address = address(server).to_string();
    let header = GetRouteInfoByTopic {
        topic: topic.into(),
        accept_standard_json_only: None,
    };
    let reply = client
        .remoting
        .call(&address, header, bytes::Bytes::new(), 5 * SECOND)
        .await;
    match reply {
        Ok(reply) => Ok(fastjson::read(&reply.body).unwrap()),
        refused => Err(code(refused)),
    }
}

#[tokio::test]
async fn every_name_server_knows_a_topic_when_the_send_that_made_it_is_answered() {
    let clock = Clock::system();
    let (one, two) = (name_server(0, &clock).await, name_server(0, &clock).await);
    let stage = between(&[&one, &two], &clock).await;
    let client = stage.client("a");

    for server in [&one, &two] {
        assert!(route(&client, server, "TBW102").await.is_ok());
        let unknown = route(&client, server, "orders").await;
        assert_eq!(unknown, Err(ResponseCode::TOPIC_NOT_EXIST));
    }
    client.send(message("orders", 0), "x").await;
    for server in [&one, &two] {
        let route = route(&client, server, "orders").await.unwrap();
        assert_eq!(route.queue_datas[0].write_queue_nums, 4);
        assert_eq!(route.broker_datas[0].broker_addrs[&0], stage.address);
    }

    stage.stop().await;
    for server in [&one, &two] {
        let client = stranger(&clock);
        assert_eq!(
            route(&client, server, "orders").await,
            Err(ResponseCode::TOPIC_NOT_EXIST)
        );
        server.stop(SECOND).await.unwrap();
    }
}

#[tokio::test]
async fn a_name_server_that_is_away_delays_nobody_and_hears_everything_when_it_is_back() {
    let clock = Clock::system();
    let (one, two) = (name_server(0, &clock).await, name_server(0, &clock).await);
    let port = address(&two).port();
    let stage = between(&[&one, &two], &clock).await;
    let client = stage.client("a");
    two.stop(SECOND).await.unwrap();

    client.send(message("orders", 0), "x").await;
    assert!(route(&client, &one, "orders").await.is_ok());

    let two = name_server(port, &clock).await;
    let begun = clock.moment();
    while route(&client, &two, "orders").await.is_err() {
        assert!(clock.moment().since(begun) < 10 * SECOND, "it was not told");
        tokio::task::yield_now().await;
    }
    stage.stop().await;
    for server in [one, two] {
        server.stop(SECOND).await.unwrap();
    }
}

/// A name server that answers nothing, and a broker whose clock stands still once it runs.
/// Each end of a program with a broker of its own was a line in its log.
#[tokio::test]
async fn a_broker_that_takes_leave_is_no_news() {
    let (lines, _listening) = Lines::listen("mq_core::namesrv");
    let clock = Clock::system();
    let server = name_server(0, &clock).await;
    let stage = between(&[&server], &clock).await;
    let stranger = stranger(&clock);
    assert!(route(&stranger, &server, "TBW102").await.is_ok());

    stage.stop().await;

    assert!(route(&stranger, &server, "TBW102").await.is_err());
    let count = |level| lines.count(level, "broker");
    assert_eq!([Level::INFO, Level::WARN].map(count), [0, 0]);
    server.stop(SECOND).await.unwrap();
}

async fn before_a_mute_name_server() -> (TcpListener, Stage) {
    let mute = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let clock = Clock::manual(1_000);
    let stage = Stage::with(clock.clone(), |config| {
        config.network.name_servers = vec![address];
        config.storage.flush = FlushMode::Interval;
    });
    let patience = async {
        loop {
            clock.advance(SECOND).await;
        }
    };
    tokio::select! {
        stage = stage => (mute, stage),
        () = patience => unreachable!(),
    }
}

/// A client over a socket, or within the process.
fn client(stage: &Stage, within: bool) -> Client {
    let mut client = stage.client("a");
    if within {
        client.address = "within".into();
        client.remoting.attach("within", &stage.broker().local());
    }
    client
}

/// Waits until there is a message at `offset` of the topic's first queue.
async fn until_stored(reader: &Client, topic: &'static str, offset: i64) {
    let clock = Clock::system();
    let begun = clock.moment();
    loop {
        let reply = reader.call(pull(topic, 0, offset)).await;
        if reply.is_ok_and(|reply| reply.code == ResponseCode::SUCCESS) {
            return;
        }
        let waited = clock.moment().since(begun);
        assert!(waited < 10 * SECOND, "{topic}: {offset} is not stored");
        tokio::task::yield_now().await;
    }
}

/// They waited with their topic for the name servers, and were lost when the sender hung up.
#[tokio::test]
async fn one_way_sends_to_a_new_topic_are_stored_though_no_name_server_has_heard_of_it() {
    for within in [false, true] {
        let (_mute, stage) = before_a_mute_name_server().await;
        let (sender, reader) = (client(&stage, within), stage.client("b"));
        for _ in 0..50 {
            let header = message("orders", 0);
            let sent = sender.remoting.one_way(&sender.address, header, "x".into());
            sent.await.unwrap();
        }

        until_stored(&reader, "orders", 49).await;
    }
}

#[tokio::test]
async fn whoever_made_a_topic_is_answered_after_the_name_servers_and_stores_before() {
    for within in [false, true] {
        let (_mute, stage) = before_a_mute_name_server().await;
        let (client, reader) = (client(&stage, within), stage.client("b"));
        let batch = SendMessage {
            batch: Some(true),
            ..message("batches", 0)
        };
        // One child without a body: its length, and nothing in all its fields.
        let child = [&22_u32.to_be_bytes()[..], &[0; 18]].concat();
        let dead_letter = ConsumerSendMsgBack {
            group: "g".into(),
            delay_level: -1,
            ..ConsumerSendMsgBack::default()
        };

        let mut one = pin!(client.call_with(message("orders", 0), "x"));
        tokio::select! {
            biased;
            _ = &mut one => panic!("answered too early"),
            () = until_stored(&reader, "orders", 0) => {}
        }
        let mut several = pin!(client.call_with(batch, child));
        tokio::select! {
            biased;
            _ = &mut several => panic!("answered too early"),
            () = until_stored(&reader, "batches", 0) => {}
        }
        let mut back = pin!(client.call(dead_letter));
        tokio::select! {
            biased;
            _ = &mut back => panic!("answered too early"),
            () = until_stored(&reader, "%DLQ%g", 0) => {}
        }

        let ((), one, several, back) =
            tokio::join!(stage.clock.advance(3 * SECOND), one, several, back);
        one.unwrap();
        several.unwrap();
        back.unwrap();
    }
}

#[tokio::test]
async fn name_servers_hear_of_a_permission_that_is_changed_while_the_broker_runs() {
    let clock = Clock::system();
    let server = name_server(0, &clock).await;
    let stage = between(&[&server], &clock).await;
    let client = stage.client("a");
    client.send(message("orders", 0), "x").await;
    let perm = async || {
        let route = route(&client, &server, "orders").await.unwrap();
        route.queue_datas[0].perm
    };
    assert_eq!(perm().await, 6);

    for (text, expected) in [("brokerPermission=4", 4), ("brokerPermission=6", 6)] {
        client.call_with(UpdateBrokerConfig, text).await.unwrap();
        assert_eq!(perm().await, expected);
    }
    stage.stop().await;
    server.stop(SECOND).await.unwrap();
}
