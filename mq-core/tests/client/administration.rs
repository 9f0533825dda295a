//! What administrators see and change through the client.

use std::pin::pin;
use std::time::Duration;

use mq_core::client::{
    AdminError, Client, ConcurrentListener, ErrorKind, Outcome, PushConsumer, QueueChoice, SeekTo,
    SendError, TopicChange, each,
};
use mq_core::clock::Clock;
use mq_core::message::subscription::SelectorType;
use mq_core::message::{Message, MessageExt, MessageQueue, QueueOffset, property};
use mq_core::wire::body::{
    ConsumeMessageDirectlyResult, ConsumerRunningInfo, ConsumerStatus, DirectOutcome, TopicConfig,
    permission,
};
use mq_core::wire::fastjson;
use mq_core::wire::header::{
    ConsumeMessageDirectly, GetConsumerRunningInfo, GetTopicConfig,
    InvokeBrokerToGetConsumerStatus, UpdateAndCreateTopic,
};

use crate::cluster::{
    Cluster, LIMIT, from_the_beginning, group, message, producer, send_all, topic,
};

/// Takes everything.
struct Content;

impl ConcurrentListener for Content {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        batch.iter().map(|_| Outcome::Done).collect()
    }
}

async fn consumer(client: &Client, name: &str) -> PushConsumer {
    let builder = client.push_consumer(from_the_beginning(name));
    let builder = builder.subscribe(topic("orders"), "*");
    builder.start(Content).await.unwrap()
}

/// Waits until the group has committed `offset` in the first queue of `orders`.
async fn until_committed(cluster: &Cluster, name: &str, offset: i64) {
    let clock = Clock::system();
    let begun = clock.moment();
    while cluster.committed(&group(name), &topic("orders")).await < offset {
        assert!(clock.moment().since(begun) < Duration::from_secs(30));
        clock.sleep(Duration::from_millis(10)).await;
    }
}

/// A queue of `orders`.
fn queue(id: i32) -> MessageQueue {
    MessageQueue::new(topic("orders"), "broker-a", id)
}

fn choice(id: i32) -> QueueChoice {
    QueueChoice { broker: None, id }
}

#[tokio::test]
async fn topics_are_created_changed_shown_and_deleted() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    let create = async |queues| {
        let created = admin.create_topic(&topic("orders"), queues).await.unwrap();
        assert!(created.failed.is_empty());
        created.value[0].1
    };

    assert_eq!(create(2).await, TopicChange::Created);
    assert_eq!(create(2).await, TopicChange::Unchanged);
    assert_eq!(create(3).await, TopicChange::Changed);
    send_all(&producer(&client), &topic("orders"), ["a", "b", "c"]).await;

    let listed = admin.topics().await.unwrap().value;
    let orders = listed.iter().find(|listed| listed.name == "orders");
    assert_eq!(orders.unwrap().queues["broker-a"], 3);
    let shown = admin.topic(&topic("orders")).await.unwrap().value;
    let stored: i64 = shown.queues.iter().map(|queue| queue.max - queue.min).sum();
    assert_eq!((shown.queues.len(), stored), (3, 3));
    assert!(shown.stored_per_second > 0.0);

    admin.delete_topic(&topic("orders")).await.unwrap();
    let gone = admin.topic(&topic("orders")).await.unwrap_err();
    assert!(matches!(gone, AdminError::NoTopic(_)), "{gone}");
    let nowhere = admin
        .clone()
        .of_cluster("other")
        .topics()
        .await
        .unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NoRoute);
    assert!(nowhere.to_string().contains("DefaultCluster"), "{nowhere}");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_group_is_shown_with_its_members_its_lag_and_who_has_which_queue() {
    let cluster = Cluster::start().await;
    let (client, member) = (cluster.client(), cluster.client());
    let admin = client.admin();
    client.create_topic(&topic("orders"), 1).await.unwrap();
    send_all(&producer(&client), &topic("orders"), ["a", "b"]).await;
    let consumer = consumer(&member, "shop").await;
    until_committed(&cluster, "shop", 2).await;

    let shown = admin.group(&group("shop"), Some(&topic("orders"))).await;
    let shown = shown.unwrap().value;
    assert_eq!(shown.members.len(), 1);
    assert_eq!(shown.members[0].client_id, member.id());
    let subscribed: Vec<_> = shown.subscriptions.iter().map(|one| &*one.topic).collect();
    assert_eq!(subscribed, ["%RETRY%shop", "orders"]);
    let progress = &shown.queues[0];
    assert_eq!(
        (progress.committed, progress.end, progress.lag()),
        (2, 2, 0)
    );
    assert_eq!(progress.owner.as_deref(), Some(member.id()));
    assert!(progress.consumed_ms.is_some());
    let busy = admin.delete_group(&group("shop")).await.unwrap_err();
    assert!(matches!(busy, AdminError::InUse { members: 1, .. }));

    consumer.shutdown(LIMIT).await.unwrap();
    send_all(&producer_again(&member), &topic("orders"), ["c"]).await;
    let listed = admin.groups().await.unwrap().value;
    let listed = listed.iter().find(|listed| listed.name == "shop").unwrap();
    assert_eq!((listed.members, listed.lag), (0, 1));
    admin.delete_group(&group("shop")).await.unwrap();
    let gone = admin.group(&group("shop"), None).await.unwrap_err();
    assert!(matches!(gone, AdminError::NoGroup(_)), "{gone}");
    cluster.end([], [client, member]).await;
}

fn producer_again(client: &Client) -> mq_core::client::Producer {
    let config = mq_core::client::ProducerConfig::new(group("another-producer"));
    client.producer(config).unwrap()
}

/// `mqadmin consumerStatus` asks so.
#[tokio::test]
async fn a_consumer_says_what_it_is_doing_when_a_broker_passes_the_question_on() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    client.create_topic(&topic("orders"), 1).await.unwrap();
    send_all(&producer(&client), &topic("orders"), ["a", "b"]).await;
    let consumer = consumer(&client, "shop").await;
    until_committed(&cluster, "shop", 2).await;

    let running = GetConsumerRunningInfo {
        consumer_group: "shop".into(),
        client_id: client.id().into(),
        jstack_enable: true,
    };
    let running = cluster.ask(running, bytes::Bytes::new()).await.unwrap();
    let running: ConsumerRunningInfo = fastjson::read(&running.body).unwrap();
    assert_eq!(running.mq_table[&queue(0)].commit_offset, 2);
    let started = &running.properties[ConsumerRunningInfo::STARTED];
    assert!(started.parse::<i64>().unwrap() > 0);
    assert!(running.status_table.contains_key("orders"));

    let status = InvokeBrokerToGetConsumerStatus {
        topic: "orders".into(),
        group: "shop".into(),
        client_addr: None,
    };
    let status = cluster.ask(status, bytes::Bytes::new()).await.unwrap();
    let status: ConsumerStatus = fastjson::read(&status.body).unwrap();
    let offsets: Vec<_> = status.consumer_table[client.id()].values().collect();
    assert_eq!(offsets, [&2]);

    let first = cluster.everything(&topic("orders")).await.remove(0);
    let directly = consumed_directly(&cluster, &client, &first).await;
    assert_eq!(directly.consume_result, Some(DirectOutcome::Success));
    assert_eq!(cluster.committed(&group("shop"), &topic("orders")).await, 2);
    cluster.end([consumer], [client]).await;
}

/// What the consumer of `client` in the group `shop` made of a message that it was given at once.
async fn consumed_directly(
    cluster: &Cluster,
    client: &Client,
    message: &MessageExt,
) -> ConsumeMessageDirectlyResult {
    let request = ConsumeMessageDirectly {
        consumer_group: "shop".into(),
        client_id: Some(client.id().into()),
        msg_id: Some(message.offset_message_id().to_string().into()),
        ..ConsumeMessageDirectly::default()
    };
    let answer = cluster.ask(request, bytes::Bytes::new()).await.unwrap();
    fastjson::read(&answer.body).unwrap()
}

/// It was told as a listener that wants the message again.
#[tokio::test]
async fn a_listener_that_panics_on_a_message_that_it_is_given_at_once_has_thrown() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["a"]).await;
    let consumer = client
        .push_consumer(group("shop"))
        .subscribe(orders.clone(), "*");
    let panics = each(|order: MessageExt| async move {
        assert!(order.message.body.is_empty(), "as told");
    });
    let consumer = consumer.start(panics).await.unwrap();
    let first = cluster.everything(&orders).await.remove(0);

    let directly = consumed_directly(&cluster, &client, &first).await;

    assert_eq!(directly.consume_result, Some(DirectOutcome::ThrowException));
    assert_eq!(directly.remark.unwrap(), "the listener panicked: as told");
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn a_group_goes_on_where_it_is_sent_and_a_preview_sends_it_nowhere() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    let (shop, orders) = (group("shop"), topic("orders"));
    client.create_topic(&orders, 2).await.unwrap();
    let producer = producer(&client);
    for id in [0, 0, 0, 1] {
        let sent = producer.send_to(message(&orders, "x"), &queue(id)).await;
        assert!(sent.is_ok());
    }
    let consumer = consumer(&client, "shop").await;
    until_committed(&cluster, "shop", 3).await;
    consumer.shutdown(LIMIT).await.unwrap();
    let committed = async || cluster.committed(&shop, &orders).await;

    let moves = admin
        .preview_reset(&shop, &orders, SeekTo::Begin, None)
        .await;
    let moves = moves.unwrap().value;
    let planned: Vec<_> = moves.iter().map(|one| (one.queue.id, one.to)).collect();
    assert_eq!(planned, [(0, 0), (1, 0)]);
    assert_eq!(moves[0].from, Some(3));
    assert_eq!(committed().await, 3, "nothing is changed by a preview");

    let done = admin.reset(&shop, &orders, SeekTo::Begin, None).await;
    assert_eq!(done.unwrap().value, moves);
    assert_eq!(committed().await, 0);
    let to = SeekTo::Offset(QueueOffset(2));
    admin
        .reset(&shop, &orders, to, Some(&choice(0)))
        .await
        .unwrap();
    assert_eq!(committed().await, 2);
    admin
        .reset(&shop, &orders, SeekTo::End, None)
        .await
        .unwrap();
    assert_eq!(committed().await, 3);
    admin
        .reset(&shop, &orders, SeekTo::Time(0), None)
        .await
        .unwrap();
    assert_eq!(committed().await, 0);

    let (first, none) = (choice(0), choice(7));
    let beyond = admin.reset(&shop, &orders, SeekTo::Offset(QueueOffset(9)), Some(&first));
    let beyond = beyond.await.unwrap_err();
    assert!(matches!(beyond, AdminError::NoOffset { max: 3, .. }));
    let missing = admin.reset(&shop, &orders, SeekTo::Begin, Some(&none));
    assert!(matches!(missing.await.unwrap_err(), AdminError::NoQueue(_)));
    let unknown = group("nobody");
    let nobody = admin.reset(&unknown, &orders, SeekTo::Begin, None);
    assert!(matches!(nobody.await.unwrap_err(), AdminError::NoGroup(_)));
    assert_eq!(committed().await, 0, "what is refused changes nothing");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn another_group_goes_on_where_a_group_is() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    client.create_topic(&topic("orders"), 1).await.unwrap();
    send_all(&producer(&client), &topic("orders"), ["a", "b"]).await;
    let consumer_of_shop = consumer(&client, "shop").await;
    until_committed(&cluster, "shop", 2).await;
    let (from, to) = (group("shop"), group("shop-copy"));

    let planned = admin.preview_clone(&from, &to, None).await.unwrap().value;
    assert_eq!(cluster.committed(&to, &topic("orders")).await, 0);
    let done = admin.clone_offsets(&from, &to, None).await.unwrap().value;

    assert_eq!(done, planned);
    assert_eq!((done[0].from, done[0].to), (None, 2));
    assert_eq!(cluster.committed(&to, &topic("orders")).await, 2);
    let busy = admin.clone_offsets(&to, &from, None).await.unwrap_err();
    assert!(matches!(busy, AdminError::InUse { .. }), "{busy}");
    cluster.end([consumer_of_shop], [client]).await;
}

#[tokio::test]
async fn messages_are_found_by_id_by_place_by_key_and_by_time() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    let orders = topic("orders");
    client.create_topic(&orders, 2).await.unwrap();
    let producer = producer(&client);
    let mut paid = Message::new(orders.clone(), "paid");
    paid.properties.set(property::KEYS, "k1 k2");
    let sent = producer.send_to(paid, &queue(1)).await.unwrap();
    producer
        .send_to(message(&orders, "other"), &queue(0))
        .await
        .unwrap();
    let bodies = |found: &[(bytestring::ByteString, MessageExt)]| {
        let bodies = found.iter().map(|(_, message)| &message.message.body);
        let mut bodies: Vec<_> = bodies
            .map(|body| String::from_utf8_lossy(body).into_owned())
            .collect();
        bodies.sort_unstable();
        bodies
    };

    for id in [&sent.message_id, &sent.offset_message_id] {
        let found = admin.message(&orders, id).await.unwrap();
        assert_eq!(bodies(&found), ["paid"]);
    }
    let at = admin.message_at(&queue(1), 0).await.unwrap();
    assert_eq!(at.message.body, "paid");
    let stored_at = at.store_timestamp;
    let by_key = async |times| {
        let found = admin.messages_by_key(&orders, "k2", times).await;
        bodies(&found.unwrap().value)
    };
    assert_eq!(by_key(stored_at..=stored_at).await, ["paid"]);
    assert!(by_key(stored_at + 1..=i64::MAX).await.is_empty());
    assert!(by_key(0..=stored_at - 1).await.is_empty());
    let all = admin
        .messages_by_time(&orders, stored_at..=i64::MAX, 10)
        .await;
    assert_eq!(bodies(&all.unwrap().value), ["other", "paid"]);
    let first = admin.messages_by_time(&orders, 0..=i64::MAX, 1).await;
    assert_eq!(first.unwrap().value.len(), 1);
    let none = admin.messages_by_time(&orders, 0..=1, 10).await;
    assert!(none.unwrap().value.is_empty());

    let missing = admin.message(&orders, "nothing").await.unwrap_err();
    assert!(matches!(missing, AdminError::NoMessage { .. }), "{missing}");
    let behind = admin.message_at(&queue(1), 1).await.unwrap_err();
    assert!(matches!(
        behind,
        AdminError::NoOffset { min: 0, max: 1, .. }
    ));
    let nowhere = admin.message_at(&queue(9), 0).await.unwrap_err();
    assert!(matches!(nowhere, AdminError::NoQueue(_)));
    cluster.end([], [client]).await;
}

/// What comes of `work` while the clock goes on.
async fn while_time_goes_on<T>(clock: &Clock, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let system = Clock::system();
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = system.sleep(Duration::from_millis(5)) => {}
        }
        clock.advance(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn what_comes_to_queues_that_a_topic_gets_later_is_seen() {
    let cluster = Cluster::start().await;
    let clock = Clock::manual(Clock::system().now_ms());
    let (client, watching) = (cluster.client(), cluster.client_by(&clock));
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let mut tail = watching.admin().tail(&orders, "*", 0).await.unwrap();

    client.create_topic(&orders, 2).await.unwrap();
    let sent = Message::new(orders.clone(), "later");
    producer(&client).send_to(sent, &queue(1)).await.unwrap();

    let (_, seen) = while_time_goes_on(&clock, tail.next()).await.unwrap();
    assert_eq!((seen.queue_id, &seen.message.body[..]), (1, &b"later"[..]));
    cluster.end([], [client, watching]).await;
}

/// Each second, for each queue, a line said so.
#[tokio::test]
async fn that_a_queue_cannot_be_read_is_told_once_and_what_comes_then_is_seen() {
    let mut cluster = Cluster::start().await;
    let clock = Clock::manual(Clock::system().now_ms());
    let (client, watching) = (cluster.client(), cluster.client_by(&clock));
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let mut tail = watching.admin().tail(&orders, "*", 0).await.unwrap();

    let port = cluster.stop_broker().await;
    let told = while_time_goes_on(&clock, tail.next()).await;
    assert!(matches!(told, Err(AdminError::Browse(_))), "{told:?}");
    let quiet = clock.timeout(Duration::from_secs(10), tail.next());
    let quiet = while_time_goes_on(&clock, quiet).await;
    assert!(quiet.is_err(), "{quiet:?}");
    cluster.start_broker_again(port).await;
    let sent = Message::new(orders.clone(), "back");
    producer(&client).send_to(sent, &queue(0)).await.unwrap();

    let (_, seen) = while_time_goes_on(&clock, tail.next()).await.unwrap();
    assert_eq!(seen.message.body, "back");
    cluster.end([], [client, watching]).await;
}

#[tokio::test]
async fn what_comes_to_a_topic_is_seen_as_it_comes_by_its_tags() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let admin = client.admin();
    let orders = topic("orders");
    client.create_topic(&orders, 2).await.unwrap();
    let producer = producer(&client);
    let tagged = |tag: &str, body: &'static str| {
        let mut message = Message::new(orders.clone(), body);
        message.properties.set(property::TAGS, tag);
        message
    };
    for body in ["old", "older"] {
        producer
            .send_to(tagged("paid", body), &queue(0))
            .await
            .unwrap();
    }

    let mut tail = admin.tail(&orders, "paid || sent", 1).await.unwrap();
    let (broker, last) = tail.next().await.unwrap();
    assert_eq!(
        (&*broker, &last.message.body[..]),
        ("broker-a", &b"older"[..])
    );
    for (tag, body) in [("lost", "a"), ("sent", "b")] {
        producer
            .send_to(tagged(tag, body), &queue(1))
            .await
            .unwrap();
    }
    let (_, next) = tail.next().await.unwrap();
    assert_eq!(next.message.body, "b");

    let by_condition = SelectorType::Sql92;
    let condition = "TAGS IN ('lost', 'paid') AND UNIQ_KEY IS NOT NULL";
    let tail = admin.tail_by(&orders, by_condition, condition, 9);
    let mut tail = tail.await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.push(tail.next().await.unwrap().1.message.body);
    }
    seen.sort();
    assert_eq!(seen, ["a", "old", "older"]);

    let wrong = admin.tail(&orders, "||", 0).await.unwrap_err();
    assert!(matches!(wrong, AdminError::Tags(_)), "{wrong}");
    let wrong = admin.tail_by(&orders, by_condition, "a >", 0).await;
    assert!(matches!(wrong, Err(AdminError::Condition(_))), "{wrong:?}");
    cluster.end([], [client]).await;
}

/// Up to 32 messages were lost beside one that could not be read.
#[tokio::test]
async fn a_damaged_message_does_not_hide_the_others_that_come_to_a_topic() {
    let mut cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    send_all(&producer(&client), &orders, ["a", "b", "c"]).await;
    let all = cluster.everything(&orders).await;
    let port = cluster.stop_broker().await;
    cluster.damage(&all[1]);
    cluster.start_broker_again(port).await;

    let mut tail = client.admin().tail(&orders, "*", 3).await.unwrap();
    for left in [&all[0], &all[2]] {
        assert_eq!(tail.next().await.unwrap().1, *left);
    }
    cluster.end([], [client]).await;
}

/// The starter did so with each topic that it declares, at every start.
#[tokio::test]
async fn a_topic_that_is_created_again_keeps_what_else_is_set() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    let read_only = UpdateAndCreateTopic {
        topic: orders.to_text(),
        read_queue_nums: 1,
        write_queue_nums: 1,
        perm: permission::READ,
        order: true,
        ..UpdateAndCreateTopic::default()
    };
    cluster.ask(read_only, bytes::Bytes::new()).await.unwrap();

    client.create_topic(&orders, 2).await.unwrap();

    let asked = GetTopicConfig {
        topic: orders.to_text(),
        logical: None,
    };
    let reply = cluster.ask(asked, bytes::Bytes::new()).await.unwrap();
    let config: TopicConfig = fastjson::read(&reply.body).unwrap();
    assert_eq!((config.perm, config.order), (permission::READ, true));
    assert_eq!([config.read_queue_nums, config.write_queue_nums], [2, 2]);
    let sent = producer(&client)
        .send(Message::new(orders.clone(), "x"))
        .await;
    assert!(
        matches!(&sent, Err(SendError::NotWritable(topic)) if *topic == orders),
        "{sent:?}"
    );
    cluster.end([], [client]).await;
}

/// The offset stayed behind the last message that came to the listener.
#[tokio::test]
async fn a_consumer_says_how_far_it_is_also_behind_messages_that_it_does_not_want() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let orders = topic("orders");
    client.create_topic(&orders, 1).await.unwrap();
    let builder = client.push_consumer(from_the_beginning("shop"));
    let consumer = builder.subscribe(orders.clone(), "paid").start(Content);
    let consumer = consumer.await.unwrap();
    let producer = producer(&client);
    for tag in ["paid", "lost", "lost"] {
        let mut message = Message::new(orders.clone(), "x");
        message.properties.set(property::TAGS, tag);
        producer.send(message).await.map(drop).unwrap();
    }
    until_committed(&cluster, "shop", 3).await;

    let running = GetConsumerRunningInfo {
        consumer_group: "shop".into(),
        client_id: client.id().into(),
        jstack_enable: false,
    };
    let running = cluster.ask(running, bytes::Bytes::new()).await.unwrap();
    let running: ConsumerRunningInfo = fastjson::read(&running.body).unwrap();

    assert_eq!(running.mq_table[&queue(0)].commit_offset, 3);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn a_broker_that_does_not_answer_is_no_empty_list() {
    let mut cluster = Cluster::start().await;
    let client = cluster.client();
    let port = cluster.stop_broker().await;

    let error = client.admin().topics().await.unwrap_err();

    assert!(matches!(error, AdminError::NoBroker), "{error}");
    cluster.start_broker_again(port).await;
    cluster.end([], [client]).await;
}
