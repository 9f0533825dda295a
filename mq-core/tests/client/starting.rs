//! Consumers on their way to run.

use futures_util::FutureExt;

use crate::cluster::{Cluster, eventually, from_the_beginning, producer, send_all, topic};
use crate::listeners::{Seen, done};

/// A member that nobody has would keep its share of the queues.
#[tokio::test]
async fn a_start_that_is_dropped_leaves_the_group() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 1).await.unwrap();
    let seen = Seen::default();
    let start = || {
        let consumer = client.push_consumer(from_the_beginning("shop"));
        consumer.subscribe(topic.clone(), "*").start(done(&seen))
    };

    assert!(
        start().now_or_never().is_none(),
        "it asks the brokers first"
    );

    let consumer = start().await.unwrap();
    send_all(&producer(&client), &topic, ["a"]).await;
    eventually("it runs", || seen.count() == 1).await;
    cluster.end([consumer], [client]).await;
}
