//! The broker tells its name servers, one or several.

use std::net::{IpAddr, Ipv4Addr};

use mq_core::clock::Clock;
use mq_core::namesrv::{NameServer, NamesrvConfig};
use mq_core::wire::ResponseCode;
use mq_core::wire::body::TopicRouteData;
use mq_core::wire::fastjson;
use mq_core::wire::header::GetRouteInfoByTopic;

use crate::stage::{Client, SECOND, Stage, code, message, stranger};

async fn name_server(port: u16, clock: &Clock) -> NameServer {
    let bind = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let config = NamesrvConfig {
        bind,
        port,
        ..NamesrvConfig::default()
    };
    NameServer::start(&config, clock.clone()).await.unwrap()
}

async fn between(servers: &[&NameServer], clock: &Clock) -> Stage {
    let addresses = servers
        .iter()
        .map(|server| server.address().to_string())
        .collect();
    Stage::with(clock.clone(), |config| {
        config.network.name_servers = addresses;
    })
    .await
}

/// Where a name server says that a topic is.
async fn route(
    client: &Client,
    server: &NameServer,
    topic: &'static str,
) -> Result<TopicRouteData, ResponseCode> {
    let address = server.address().to_string();
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
    let port = two.address().port();
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
