//! How two members of a group share the queues of a topic, with each strategy. Each test fails
//! when another strategy stands in its place.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use mq_core::client::{Allocate, Client, PushConsumer, Rooms, Strategy};
use mq_core::clock::Clock;
use mq_core::message::{MessageQueue, TopicName};

use crate::cluster::{Cluster, LIMIT, eventually, from_the_beginning, producer, send_all, topic};
use crate::listeners::{Seen, done};

const QUEUES: u16 = 8;

struct Pair {
    cluster: Cluster,
    topic: TopicName,
    clients: [Client; 2],
    consumers: Vec<PushConsumer>,
    seen: Seen,
}

impl Pair {
    /// Two members of one group over sockets, the first one in the order of client ids first.
    async fn start(cluster: Cluster, strategy: &Strategy) -> Self {
        let topic = topic("shared");
        let mut clients = [cluster.client(), cluster.client()];
        clients.sort_by(|a, b| a.id().cmp(b.id()));
        clients[0].create_topic(&topic, QUEUES).await.unwrap();
        let seen = Seen::default();
        let mut consumers = Vec::new();
        for client in &clients {
            let mut config = from_the_beginning("pair");
            config.strategy = strategy.clone();
            let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
            consumers.push(consumer.start(done(&seen)).await.unwrap());
        }
        Self {
            cluster,
            topic,
            clients,
            consumers,
            seen,
        }
    }

    fn share(&self, index: usize) -> Vec<i32> {
        let queues = self.consumers[index].assignment();
        let own = queues.iter().filter(|queue| queue.topic == self.topic);
        own.map(|queue| queue.id).collect()
    }

    /// Waits until the members have these queues and no others.
    async fn shares_become(&self, first: &[i32], second: &[i32]) {
        let clock = Clock::system();
        let begun = clock.moment();
        eventually("the queues are shared", || {
            self.share(0) == first && self.share(1) == second
        })
        .await;
        let waited = clock.moment().since(begun);
        assert!(waited < Duration::from_secs(10), "nobody told: {waited:?}");
    }

    /// Everything arrives once, and when the first member leaves the second has it all.
    async fn serves_and_survives(self) {
        let Self {
            cluster,
            topic,
            clients,
            consumers,
            seen,
        } = self;
        let bodies: Vec<_> = (0..QUEUES * 2).map(|n| format!("{n:02}")).collect();
        let producer = producer(&clients[1]);
        send_all(&producer, &topic, &bodies).await;
        eventually("all are there", || seen.count() >= bodies.len()).await;
        assert_eq!(seen.sorted_bodies(), bodies);

        consumers[0].shutdown(LIMIT).await.unwrap();
        let clock = Clock::system();
        let begun = clock.moment();
        eventually("the other one has all queues", || {
            let queues = consumers[1].assignment();
            let own = queues.iter().filter(|queue| queue.topic == topic);
            own.count() == usize::from(QUEUES)
        })
        .await;
        let waited = clock.moment().since(begun);
        assert!(waited < Duration::from_secs(10), "nobody told: {waited:?}");
        consumers[1].shutdown(LIMIT).await.unwrap();
        for client in clients {
            client.shutdown(LIMIT).await.unwrap();
        }
        cluster.stop().await;
    }
}

#[tokio::test]
async fn average_gives_neighboring_queues() {
    let pair = Pair::start(Cluster::start().await, &Strategy::Average).await;

    pair.shares_become(&[0, 1, 2, 3], &[4, 5, 6, 7]).await;

    pair.serves_and_survives().await;
}

#[tokio::test]
async fn average_by_circle_deals_like_cards() {
    let pair = Pair::start(Cluster::start().await, &Strategy::AverageByCircle).await;

    pair.shares_become(&[0, 2, 4, 6], &[1, 3, 5, 7]).await;

    pair.serves_and_survives().await;
}

#[tokio::test]
async fn the_consistent_hash_gives_what_the_ring_says() {
    let strategy = Strategy::consistent_hash();
    let pair = Pair::start(Cluster::start().await, &strategy).await;
    let queue = |id| MessageQueue::new(pair.topic.clone(), "broker-a", id);
    let queues: Vec<_> = (0..i32::from(QUEUES)).map(queue).collect();
    let members = [0, 1].map(|n: usize| ByteString::from(pair.clients[n].id()));
    let share = |me: usize| -> Vec<_> {
        let share = strategy.allocate(&members[me], &queues, &members);
        share.iter().map(|queue| queue.id).collect()
    };

    pair.shares_become(&share(0), &share(1)).await;

    pair.serves_and_survives().await;
}

#[tokio::test]
async fn a_configured_share_is_taken_whoever_else_is_there() {
    let queue = |id| MessageQueue::new(topic("shared"), "broker-a", id);
    let strategy = Strategy::Config([1, 5, 6].map(queue).to_vec());
    let pair = Pair::start(Cluster::start().await, &strategy).await;

    pair.shares_become(&[1, 5, 6], &[1, 5, 6]).await;

    for consumer in &pair.consumers {
        consumer.shutdown(LIMIT).await.unwrap();
    }
    pair.cluster.stop().await;
}

#[tokio::test]
async fn machine_room_shares_only_queues_of_the_rooms() {
    let room: BTreeSet<String> = ["broker".to_owned()].into();
    let named = Cluster::with(&["brokerName=broker@a"]).await;
    let pair = Pair::start(named, &Strategy::MachineRoom(room)).await;
    pair.shares_become(&[0, 1, 2, 3], &[4, 5, 6, 7]).await;
    pair.serves_and_survives().await;

    let elsewhere: BTreeSet<String> = ["elsewhere".to_owned()].into();
    let named = Cluster::with(&["brokerName=broker@a"]).await;
    let pair = Pair::start(named, &Strategy::MachineRoom(elsewhere)).await;
    let producer = producer(&pair.clients[0]);
    send_all(&producer, &pair.topic, ["for nobody here"]).await;
    pair.shares_become(&[], &[]).await;
    for consumer in &pair.consumers {
        consumer.shutdown(LIMIT).await.unwrap();
    }
    assert_eq!(pair.seen.count(), 0);
    pair.cluster.stop().await;
}

/// Queues below 5 are where the first member is, the others where nobody is.
#[derive(Debug)]
struct TwoRooms;

impl Rooms for TwoRooms {
    fn of_queue(&self, queue: &MessageQueue) -> String {
        let room = if queue.id < 5 { "here" } else { "deserted" };
        room.to_owned()
    }

    fn of_member(&self, _client_id: &str) -> String {
        "here".to_owned()
    }
}

#[tokio::test]
async fn machine_room_nearby_shares_each_room_by_itself() {
    let strategy = Strategy::MachineRoomNearby {
        inner: Box::new(Strategy::Average),
        rooms: Arc::new(TwoRooms),
    };
    let pair = Pair::start(Cluster::start().await, &strategy).await;

    pair.shares_become(&[0, 1, 2, 5, 6], &[3, 4, 7]).await;

    pair.serves_and_survives().await;
}

#[derive(Debug)]
struct AllToTheLast;

impl Allocate for AllToTheLast {
    fn name(&self) -> &'static str {
        "ALL_TO_THE_LAST"
    }

    fn allocate(
        &self,
        me: &str,
        queues: &[MessageQueue],
        members: &[ByteString],
    ) -> Vec<MessageQueue> {
        let last = members.last().is_some_and(|last| *last == me);
        if last { queues.to_vec() } else { Vec::new() }
    }
}

#[tokio::test]
async fn a_strategy_of_ones_own_is_asked() {
    let strategy = Strategy::Custom(Arc::new(AllToTheLast));
    let pair = Pair::start(Cluster::start().await, &strategy).await;

    pair.shares_become(&[], &[0, 1, 2, 3, 4, 5, 6, 7]).await;

    pair.serves_and_survives().await;
}
