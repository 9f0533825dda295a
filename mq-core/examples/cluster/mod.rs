//! Where an example runs: on the cluster whose name server is the first argument or `NAMESRV_ADDR`,
//! otherwise on a broker in this process, which keeps its messages in a temporary directory.

use std::env;
use std::error::Error;
use std::time::Duration;

use mq_core::broker::config::BrokerConfig;
use mq_core::client::{Client, StartError};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, NameError, TopicName};
use mq_core::namesrv::NamesrvConfig;
use mq_core::node::Node;
use tempfile::TempDir;

/// How long anything may take at the end.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// What may go wrong in an example.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// A cluster, and a part of its names that no other run uses.
pub(crate) struct Cluster {
    run: String,
    home: Home,
}

enum Home {
    At(String),
    Here { node: Box<Node>, _folder: TempDir },
}

impl Cluster {
    /// Finds the name server, or starts one and a broker.
    pub(crate) async fn find() -> Result<Self, Failure> {
        let named = env::args().nth(1).or_else(|| env::var("NAMESRV_ADDR").ok());
        let home = match named {
            Some(name_server) => Home::At(name_server),
            None => here().await?,
        };
        let run = format!("{}-{}", Clock::system().now_ms(), std::process::id());
        Ok(Self { run, home })
    }

    /// A client of the cluster.
    pub(crate) fn client(&self) -> Result<Client, StartError> {
        match &self.home {
            Home::At(name_server) => Client::connect([name_server.as_str()]),
            Home::Here { node, .. } => Client::within(node.within(), Clock::system()),
        }
    }

    /// Creates a topic of this run with so many queues on each broker.
    pub(crate) async fn topic(&self, name: &str, queues: u16) -> Result<TopicName, Failure> {
        let topic = TopicName::new(format!("{name}-{}", self.run))?;
        let client = self.client()?;
        client.create_topic(&topic, queues).await?;
        client.shutdown(LIMIT).await?;
        Ok(topic)
    }

    /// A group of this run.
    pub(crate) fn group(&self, name: &str) -> Result<GroupName, NameError> {
        GroupName::new(format!("{name}-{}", self.run))
    }

    /// Stops what was started for this run.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        if let Home::Here { node, .. } = &self.home {
            node.stop(LIMIT).await?;
        }
        Ok(())
    }
}

async fn here() -> Result<Home, Failure> {
    let folder = TempDir::new()?;
    let mut config = BrokerConfig::default();
    config.storage.root = folder.path().to_owned();
    config.storage.segment_size = 16 * 1024 * 1024;
    config.rules.transactions.check_interval = Duration::from_millis(500);
    let node = Node::builder().name_server(NamesrvConfig::default());
    let node = node.broker(config).within_process().start().await?;
    Ok(Home::Here {
        node: Box::new(node),
        _folder: folder,
    })
}
