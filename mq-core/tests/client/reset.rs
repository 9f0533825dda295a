//! A group is sent to other offsets while it runs: by the broker's answer to a pull, and by a
//! request that the broker pushes.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use mq_core::client::{Client, LitePullConfig, StartFrom};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, MessageQueue, TopicName};
use mq_core::remoting::{
    Incoming, Peer, Processor, RemotingClient, RemotingServer, RemotingServerConfig, Router,
};
use mq_core::tasks::Tasks;
use mq_core::wire::body::ResetOffsetBody;
use mq_core::wire::header::{GetRouteInfoByTopic, ResetConsumerClientOffset};
use mq_core::wire::{NoFields, Refusal, Reply, fastjson};
use parking_lot::Mutex;

use crate::cluster::{Cluster, LIMIT, eventually, group, one_queue_of, producer, send_all, topic};
use crate::listeners::{Seen, consuming};

#[tokio::test]
async fn a_group_that_is_reset_at_the_broker_reads_again_from_there() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (topic, producer) = one_queue_of(&client, "history", ["a", "b", "c"]).await;
    let seen = Seen::default();
    let consumer = consuming(&client, "historian", &topic, &seen).await;
    eventually("all are there", || seen.count() == 3).await;

    let reset = cluster.reset(&topic, consumer.group(), 0, 1);
    reset.await.unwrap();
    // The pull that waits is answered with it, and the next one learns of the reset.
    send_all(&producer, &topic, ["d"]).await;

    eventually("the later ones come again", || {
        let bodies = seen.bodies();
        ["b", "c"]
            .iter()
            .all(|body| bodies.iter().filter(|b| b == body).count() == 2)
    })
    .await;
    assert_eq!(seen.bodies().iter().filter(|body| *body == "a").count(), 1);
    cluster.end([consumer], [client]).await;
}

/// A name server that only passes questions on, and remembers who asked.
struct Between {
    remoting: RemotingClient,
    names_at: String,
    asker: Arc<Mutex<Option<Peer>>>,
}

impl Processor<GetRouteInfoByTopic> for Between {
    async fn process(
        &self,
        request: Incoming<GetRouteInfoByTopic>,
    ) -> Result<Reply<NoFields>, Refusal> {
        *self.asker.lock() = Some(request.peer);
        let answer = self
            .remoting
            .call(&self.names_at, request.header, Bytes::new(), LIMIT)
            .await;
        answer.map_err(|error| {
            let refusal = error.refusal().cloned();
            refusal.unwrap_or_else(|| Refusal::system(error.to_string()))
        })
    }
}

/// A client that finds its topics through [`Between`], and a way to send it requests.
struct Watched {
    client: Client,
    asker: Arc<Mutex<Option<Peer>>>,
    tasks: Tasks,
}

impl Watched {
    async fn of(cluster: &Cluster) -> Self {
        let tasks = Tasks::new(Clock::system());
        let asker = Arc::new(Mutex::new(None));
        let between = Between {
            remoting: cluster.remoting(),
            names_at: cluster.names_at().to_owned(),
            asker: Arc::clone(&asker),
        };
        let router = Arc::new(Router::default().on::<GetRouteInfoByTopic>(between));
        let server = RemotingServer::bind(
            "127.0.0.1:0",
            RemotingServerConfig::default(),
            Clock::system(),
        );
        let server = server.await.unwrap();
        let client = Client::connect([server.local_address().to_string()]).unwrap();
        server.serve(router, Arc::new(()), &tasks);
        Self {
            client,
            asker,
            tasks,
        }
    }

    /// Pushes a reset of four queues of `topic` to their beginning.
    fn reset(&self, group: &GroupName, topic: &TopicName) {
        let queue = |id| MessageQueue::new(topic.clone(), "broker-a", id);
        let offset_table: BTreeMap<_, _> = (0..4).map(|id| (queue(id), 0)).collect();
        let header = ResetConsumerClientOffset {
            topic: topic.to_text(),
            group: group.to_text(),
            is_force: true,
            ..ResetConsumerClientOffset::default()
        };
        let peer = self.asker.lock().clone().unwrap();
        let body = fastjson::write(&ResetOffsetBody { offset_table });
        peer.notify(&header, body).unwrap();
    }

    async fn end(self) {
        self.client.shutdown(LIMIT).await.unwrap();
        self.tasks.stop(LIMIT).await.unwrap();
    }
}

#[tokio::test]
async fn a_pushed_reset_is_followed() {
    let cluster = Cluster::start().await;
    let watched = Watched::of(&cluster).await;
    let topic = topic("pushed");
    send_all(&producer(&watched.client), &topic, ["a"]).await;
    let seen = Seen::default();
    let consumer = consuming(&watched.client, "pushed", &topic, &seen).await;
    eventually("it is there", || seen.count() == 1).await;

    watched.reset(consumer.group(), &topic);

    eventually("it comes again", || seen.count() == 2).await;
    assert_eq!(seen.bodies(), ["a", "a"]);
    consumer.shutdown(LIMIT).await.unwrap();
    watched.end().await;
    cluster.stop().await;
}

/// Java's lite pull consumer ignores it, and its next commit undoes the reset.
#[tokio::test]
async fn a_pushed_reset_is_followed_by_a_lite_pull_consumer() {
    let cluster = Cluster::start().await;
    let watched = Watched::of(&cluster).await;
    let topic = topic("pushed");
    send_all(&producer(&watched.client), &topic, ["a"]).await;
    let mut config = LitePullConfig::new(group("pushed"));
    config.start_from = StartFrom::FirstOffset;
    let consumer = watched.client.lite_pull_consumer(config);
    let consumer = consumer
        .subscribe(topic.clone(), "*")
        .start()
        .await
        .unwrap();
    let mut messages = consumer.messages();
    assert_eq!(messages.next().await.unwrap().text(), Some("a"));

    watched.reset(consumer.group(), &topic);

    assert_eq!(messages.next().await.unwrap().text(), Some("a"));
    consumer.shutdown(LIMIT).await.unwrap();
    watched.end().await;
    cluster.stop().await;
}
