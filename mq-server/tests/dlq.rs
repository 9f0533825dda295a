//! `mq dlq`: what it prints, for people and for scripts, and how it ends.

#![expect(clippy::unwrap_used, reason = "a failure is what a test is for")]

use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::client::{
    Client, ClientConfig, ConcurrentListener, ConsumerConfig, Outcome, Producer, ProducerConfig,
    PushConsumer, StartFrom,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, MessageExt, TopicName, property};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::store::disk::MemoryDisk;
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(10);

/// Gives up every message that was not sent again.
struct GivingUp;

impl ConcurrentListener for GivingUp {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let outcome = |message: &MessageExt| {
            let again = message
                .message
                .properties
                .get(property::RESENT_DEAD_LETTERS);
            match again {
                Some(_) => Outcome::Done,
                None => Outcome::DeadLetter {
                    reason: "no product \u{1b}[2J42".to_owned(),
                },
            }
        };
        batch.iter().map(outcome).collect()
    }
}

/// A broker, a producer and a group that gives up what it gets.
struct Scene {
    node: Node,
    namesrv: String,
    client: Client,
    producer: Producer,
    consumer: PushConsumer,
}

impl Scene {
    async fn new() -> Self {
        let names = NamesrvConfig {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            ..NamesrvConfig::default()
        };
        let mut broker = BrokerConfig::default();
        broker.network.bind = Ipv4Addr::LOCALHOST.into();
        broker.network.port = 0;
        broker.storage.segment_size = 1024 * 1024;
        let node = Node::builder().name_server(names).broker(broker);
        let node = node.disk(Arc::new(MemoryDisk::default()));
        let node = node.start().await.unwrap();
        let namesrv = node.name_server().unwrap().from_here().to_string();
        let client = Client::new(ClientConfig::new([namesrv.clone()]), Clock::system()).unwrap();
        let group = GroupName::new("test-producer").unwrap();
        let producer = client.producer(ProducerConfig::new(group)).unwrap();
        client.create_topic(&orders(), 1).await.unwrap();
        let mut config = ConsumerConfig::new(GroupName::new("shop").unwrap());
        config.start_from = StartFrom::FirstOffset;
        let consumer = client.push_consumer(config).subscribe(orders(), "*");
        let consumer = consumer.start(GivingUp).await.unwrap();
        Self {
            node,
            namesrv,
            client,
            producer,
            consumer,
        }
    }

    /// Sends a message, which dies; its id.
    async fn dead(&self, body: &'static str) -> String {
        let sent = self
            .producer
            .send(Message::new(orders(), body))
            .await
            .unwrap();
        let letters = self.client.dead_letters(GroupName::new("shop").unwrap());
        let clock = Clock::system();
        let begun = clock.moment();
        while letters.find(&sent.message_id).await.is_err() {
            assert!(clock.moment().since(begun) < LIMIT, "it does not die");
            clock.sleep(Duration::from_millis(5)).await;
        }
        sent.message_id
    }

    fn mq(&self, words: &[&str]) -> Output {
        run(&[&["dlq"], words, &["-n", &self.namesrv]].concat())
    }

    /// What a command prints that must go well.
    fn told(&self, words: &[&str]) -> String {
        let output = self.mq(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.told(&[words, &["--json"]].concat())).unwrap()
    }

    async fn end(self) {
        self.consumer.shutdown(LIMIT).await.unwrap();
        self.producer.shutdown(LIMIT).await.unwrap();
        self.client.shutdown(LIMIT).await.unwrap();
        self.node.stop(LIMIT).await.unwrap();
    }
}

fn run(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mq"));
    command.args(words).env_remove("NAMESRV_ADDR");
    command.output().unwrap()
}

fn orders() -> TopicName {
    TopicName::new("orders").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_shown_and_sent_again_once() {
    let scene = Scene::new().await;
    let none = scene.told(&["list", "-g", "shop"]);
    assert_eq!(none, "no dead letters\n");
    let first = scene.dead("one").await;
    let second = scene.dead("two").await;

    let table = scene.told(&["list", "-g", "shop"]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    assert!(
        lines[1].starts_with(&first) && lines[2].starts_with(&second),
        "{table}"
    );
    // The escape character of a reason does not reach the terminal.
    assert!(
        lines[1].contains("orders") && lines[1].ends_with("no product  [2J42"),
        "{table}"
    );

    let shown = scene.told(&["show", "-g", "shop", &first]);
    for part in [
        "attempts     1",
        "sent to      orders",
        "body         one",
        "sent again   -",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let whole = &scene.json(&["show", "-g", "shop", &second])[0];
    assert_eq!(
        (&whole["body"], &whole["topic"]),
        (&"two".into(), &"orders".into())
    );
    assert_eq!(whole["properties"]["RETRY_TOPIC"], "orders");

    let said = scene.told(&["resend", "-g", "shop", &first]);
    assert!(
        said.starts_with(&format!("{first} sent to %RETRY%shop as ")),
        "{said}"
    );
    let said = scene.told(&["resend", "-g", "shop", &first]);
    assert!(said.contains("already: nothing is sent"), "{said}");
    let all = scene.json(&["resend", "-g", "shop", "--all", "--to-topic"]);
    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(
        (&all[0]["id"], &all[0]["outcome"]),
        (&second.into(), &"sent".into())
    );
    assert_eq!(all[0]["sentAgain"]["topic"], "orders");
    assert_eq!(
        scene.told(&["resend", "-g", "shop", "--all"]),
        "nothing to send again\n"
    );
    let listed = scene.json(&["list", "-g", "shop", "--limit", "1"]);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(listed[0]["sentAgain"]["topic"], "orders");
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_script_sees_by_the_exit_code_what_went_wrong() {
    let scene = Scene::new().await;
    let id = scene.dead("one").await;
    let ends = |words: &[&str], code: i32, said: &str| {
        let output = scene.mq(words);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {log}");
        assert!(log.contains(said), "{words:?}: {log}");
    };

    ends(
        &["list", "-g", "nobody"],
        3,
        "no broker knows the group `nobody`",
    );
    ends(&["list", "-g", "a/b"], 2, "illegal character '/'");
    ends(
        &["resend", "-g", "shop"],
        2,
        "or send all that were not sent again yet with `--all`",
    );
    ends(&["resend", "-g", "shop", &id, "--all"], 2, "--all");
    // The id that is there is not sent again either.
    ends(
        &["resend", "-g", "shop", &id, "strange"],
        3,
        "has the id `strange`",
    );
    let listed = scene.json(&["list", "-g", "shop"]);
    assert_eq!(listed[0]["sentAgain"], Value::Null);
    let nobody = run(&["dlq", "list", "-g", "shop", "-n", "127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(5), "{nobody:?}");
    scene.end().await;
}
