//! Listeners that write down what they get and answer what a test wants.

use std::sync::Arc;

use mq_core::client::{
    Client, ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome, PushConsumer,
};
use mq_core::message::{MessageExt, TopicName};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use crate::cluster::from_the_beginning;

/// What a listener got, in the order in which it got it.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Vec<MessageExt>>>);

impl Seen {
    pub(crate) fn add(&self, batch: Vec<MessageExt>) {
        self.0.lock().extend(batch);
    }

    pub(crate) fn all(&self) -> Vec<MessageExt> {
        self.0.lock().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn bodies(&self) -> Vec<String> {
        let body = |message: &MessageExt| String::from_utf8_lossy(&message.message.body).into();
        self.0.lock().iter().map(body).collect()
    }

    pub(crate) fn sorted_bodies(&self) -> Vec<String> {
        let mut bodies = self.bodies();
        bodies.sort();
        bodies
    }
}

/// Answers each message with what the function says.
pub(crate) struct Each<F>(pub(crate) Seen, pub(crate) F);

impl<F: Fn(&MessageExt) -> Outcome + Send + Sync + 'static> ConcurrentListener for Each<F> {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let outcomes = batch.iter().map(&self.1).collect();
        self.0.add(batch);
        outcomes
    }
}

/// Holds each call until a test lets it go, by a permit; then all of it is done.
pub(crate) struct Gate(pub(crate) Seen, pub(crate) Arc<Semaphore>);

impl Gate {
    async fn pass(&self, batch: Vec<MessageExt>) {
        self.0.add(batch);
        self.1.acquire().await.unwrap().forget();
    }
}

impl ConcurrentListener for Gate {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let done = vec![Outcome::Done; batch.len()];
        self.pass(batch).await;
        done
    }
}

impl OrderlyListener for Gate {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        let done = vec![OrderlyOutcome::Done; batch.len()];
        self.pass(batch).await;
        done
    }
}

/// Everything is done at once.
pub(crate) fn done(seen: &Seen) -> impl ConcurrentListener {
    Each(seen.clone(), |_: &MessageExt| Outcome::Done)
}

/// A consumer of the group `name` that begins at the first message of `topic`; everything is done at once.
pub(crate) async fn consuming(
    client: &Client,
    name: &str,
    topic: &TopicName,
    seen: &Seen,
) -> PushConsumer {
    let consumer = client.push_consumer(from_the_beginning(name));
    let consumer = consumer.subscribe(topic.clone(), "*");
    consumer.start(done(seen)).await.unwrap()
}

/// Answers each message, in order, with what the function says.
pub(crate) struct InOrder<F>(pub(crate) Seen, pub(crate) F);

impl<F: Fn(&MessageExt) -> OrderlyOutcome + Send + Sync + 'static> OrderlyListener for InOrder<F> {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        let outcomes = batch.iter().map(&self.1).collect();
        self.0.add(batch);
        outcomes
    }
}
