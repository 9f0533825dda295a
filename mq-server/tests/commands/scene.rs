//! A broker, a client of it, and `mq` as a process that asks it.

use std::net::Ipv4Addr;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::client::{Client, ClientConfig, ConcurrentListener, Outcome, PushConsumer};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, MessageExt, TopicName};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use mq_core::store::disk::MemoryDisk;
use serde_json::Value;

pub(crate) const MQ: &str = env!("CARGO_BIN_EXE_mq");
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// Takes everything.
pub(crate) struct Content;

impl ConcurrentListener for Content {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        batch.iter().map(|_| Outcome::Done).collect()
    }
}

/// A broker with the topic `orders` of one queue.
pub(crate) struct Scene {
    node: Node,
    pub(crate) namesrv: String,
    pub(crate) client: Client,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let names = NamesrvConfig {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            ..NamesrvConfig::default()
        };
        let mut broker = BrokerConfig::default();
        broker.network.bind = Ipv4Addr::LOCALHOST.into();
        broker.network.port = 0;
        broker.identity.name = "broker-a".into();
        broker.storage.segment_size = 1024 * 1024;
        let node = Node::builder().name_server(names).broker(broker);
        let node = node.disk(Arc::new(MemoryDisk::default()));
        let node = node.start().await.unwrap();
        let namesrv = node.name_server().unwrap().from_here().to_string();
        let client = Client::new(ClientConfig::new([namesrv.clone()]), Clock::system()).unwrap();
        client.create_topic(&orders(), 1).await.unwrap();
        Self {
            node,
            namesrv,
            client,
        }
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(MQ);
        command.args(words).args(["-n", &self.namesrv]);
        command.env_remove("NAMESRV_ADDR").env_remove("RUST_LOG");
        command
    }

    pub(crate) fn mq(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// What a command prints that must go well.
    pub(crate) fn told(&self, words: &[&str]) -> String {
        let output = self.mq(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.told(&[words, &["--json"]].concat())).unwrap()
    }

    pub(crate) fn ends(&self, words: &[&str], code: i32, said: &str) {
        let output = self.mq(words);
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {log}");
        assert!(log.contains(said), "{words:?}: {log}");
        // The latter by the parser of words. Only servers log.
        let is_plain = log.starts_with("mq: ") || log.starts_with("error: ");
        assert!(is_plain, "{words:?}: {log}");
        assert!(output.stdout.is_empty(), "{words:?}: {output:?}");
    }

    pub(crate) async fn end(self, consumers: impl IntoIterator<Item = PushConsumer>) {
        for consumer in consumers {
            consumer.shutdown(LIMIT).await.unwrap();
        }
        self.client.shutdown(LIMIT).await.unwrap();
        self.node.stop(LIMIT).await.unwrap();
    }
}

pub(crate) fn orders() -> TopicName {
    TopicName::new("orders").unwrap()
}

pub(crate) fn shop() -> GroupName {
    GroupName::new("shop").unwrap()
}
