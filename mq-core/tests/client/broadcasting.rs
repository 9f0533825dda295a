//! Every member gets everything, and its offsets survive in a file.

use bytes::Bytes;
use mq_core::client::MessageModel;
use mq_core::clock::Clock;
use mq_core::wire::header::DeleteTopicInBroker;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, in_time, producer, send_all, topic,
};
use crate::listeners::{Seen, done};

#[tokio::test]
async fn every_member_gets_everything_and_goes_on_where_it_was() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("news");
    let producer = producer(&client);
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let homes = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let config = |home: &tempfile::TempDir| {
        let mut config = from_the_beginning("readers");
        config.message_model = MessageModel::Broadcasting;
        config.offset_directory = Some(home.path().to_owned());
        config
    };

    for home in &homes {
        let (seen, client) = (Seen::default(), cluster.client());
        let consumer = client
            .push_consumer(config(home))
            .subscribe(topic.clone(), "*");
        let consumer = consumer.start(done(&seen)).await.unwrap();
        eventually("all are there", || seen.count() >= 3).await;
        assert_eq!(seen.sorted_bodies(), ["a", "b", "c"]);
        consumer.shutdown(LIMIT).await.unwrap();
        client.shutdown(LIMIT).await.unwrap();
    }

    send_all(&producer, &topic, ["d"]).await;
    let seen = Seen::default();
    let consumer = client
        .push_consumer(config(&homes[0]))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("the new one is there", || seen.count() >= 1).await;
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(seen.bodies(), ["d"]);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn every_member_gets_everything_of_a_topic_that_is_created_anew() {
    let cluster = Cluster::start().await;
    // The second member does nothing before the first has gone back.
    let clocks = [(); 2].map(|()| Clock::manual(Clock::system().now_ms()));
    let (admin, topic) = (cluster.client(), topic("news"));
    admin.create_topic(&topic, 1).await.unwrap();
    let producer = producer(&admin);
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut config = from_the_beginning("readers");
    config.message_model = MessageModel::Broadcasting;
    config.offset_directory = Some(home.path().to_owned());
    let seen = [Seen::default(), Seen::default()];
    let clients = clocks.each_ref().map(|clock| cluster.client_by(clock));
    let mut consumers = Vec::new();
    for (client, seen) in clients.iter().zip(&seen) {
        let consumer = client
            .push_consumer(config.clone())
            .subscribe(topic.clone(), "*");
        consumers.push(consumer.start(done(seen)).await.unwrap());
    }
    for (clock, seen) in clocks.iter().zip(&seen) {
        in_time(clock, "the old ones are there", || seen.count() >= 3).await;
    }
    eventually("both wait for more", || cluster.waiting_pulls() >= 2).await;

    let request = DeleteTopicInBroker {
        topic: topic.to_text(),
    };
    let deleted = cluster.ask(request, Bytes::new()).await;
    deleted.map(drop).unwrap();
    admin.create_topic(&topic, 1).await.unwrap();
    send_all(&producer, &topic, ["d", "e", "f", "g", "h"]).await;

    for (clock, seen) in clocks.iter().zip(&seen) {
        in_time(clock, "the new ones are there", || seen.count() >= 8).await;
        assert_eq!(
            seen.sorted_bodies(),
            ["a", "b", "c", "d", "e", "f", "g", "h"]
        );
    }
    let [first, second] = clients;
    cluster.end(consumers, [first, second, admin]).await;
}
