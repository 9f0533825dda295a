//! Every member gets everything, and its offsets survive in a file.

use mq_core::client::MessageModel;

use crate::cluster::{Cluster, LIMIT, eventually, from_the_beginning, producer, send_all, topic};
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
