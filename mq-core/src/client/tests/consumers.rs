//! What a consumer does when its broker fails.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::stage::{Broker, SECOND, Server, eventually, name_server, topic};
use crate::client::consumer::fetch::{Fetcher, PullPosition};
use crate::client::groups::ConsumerCommand;
use crate::client::{
    COMMITTING_OFFSETS, Client, ClientConfig, ConcurrentListener, ConsumerConfig, LitePullConfig,
    Outcome, PushConsumer, StartError,
};
use crate::clock::Clock;
use crate::message::{GroupName, MessageExt, MessageQueue, QueueOffset};
use crate::remoting::{Incoming, Processor, Router};
use crate::tasks::Unfinished;
use crate::wire::body::{ConsumerIds, ResetOffsetBody};
use crate::wire::header::{
    GetConsumerListByGroup, GetMaxOffset, HeartBeat, HeartBeatReply, OffsetReply, PullMessage,
    PullMessageReply, QueryConsumerOffset, UnregisterClient, UpdateConsumerOffset,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// A broker with one member that does not answer the first commit, and pulls only to refuse them.
#[derive(Clone, Default)]
struct Forgetful {
    member: Arc<Mutex<ByteString>>,
    /// Offsets that were to be committed; the first is not.
    commits: Arc<Mutex<Vec<i64>>>,
    /// Where pulls began.
    pulls: Arc<Mutex<Vec<i64>>>,
    refusal: Option<ResponseCode>,
    /// What a pull is answered with.
    body: Option<&'static [u8]>,
    /// No commit is answered, and nobody is told that he may leave.
    is_silent: bool,
    /// The queue is empty, and gets its first message when its offset has been asked for once.
    empty: bool,
    /// How often the offset was asked for.
    queries: Arc<AtomicUsize>,
}

impl Forgetful {
    async fn start(&self) -> Broker {
        let router = Router::default()
            .on::<HeartBeat>(self.clone())
            .on::<GetConsumerListByGroup>(self.clone())
            .on::<QueryConsumerOffset>(self.clone())
            .on::<GetMaxOffset>(self.clone())
            .on::<UpdateConsumerOffset>(self.clone())
            .on::<UnregisterClient>(self.clone())
            .on::<PullMessage>(self.clone());
        Broker {
            server: Server::start(router).await,
            taken: Arc::default(),
            heartbeats: Arc::default(),
            asked: Arc::default(),
        }
    }

    /// A consumer that this broker takes for the only one of its group.
    async fn only_member(&self, client: &Client) -> PushConsumer {
        *self.member.lock() = client.id().into();
        let config = ConsumerConfig::new(GroupName::new("shop").unwrap());
        let consumer = client.push_consumer(config).subscribe(topic(), "*");
        consumer.start(Nothing).await.unwrap()
    }
}

impl Processor<HeartBeat> for Forgetful {
    async fn process(&self, _: Incoming<HeartBeat>) -> Result<Reply<HeartBeatReply>, Refusal> {
        Ok(Reply::ok(HeartBeatReply::default()))
    }
}

impl Processor<GetConsumerListByGroup> for Forgetful {
    async fn process(
        &self,
        _: Incoming<GetConsumerListByGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let ids = ConsumerIds {
            consumer_id_list: vec![self.member.lock().clone()],
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&ids)))
    }
}

impl Processor<QueryConsumerOffset> for Forgetful {
    async fn process(
        &self,
        _: Incoming<QueryConsumerOffset>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        let query = self.queries.fetch_add(1, Ordering::Relaxed);
        if self.empty {
            return match query {
                0 => Err(Refusal::new(ResponseCode::QUERY_NOT_FOUND, "as told")),
                _ => Ok(Reply::ok(OffsetReply { offset: 0 })),
            };
        }
        let offset = self
            .commits
            .lock()
            .iter()
            .skip(1)
            .last()
            .copied()
            .unwrap_or(7);
        Ok(Reply::ok(OffsetReply { offset }))
    }
}

impl Processor<GetMaxOffset> for Forgetful {
    async fn process(&self, _: Incoming<GetMaxOffset>) -> Result<Reply<OffsetReply>, Refusal> {
        let offset = i64::from(self.queries.load(Ordering::Relaxed) > 0);
        Ok(Reply::ok(OffsetReply { offset }))
    }
}

impl Processor<UpdateConsumerOffset> for Forgetful {
    async fn process(
        &self,
        request: Incoming<UpdateConsumerOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let first = {
            let mut commits = self.commits.lock();
            commits.push(request.header.commit_offset.unwrap_or(-1));
            commits.len() == 1
        };
        if first || self.is_silent {
            std::future::pending::<()>().await;
        }
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<UnregisterClient> for Forgetful {
    async fn process(&self, _: Incoming<UnregisterClient>) -> Result<Reply<NoFields>, Refusal> {
        if self.is_silent {
            std::future::pending::<()>().await;
        }
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<PullMessage> for Forgetful {
    async fn process(
        &self,
        request: Incoming<PullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        self.pulls.lock().push(request.header.queue_offset);
        match self.refusal {
            Some(code) => Err(Refusal::new(code, "as told")),
            None => match self.body {
                Some(body) => Ok(Reply::ok(PullMessageReply::default()).with_body(body)),
                None => std::future::pending().await,
            },
        }
    }
}

struct Nothing;

impl ConcurrentListener for Nothing {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        vec![Outcome::Done; batch.len()]
    }
}

/// What the queue was moved to was lost when the commit failed: the queue was taken anew at the
/// offset that the broker had.
#[tokio::test]
async fn a_queue_is_not_taken_anew_before_the_offset_that_it_was_moved_to_is_committed() {
    let forgetful = Forgetful::default();
    let broker = forgetful.start().await;
    let names = name_server(&[&broker]).await;
    let mut config = ClientConfig::new([names.address.clone()]);
    config.timings.api_timeout = Duration::from_millis(200);
    let client = Client::new(config, Clock::system()).unwrap();
    let consumer = forgetful.only_member(&client).await;
    eventually("it pulls", || *forgetful.pulls.lock() == [7]).await;

    let queue = MessageQueue::new(topic(), "broker-0", 0);
    let offset_table = BTreeMap::from([(queue, 3)]);
    let order = ConsumerCommand::Reset(ResetOffsetBody { offset_table });
    assert!(client.0.groups.lock().command("shop", order).is_ok());

    eventually("it pulls again", || forgetful.pulls.lock().len() == 2).await;
    assert_eq!(*forgetful.pulls.lock(), [7, 3]);
    assert_eq!(*forgetful.commits.lock(), [3, 3]);
    consumer.shutdown(SECOND).await.unwrap();
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

/// The limit was one for listener calls: each request after them had the time of a request, so that a
/// shutdown with a limit of 300 ms took 6 s.
#[tokio::test]
async fn a_shutdown_ends_at_its_deadline_whatever_a_broker_leaves_unanswered() {
    let silent = Forgetful {
        is_silent: true,
        ..Forgetful::default()
    };
    let broker = silent.start().await;
    let names = name_server(&[&broker]).await;
    let client = Client::new(ClientConfig::new([names.address.clone()]), Clock::system()).unwrap();
    let push = silent.only_member(&client).await;
    let config = LitePullConfig::new(GroupName::new("report").unwrap());
    let lite = client.lite_pull_consumer(config).subscribe(topic(), "*");
    let lite = lite.start().await.unwrap();
    eventually("both have the queue", || {
        push.assignment().len() == 1 && lite.assignment().len() == 1
    })
    .await;
    let queue = MessageQueue::new(topic(), "broker-0", 0);
    let offset_table = BTreeMap::from([(queue, 8)]);
    let order = ConsumerCommand::Reset(ResetOffsetBody { offset_table });
    assert_eq!(client.0.groups.lock().command("shop", order), Ok(()));
    eventually("it is moved", || *silent.commits.lock() == [8]).await;
    let limit = Duration::from_millis(300);
    let clock = Clock::system();
    let begun = clock.moment();

    let stopped = tokio::join!(push.shutdown(limit), lite.shutdown(limit));

    assert!(clock.moment().since(begun) < SECOND * 2);
    let unfinished = Err(Unfinished(vec![COMMITTING_OFFSETS]));
    assert_eq!(stopped, (unfinished.clone(), unfinished));
    // They were sent all the same.
    let mut commits = silent.commits.lock().clone();
    commits.sort_unstable();
    assert_eq!(commits, [7, 8, 8]);
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

/// A queue was empty when the group's offset was asked for and had a message when its end was: the
/// group began behind the first message of a new topic.
#[tokio::test]
async fn the_first_message_of_a_queue_is_not_passed_over_when_it_comes_between_two_answers() {
    let filling = Forgetful {
        empty: true,
        ..Forgetful::default()
    };
    let broker = filling.start().await;
    let names = name_server(&[&broker]).await;
    let config = ClientConfig::new([names.address.clone()]);
    let client = Client::new(config, Clock::system()).unwrap();
    let consumer = filling.only_member(&client).await;

    eventually("it pulls", || !filling.pulls.lock().is_empty()).await;
    assert_eq!(*filling.pulls.lock(), [0]);
    consumer.shutdown(SECOND).await.unwrap();
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

#[tokio::test]
async fn a_broker_that_is_busy_is_asked_again_after_20_ms() {
    let busy = Forgetful {
        refusal: Some(ResponseCode::FLOW_CONTROL),
        ..Forgetful::default()
    };
    let broker = busy.start().await;
    let names = name_server(&[&broker]).await;
    let clock = Clock::manual(0);
    let config = ClientConfig::new([names.address.clone()]);
    let client = Client::new(config, clock.clone()).unwrap();
    let consumer = busy.only_member(&client).await;
    eventually("it pulls", || busy.pulls.lock().len() == 1).await;

    let begun = clock.moment();
    while busy.pulls.lock().len() < 3 {
        assert!(clock.moment().since(begun) < SECOND, "it waits too long");
        clock.advance(Duration::from_millis(20)).await;
        Clock::system().sleep(Duration::from_millis(20)).await;
    }

    consumer.shutdown(SECOND).await.unwrap();
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

/// It was told as a refusal of the broker, which had refused nothing.
#[tokio::test]
async fn records_that_cannot_be_read_are_no_refusal_of_the_broker() {
    let strange = Forgetful {
        body: Some(b"no record at all"),
        ..Forgetful::default()
    };
    let broker = strange.start().await;
    let names = name_server(&[&broker]).await;
    let config = ClientConfig::new([names.address.clone()]);
    let client = Client::new(config, Clock::system()).unwrap();
    assert!(client.0.refresh(&topic()).await.unwrap());
    let config = ConsumerConfig::new(GroupName::new("shop").unwrap());
    let fetcher = Fetcher::new(&client.0, &config, &Arc::default());
    let queue = MessageQueue::new(topic(), "broker-0", 0);
    let mut position = PullPosition::at(QueueOffset(0));

    let outcome = fetcher.fetch(&queue, &mut position, None).await;

    let error = outcome.unwrap_err();
    assert_eq!(error.code(), None);
    let told = error.to_string();
    assert!(
        told.contains("the records that broker-0 sent cannot be read"),
        "{told}"
    );
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

/// A client that was shut down has no connections any more, and a consumer on it would never get
/// anything.
#[tokio::test]
async fn a_consumer_whose_client_is_shut_down_while_it_starts_does_not_start() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let client = Client::new(ClientConfig::new([address]), Clock::system()).unwrap();
    let group = GroupName::new("late").unwrap();
    let consumer = client
        .push_consumer(ConsumerConfig::new(group))
        .subscribe(topic(), "*");

    let (started, stopped) = tokio::join!(consumer.start(Nothing), client.shutdown(SECOND));

    assert!(matches!(started, Err(StartError::ShutDown)));
    stopped.unwrap();
}
