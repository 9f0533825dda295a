//! `mq dlq`.

use mq_core::client::{
    ConcurrentListener, ConsumerConfig, Outcome, Producer, ProducerConfig, PushConsumer, StartFrom,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, MessageExt, property};
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

use super::scene::{LIMIT, MQ, Scene, orders, shop};

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

/// A producer, and a group that gives up what it gets.
struct Dying {
    scene: Scene,
    producer: Producer,
    consumer: PushConsumer,
}

impl Dying {
    async fn new() -> Self {
        let scene = Scene::new().await;
        let group = GroupName::new("test-producer").unwrap();
        let producer = scene.client.producer(ProducerConfig::new(group)).unwrap();
        let mut config = ConsumerConfig::new(shop());
        config.start_from = StartFrom::FirstOffset;
        let consumer = scene.client.push_consumer(config).subscribe(orders(), "*");
        let consumer = consumer.start(GivingUp).await.unwrap();
        Self {
            scene,
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
        let letters = self.scene.client.dead_letters(shop());
        let clock = Clock::system();
        let begun = clock.moment();
        while letters.find(&sent.message_id).await.is_err() {
            assert!(clock.moment().since(begun) < LIMIT, "it does not die");
            clock.sleep(Duration::from_millis(5)).await;
        }
        sent.message_id
    }

    fn told(&self, words: &[&str]) -> String {
        self.scene.told(&[&["dlq"], words].concat())
    }

    fn json(&self, words: &[&str]) -> Value {
        self.scene.json(&[&["dlq"], words].concat())
    }

    async fn end(self) {
        self.producer.shutdown(LIMIT).await.unwrap();
        self.scene.end([self.consumer]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_shown_and_sent_again_once() {
    let scene = Dying::new().await;
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
async fn the_exit_code_tells_why_no_letter_was_sent() {
    let scene = Dying::new().await;
    let id = scene.dead("one").await;
    let ends = |words: &[&str], code, said| {
        scene.scene.ends(&[&["dlq"], words].concat(), code, said);
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
    let mut nobody = Command::new(MQ);
    let nobody = nobody.args(["dlq", "list", "-g", "shop", "-n", "127.0.0.1:1"]);
    let nobody = nobody.output().unwrap();
    assert_eq!(nobody.status.code(), Some(5), "{nobody:?}");
    let log = String::from_utf8_lossy(&nobody.stderr);
    assert!(log.contains("; is the server running there?"), "{log}");
    let admin = scene.scene.client.admin();
    admin.delete_topic(&orders()).await.unwrap();
    ends(
        &["resend", "-g", "shop", "--all", "--to-topic"],
        3,
        "orders",
    );
    scene.end().await;
}
