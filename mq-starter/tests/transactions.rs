//! Transactions through the template and their listeners, on a broker in the process without a port.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::LocalTransactionState::{Commit, Rollback, Unknown};
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, SendError};
use parking_lot::Mutex;
use tempfile::TempDir;

const START: i64 = 1_800_000_000_000;
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct OrderCreated {
    id: u64,
}

/// How transactions ended, by order, as far as anybody has written it down.
#[derive(Debug, Default)]
struct Database(Mutex<BTreeMap<u64, LocalTransactionState>>);

/// What the listeners were asked.
#[derive(Debug, Default)]
struct Asked(Mutex<Vec<String>>);

impl Asked {
    fn count(&self, what: &str) -> usize {
        let asked = self.0.lock();
        asked.iter().filter(|asked| *asked == what).count()
    }
}

#[derive(Component)]
#[rocketmq_transaction_listener]
struct PlaceOrder {
    database: Inject<Database>,
    asked: Inject<Asked>,
}

impl LocalTransactionListener for PlaceOrder {
    type Message = OrderCreated;
    type Arg = LocalTransactionState;

    async fn execute(
        &self,
        created: &Message<OrderCreated>,
        state: LocalTransactionState,
    ) -> LocalTransactionState {
        assert_eq!(created.tag(), Some("created"));
        assert_eq!(created.transaction_id().len(), 32);
        self.asked
            .0
            .lock()
            .push(format!("execute {}", created.payload().id));
        assert_ne!(created.payload().id, 0, "no such order");
        state
    }

    async fn check(&self, created: &Message<OrderCreated>) -> LocalTransactionState {
        let id = created.payload().id;
        self.asked.0.lock().push(format!("check {id}"));
        let known = self.database.0.lock().get(&id).copied();
        known.unwrap_or(Unknown)
    }
}

/// Another one, whose messages are texts and which always commits.
#[derive(Component)]
#[rocketmq_transaction_listener(name = "greet")]
struct Greet {
    asked: Inject<Asked>,
}

impl LocalTransactionListener for Greet {
    type Message = String;
    type Arg = ();

    async fn execute(&self, _: &Message<String>, (): ()) -> LocalTransactionState {
        Unknown
    }

    async fn check(&self, name: &Message<String>) -> LocalTransactionState {
        self.asked
            .0
            .lock()
            .push(format!("greet {}", name.payload()));
        Commit
    }
}

#[derive(Debug, Default)]
struct Delivered(Mutex<Vec<String>>);

#[rocketmq_message_listener(topic = "${test.topic:orders}", consumer_group = "collector")]
async fn collect(body: String, State(delivered): State<Arc<Delivered>>) -> ConsumeResult {
    delivered.0.lock().push(body);
    Ok(())
}

struct Stage {
    app: Application,
    clock: Clock,
    database: Arc<Database>,
    asked: Arc<Asked>,
    delivered: Arc<Delivered>,
}

impl Stage {
    async fn start(store: &TempDir, disk: &MemoryDisk) -> Self {
        let clock = Clock::manual(START);
        let (database, asked, delivered) = (Arc::default(), Arc::default(), Arc::default());
        let path = store.path().display().to_string();
        let options = SettingsOptions::default()
            .set("rocketmq.embedded.store-path", path)
            .set("rocketmq.producer.group", "shop")
            .set("rocketmq.topics.orders.queues", "1");
        let app = RocketMQApplication::new()
            .settings(options)
            .disk(Arc::new(disk.clone()))
            .clock(clock.clone())
            .provide_as::<Database>(Arc::clone(&database))
            .provide_as::<Asked>(Arc::clone(&asked))
            .provide(Arc::clone(&delivered));
        let app = app.build().await.unwrap();
        app.start().await.unwrap();
        Self {
            app,
            clock,
            database,
            asked,
            delivered,
        }
    }

    /// Lets time go by until `condition` holds; gives how much.
    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) -> Duration {
        let (real, begun) = (Clock::system(), self.clock.moment());
        let really_begun = real.moment();
        while !condition(self) {
            let waited = real.moment().since(really_begun);
            assert!(waited < 30 * SECOND, "not within 30 s: {what}");
            self.clock.advance(SECOND / 10).await;
            real.sleep(SECOND / 1000).await;
        }
        self.clock.moment().since(begun)
    }

    fn delivered(&self) -> Vec<String> {
        let mut delivered = self.delivered.0.lock().clone();
        delivered.sort();
        delivered
    }
}

fn order(id: u64) -> OrderCreated {
    OrderCreated { id }
}

#[tokio::test]
async fn a_message_is_delivered_when_its_transaction_commits_and_only_then() {
    let store = TempDir::new().unwrap();
    let stage = Stage::start(&store, &MemoryDisk::default()).await;
    let template = stage.app.template();
    let send = async |id, state| {
        let created = order(id);
        let sent =
            template.send_message_in_transaction::<PlaceOrder>("orders:created", &created, state);
        sent.await.unwrap().state
    };

    assert_eq!(send(1, Rollback).await, Rollback);
    assert_eq!(send(2, Commit).await, Commit);
    assert_eq!(send(3, Unknown).await, Unknown);
    let open = template
        .begin::<PlaceOrder>("orders:created", &order(4))
        .await;
    open.unwrap().commit().await.map(drop).unwrap();
    let open = template
        .begin::<PlaceOrder>("orders:created", &order(5))
        .await;
    open.unwrap().rollback().await.unwrap();
    drop(
        template
            .begin::<PlaceOrder>("orders:created", &order(6))
            .await
            .unwrap(),
    );

    stage.database.0.lock().extend([(3, Rollback), (6, Commit)]);
    let delivered = |stage: &Stage| stage.delivered().len() == 3;
    stage.until("three are delivered", delivered).await;
    stage
        .until("3 is asked about", |stage| stage.asked.count("check 3") > 0)
        .await;

    let expected = [2, 4, 6].map(|id| format!("{{\"id\":{id}}}"));
    assert_eq!(stage.delivered(), expected);
    stage.app.shutdown().await.unwrap();
}

/// A panic is no end: the caller gets no error, as with Java, and the listener is asked.
#[tokio::test]
async fn a_transaction_that_panics_is_left_to_the_check() {
    let store = TempDir::new().unwrap();
    let stage = Stage::start(&store, &MemoryDisk::default()).await;
    let template = stage.app.template();
    stage.database.0.lock().insert(0, Commit);

    let nothing = order(0);
    let sent =
        template.send_message_in_transaction::<PlaceOrder>("orders:created", &nothing, Commit);
    assert_eq!(sent.await.unwrap().state, Unknown);

    let is_delivered = |stage: &Stage| !stage.delivered().is_empty();
    let took = stage.until("it is delivered", is_delivered).await;
    assert!(took >= 6 * SECOND, "{took:?}");
    assert_eq!(*stage.asked.0.lock(), ["execute 0", "check 0"]);
    stage.app.shutdown().await.unwrap();
}

#[tokio::test]
async fn each_check_goes_to_the_listener_of_its_message_also_after_a_restart() {
    let (store, disk) = (TempDir::new().unwrap(), MemoryDisk::default());
    let stage = Stage::start(&store, &disk).await;
    let template = stage.app.template();
    let world = "world".to_owned();
    let greeting = template.message("orders").payload(&world);
    let greeting = greeting.check_after(SECOND * 20).key("a");
    let sent = greeting.send_in_transaction::<Greet>(()).await.unwrap();
    assert_eq!(sent.state, Unknown);
    let left = template.begin::<PlaceOrder>("orders", &order(7)).await;
    drop(left.unwrap());
    stage.app.shutdown().await.unwrap();
    drop(stage);

    let stage = Stage::start(&store, &disk).await;
    stage.database.0.lock().insert(7, Commit);
    stage
        .until("7 is delivered", |stage| !stage.delivered().is_empty())
        .await;
    assert_eq!(stage.asked.count("greet world"), 0);
    stage
        .until("both are delivered", |stage| stage.delivered().len() == 2)
        .await;

    assert_eq!(stage.delivered(), ["world", "{\"id\":7}"]);
    assert_eq!(stage.asked.count("greet world"), 1);
    stage.app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_listener_of_texts_takes_any_text() {
    let store = TempDir::new().unwrap();
    let stage = Stage::start(&store, &MemoryDisk::default()).await;
    let template = stage.app.template();

    let literal = template.begin::<Greet>("orders", "literal").await;
    literal.unwrap().commit().await.unwrap();
    let owned = template.begin::<Greet>("orders", &"owned".to_owned()).await;
    owned.unwrap().commit().await.unwrap();

    let both = |stage: &Stage| stage.delivered().len() == 2;
    stage.until("both are delivered", both).await;
    assert_eq!(stage.delivered(), ["literal", "owned"]);
    stage.app.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_the_listener_could_not_read_later_is_not_sent() {
    let store = TempDir::new().unwrap();
    let stage = Stage::start(&store, &MemoryDisk::default()).await;
    let template = stage.app.template();

    let message = template.message("orders").payload("no order");
    let error = message.begin::<PlaceOrder>().await.unwrap_err();

    assert!(matches!(error, SendError::NotForListener { .. }), "{error}");
    let said = error.to_string();
    assert!(
        said.contains("`PlaceOrder` cannot read the message"),
        "{said}"
    );
    stage.app.shutdown().await.unwrap();
    let after = template.begin::<PlaceOrder>("orders", &order(1)).await;
    assert!(matches!(after, Err(SendError::ShutDown)), "{after:?}");
}

#[tokio::test]
async fn without_its_listener_no_transaction_begins() {
    let store = TempDir::new().unwrap();
    let path = store.path().display().to_string();
    let options = SettingsOptions::default().set("rocketmq.embedded.store-path", path);
    let app = RocketMQApplication::new()
        .settings(options.set("rocketmq.enabled", "false"))
        .build()
        .await
        .unwrap();

    let created = order(1);
    let sent = app
        .template()
        .send_message_in_transaction::<PlaceOrder>("orders", &created, Commit);

    assert!(matches!(sent.await, Err(SendError::NotRunning)));
    app.shutdown().await.unwrap();
}

#[test]
fn listeners_are_named() {
    use mq_starter::DeclaredTransactionListener;

    assert_eq!(PlaceOrder::NAME, "PlaceOrder");
    assert_eq!(Greet::NAME, "greet");
}
