//! Requests and their replies: over sockets and within the process, late, for nobody, and across a
//! restart of the broker.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use mq_core::client::{
    Client, ConcurrentListener, ErrorKind, Outcome, Producer, PushConsumer, RequestError, Target,
};
use mq_core::clock::Clock;
use mq_core::message::{Later, MessageExt, MessageQueue, TopicName, property};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::cluster::{Cluster, LIMIT, eventually, from_the_beginning, message, producer, topic};

/// Replies to each request with its body in capitals, once it may.
struct Capitals {
    producer: Producer,
    may_reply: Arc<Semaphore>,
    /// How each reply went: `None` when it was taken.
    replies: Arc<Mutex<Vec<Option<String>>>>,
}

impl ConcurrentListener for Capitals {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        for request in &batch {
            let permit = self.may_reply.acquire().await.unwrap();
            let body = String::from_utf8_lossy(&request.message.body).to_uppercase();
            let replied = self.producer.reply(request, body).await;
            let outcome = replied.err().map(|error| error.to_string());
            self.replies.lock().push(outcome);
            drop(permit);
        }
        batch.iter().map(|_| Outcome::Done).collect()
    }
}

/// A service that replies to requests in `topic`.
struct Service {
    client: Client,
    consumer: PushConsumer,
    may_reply: Arc<Semaphore>,
    replies: Arc<Mutex<Vec<Option<String>>>>,
}

impl Service {
    async fn start(client: Client, topic: &TopicName, permits: usize) -> Self {
        let (may_reply, replies) = (Arc::new(Semaphore::new(permits)), Arc::default());
        let listener = Capitals {
            producer: producer(&client),
            may_reply: Arc::clone(&may_reply),
            replies: Arc::clone(&replies),
        };
        let consumer = client.push_consumer(from_the_beginning("capitals"));
        let consumer = consumer.subscribe(topic.clone(), "*");
        Self {
            consumer: consumer.start(listener).await.unwrap(),
            client,
            may_reply,
            replies,
        }
    }

    async fn stop(self) {
        self.consumer.shutdown(LIMIT).await.unwrap();
        self.client.shutdown(LIMIT).await.unwrap();
    }
}

async fn ask(
    producer: &Producer,
    topic: &TopicName,
    body: &str,
) -> Result<MessageExt, RequestError> {
    // A new consumer needs a while to find its queues.
    let limit = LIMIT * 4;
    producer
        .request(message(topic, body), Target::Any, limit)
        .await
}

#[tokio::test]
async fn a_request_gets_its_reply_over_sockets_and_within_the_process() {
    let cluster = Cluster::start().await;
    for (name, asking, answering) in [
        ("over sockets", cluster.client(), cluster.client()),
        ("within", cluster.client_within(), cluster.client_within()),
        ("from within", cluster.client_within(), cluster.client()),
        ("to within", cluster.client(), cluster.client_within()),
    ] {
        let topic = topic(&name.replace(' ', "-"));
        let service = Service::start(answering, &topic, 1).await;
        let producer = producer(&asking);

        let reply = ask(&producer, &topic, "one coffee").await.unwrap();

        assert_eq!(reply.message.body, "ONE COFFEE", "{name}");
        let properties = &reply.message.properties;
        assert!(properties.get(property::PUSH_REPLY_TIME).is_some());
        assert!(properties.get(property::ARRIVE_TIME).is_some());
        assert_eq!(reply.message.topic, "DefaultCluster_REPLY_TOPIC");
        assert_eq!(asking.late_replies(), 0);
        asking.shutdown(LIMIT).await.unwrap();
        service.stop().await;
    }
    cluster.stop().await;
}

#[tokio::test]
async fn many_requests_at_a_time_get_each_its_own_reply() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("many"));
    let service = Service::start(cluster.client(), &topic, 8).await;
    let producer = producer(&client);

    let asked = (0..50).map(|n| {
        let (producer, topic) = (&producer, &topic);
        async move { ask(producer, topic, &format!("request {n}")).await }
    });

    for (n, reply) in join_all(asked).await.into_iter().enumerate() {
        assert_eq!(reply.unwrap().message.body, format!("REQUEST {n}"));
    }
    service.stop().await;
    cluster.end([], [client]).await;
}

/// It was sent, waited for in vain, and handled when nobody waited any more.
#[tokio::test]
async fn a_request_that_would_come_when_nobody_waits_for_its_reply_is_not_sent() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("slow"));
    let producer = producer(&client);
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    let first = producer.send_with(message(&topic, "first"), Target::Queue(queue), LIMIT);
    first.await.map(drop).unwrap();
    let limit = Duration::from_secs(2);
    let at = Later::At(Clock::system().now_ms() + 60_000);

    for later in [Later::After(limit), at] {
        let mut request = message(&topic, "late");
        request.deliver(later);
        let queue = producer.queues(&topic).await.unwrap().remove(0);
        let error = producer.request(request, Target::Queue(queue), limit).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Message, "{error}");
        assert!(error.to_string().contains("a shorter delay"), "{error}");
    }

    assert_eq!(cluster.everything(&topic).await.len(), 1);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_reply_that_comes_too_late_is_counted_and_reaches_no_other_request() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("slow"));
    let service = Service::start(cluster.client(), &topic, 0).await;
    let producer = producer(&client);

    let short = Duration::from_millis(200);
    let unanswered = producer.request(message(&topic, "first"), Target::Any, short);
    let error = unanswered.await.unwrap_err();
    assert!(matches!(error, RequestError::NoReply { .. }), "{error}");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    service.may_reply.add_permits(1);

    let reply = ask(&producer, &topic, "second").await.unwrap();
    assert_eq!(reply.message.body, "SECOND");
    eventually("the first reply came", || client.late_replies() == 1).await;
    eventually("both were sent", || service.replies.lock().len() == 2).await;
    // Who replied has done all that there was to do.
    assert_eq!(*service.replies.lock(), [None, None]);
    service.stop().await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn who_replies_to_a_client_that_has_gone_hears_it() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("gone"));
    let service = Service::start(cluster.client(), &topic, 0).await;
    let producer = producer(&client);
    let request = producer.request(
        message(&topic, "anybody there?"),
        Target::Any,
        Duration::from_millis(200),
    );
    assert!(request.await.is_err());
    client.shutdown(LIMIT).await.unwrap();
    service.may_reply.add_permits(1);

    eventually("the reply was tried", || service.replies.lock().len() == 1).await;
    let said = service.replies.lock()[0].clone().unwrap();
    assert!(
        said.contains("push reply message fail, channel of <"),
        "{said}"
    );
    assert!(said.contains("in 1 attempt"), "{said}");
    service.stop().await;
    cluster.stop().await;
}

/// A broker that was started again knows no client until its next heartbeat, up to 30 s later.
#[tokio::test]
async fn after_a_restart_of_the_broker_replies_find_the_client_at_once() {
    let mut cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("again"));
    let service = Service::start(cluster.client(), &topic, 1).await;
    let producer = producer(&client);
    let reply = ask(&producer, &topic, "before").await.unwrap();
    assert_eq!(reply.message.body, "BEFORE");

    let port = cluster.stop_broker().await;
    cluster.start_broker_again(port).await;

    let reply = ask(&producer, &topic, "after").await.unwrap();
    assert_eq!(reply.message.body, "AFTER");
    service.stop().await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_client_that_is_shut_down_ends_its_requests() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("unanswered"));
    let producer = producer(&client);
    let mut request = message(&topic, "x");
    let expected = producer.expect_reply(&mut request, LIMIT * 4).await;
    let expected = expected.unwrap();
    producer.send(request).await.map(drop).unwrap();

    let (reply, shut_down) = tokio::join!(expected.receive(), client.shutdown(LIMIT));

    shut_down.unwrap();
    let error = reply.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ShutDown, "{error}");
    cluster.stop().await;
}

#[tokio::test]
async fn replies_are_stored_as_the_broker_is_set() {
    for (setting, stored) in [
        ("storeReplyMessageEnable=true", vec!["X"]),
        ("storeReplyMessageEnable=false", Vec::new()),
    ] {
        let cluster = Cluster::with(&[setting]).await;
        let (client, topic) = (cluster.client(), topic("kept"));
        let service = Service::start(cluster.client(), &topic, 1).await;

        ask(&producer(&client), &topic, "x")
            .await
            .map(drop)
            .unwrap();

        let replies = TopicName::new("DefaultCluster_REPLY_TOPIC").unwrap();
        let body = |reply: MessageExt| String::from_utf8(reply.message.body.to_vec()).unwrap();
        let found = cluster.everything(&replies).await.into_iter().map(body);
        let found: Vec<_> = found.collect();
        assert_eq!(found, stored, "{setting}");
        service.stop().await;
        cluster.end([], [client]).await;
    }
}

#[tokio::test]
async fn what_is_no_request_cannot_be_replied_to() {
    let cluster = Cluster::start().await;
    let (client, topic) = (cluster.client(), topic("plain"));
    let producer = producer(&client);
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    let sent = producer.send_to(message(&topic, "x"), &queue).await;
    sent.map(drop).unwrap();
    let plain = cluster.everything(&topic).await.remove(0);

    let error = producer.reply(&plain, "y").await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Message);
    let said = error.to_string();
    assert!(said.contains("`CORRELATION_ID` is missing"), "{said}");
    cluster.end([], [client]).await;
}
