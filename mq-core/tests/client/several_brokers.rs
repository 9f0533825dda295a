//! What administrators see and change where there are several brokers, and where one does not answer.

use bytes::Bytes;
use mq_core::client::{Admin, AdminError, Client, ClientConfig, PushConsumer, QueueChoice, SeekTo};
use mq_core::clock::Clock;
use mq_core::message::{Message, MessageQueue, TopicName, property};
use mq_core::wire::Request;
use mq_core::wire::body::{RegisterBrokerBody, TopicConfig, TopicConfigs};
use mq_core::wire::header::{GetConsumerConnectionList, GetProducerConnectionList, RegisterBroker};

use crate::cluster::{
    Cluster, LIMIT, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{Seen, done};
use crate::transactions::Says;

/// The broker that nobody reaches.
const LOST: &str = "broker-lost";

/// Has the name server list a broker that cannot be reached, with a queue of `topic`.
async fn list_a_lost_broker(cluster: &Cluster, topic: &TopicName) {
    let header = RegisterBroker {
        broker_name: LOST.into(),
        broker_addr: "127.0.0.1:1".into(),
        cluster_name: "DefaultCluster".into(),
        ..RegisterBroker::default()
    };
    // A single topic would be one that is new on a broker that is known.
    let names = [topic.to_text(), "another".into()];
    let config = |topic_name| TopicConfig {
        topic_name,
        read_queue_nums: 1,
        write_queue_nums: 1,
        ..TopicConfig::default()
    };
    let topics = TopicConfigs {
        topic_config_table: names.map(|name| (name.clone(), config(name))).into(),
        ..TopicConfigs::default()
    };
    let body = RegisterBrokerBody {
        topic_config_serialize_wrapper: topics,
        ..RegisterBrokerBody::default()
    };
    let remoting = cluster.remoting();
    let listed = remoting.call(cluster.names_at(), header, body.encode(), LIMIT);
    listed.await.map(drop).unwrap();
}

async fn consumer(client: &Client, name: &str) -> PushConsumer {
    let builder = client.push_consumer(from_the_beginning(name));
    let builder = builder.subscribe(topic("orders"), "*");
    builder.start(done(&Seen::default())).await.unwrap()
}

/// Waits until every broker answers `question`.
async fn until_all_answer(cluster: &Cluster, admin: &Admin, question: impl Request + Clone) {
    let clock = Clock::system();
    let begun = clock.moment();
    for broker in admin.brokers().await.unwrap() {
        while ask(cluster, &broker.address, question.clone())
            .await
            .is_err()
        {
            assert!(clock.moment().since(begun) < 4 * LIMIT, "{broker:?}");
            clock.sleep(std::time::Duration::from_millis(5)).await;
        }
    }
}

async fn ask<R: Request>(
    cluster: &Cluster,
    address: &str,
    question: R,
) -> Result<(), mq_core::remoting::CallError> {
    let remoting = cluster.remoting();
    let answer = remoting.call(address, question, Bytes::new(), LIMIT);
    answer.await.map(drop)
}

/// What none of the others has was said not to exist, and a group with members there to have none.
#[tokio::test]
async fn a_broker_that_does_not_answer_may_have_what_the_others_do_not_have() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    let (orders, shop) = (topic("orders"), group("shop"));
    client.create_topic(&orders, 1).await.unwrap();
    let shop_consumer = consumer(&client, "shop").await;
    shop_consumer.shutdown(LIMIT).await.unwrap();
    list_a_lost_broker(&cluster, &orders).await;
    let queue = QueueChoice {
        broker: Some(LOST.into()),
        id: 0,
    };

    let group_elsewhere = admin.group(&group("nobody"), None).await.unwrap_err();
    let queue_elsewhere = admin.reset(&shop, &orders, SeekTo::Begin, Some(&queue));
    let queue_elsewhere = queue_elsewhere.await.unwrap_err();
    let members_elsewhere = admin.delete_group(&shop).await.unwrap_err();

    for error in [group_elsewhere, queue_elsewhere, members_elsewhere] {
        assert!(matches!(error, AdminError::Browse(_)), "{error}");
        assert!(error.to_string().contains(LOST), "{error}");
    }
    let shown = admin.group(&shop, None).await.unwrap();
    assert_eq!(shown.failed.len(), 1, "what is known is shown");
    cluster.end([], [client]).await;
}

/// The members were counted once for each broker.
#[tokio::test]
async fn a_member_counts_once_however_many_brokers_know_it() {
    let cluster = Cluster::start().await;
    let other = cluster.another_broker(&["brokerName=broker-b"]).await;
    let client = cluster.client();
    let admin = client.admin();
    client.create_topic(&topic("orders"), 1).await.unwrap();
    let member = consumer(&client, "shop").await;
    let consumer_group = "shop".into();
    until_all_answer(
        &cluster,
        &admin,
        GetConsumerConnectionList { consumer_group },
    )
    .await;

    let in_use = admin.delete_group(&group("shop")).await.unwrap_err();

    assert!(
        matches!(in_use, AdminError::InUse { members: 1, .. }),
        "{in_use}"
    );
    let listed = admin.groups().await.unwrap().value;
    let listed = listed.iter().find(|listed| listed.name == "shop").unwrap();
    assert_eq!(listed.members, 1);
    member.shutdown(LIMIT).await.unwrap();
    client.shutdown(LIMIT).await.unwrap();
    other.stop(LIMIT).await.unwrap();
    cluster.stop().await;
}

/// A broker that no route names kept the client as a member, until it missed its heartbeats.
#[tokio::test]
async fn every_broker_that_got_heartbeats_hears_that_a_producer_has_left() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    client.create_topic(&topic("orders"), 1).await.unwrap();
    let other = cluster.another_broker(&["brokerName=broker-b"]).await;
    let producer = producer(&client);
    send_all(&producer, &topic("orders"), ["a"]).await;
    let state = mq_core::client::TransactionState::Commit;
    producer.answer_checks(Says::new(state));
    let producer_group = "test-producer".into();
    let question = GetProducerConnectionList { producer_group };
    until_all_answer(&cluster, &admin, question.clone()).await;

    producer.shutdown(LIMIT).await.unwrap();

    for broker in admin.brokers().await.unwrap() {
        let gone = ask(&cluster, &broker.address, question.clone()).await;
        assert!(gone.unwrap_err().refusal().is_some(), "{broker:?}");
    }
    client.shutdown(LIMIT).await.unwrap();
    other.stop(LIMIT).await.unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn messages_of_other_clusters_are_not_found_by_id_or_key() {
    let cluster = Cluster::start().await;
    let of_other = ["brokerName=broker-b", "brokerClusterName=other"];
    let other = cluster.another_broker(&of_other).await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let producer = producer(&client);
    let mut sent = Vec::new();
    for broker in ["broker-a", "broker-b"] {
        let mut paid = Message::new(orders.clone(), broker);
        paid.properties.set(property::KEYS, "k");
        let queue = MessageQueue::new(orders.clone(), broker, 0);
        sent.push(producer.send_to(paid, &queue).await.unwrap());
    }

    let admin = client.admin().of_cluster("other");
    let found = admin.messages_by_key(&orders, "k", 0..=i64::MAX).await;
    let found: Vec<_> = found
        .unwrap()
        .value
        .into_iter()
        .map(|(broker, _)| broker)
        .collect();
    assert_eq!(found, ["broker-b"]);
    for id in [&sent[0].message_id, &sent[0].offset_message_id] {
        let missing = admin.message(&orders, id).await.unwrap_err();
        assert!(matches!(missing, AdminError::NoMessage { .. }), "{missing}");
    }
    for id in [&sent[1].message_id, &sent[1].offset_message_id] {
        let found = admin.message(&orders, id).await.unwrap();
        assert_eq!(found[0].0, "broker-b");
    }
    client.shutdown(LIMIT).await.unwrap();
    other.stop(LIMIT).await.unwrap();
    cluster.stop().await;
}

/// The deletion failed as a whole, after every broker had deleted the topic, and the name servers behind
/// the one that was away kept it.
#[tokio::test]
async fn a_topic_is_deleted_although_a_name_server_is_away() {
    let cluster = Cluster::start().await;
    let names = ["127.0.0.1:1", cluster.names_at()];
    let client = Client::new(ClientConfig::new(names), Clock::system()).unwrap();
    let admin = client.admin();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let sender = producer(&client);
    sender.send(message(&orders, "x")).await.map(drop).unwrap();

    let deleted = admin.delete_topic(&orders).await.unwrap();

    assert_eq!(deleted.value, ["broker-a"]);
    assert!(matches!(
        deleted.failed[..],
        [AdminError::NotForgotten { .. }]
    ));
    let gone = admin.topic(&orders).await.unwrap_err();
    assert!(matches!(gone, AdminError::NoTopic(_)), "{gone}");
    cluster.end([], [client]).await;
}
