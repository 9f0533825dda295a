//! `mq topic create|list|delete`: asks a name server for the brokers, then each of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use mq_core::clock::Clock;
use mq_core::message::TopicName;
use mq_core::remoting::{CallError, RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::body::{ClusterInfo, TopicConfigs, TopicList, permission};
use mq_core::wire::header::{
    DeleteTopicInBroker, DeleteTopicInNamesrv, GetAllTopicConfig, GetAllTopicListFromNameserver,
    GetBrokerClusterInfo, UpdateAndCreateTopic,
};
use mq_core::wire::{Reply, Request, fastjson};

use crate::cli::{ClusterArgs, TopicCommand};
use crate::failure::ProgramFailure;
use crate::ready::say;

/// The time limit of one request, and of closing the connections at the end.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

pub(crate) async fn run(command: TopicCommand, clock: Clock) -> Result<(), ProgramFailure> {
    let tasks = Tasks::new(clock.clone());
    let outcome = match command {
        TopicCommand::Create { topic, queues, at } => {
            let cluster = ClusterAdmin::new(at, &clock, &tasks);
            cluster.create(&topic, queues).await
        }
        TopicCommand::List { at } => ClusterAdmin::new(at, &clock, &tasks).list().await,
        TopicCommand::Delete { topic, at } => {
            ClusterAdmin::new(at, &clock, &tasks).delete(&topic).await
        }
    };
    tasks.stop(REQUEST_TIMEOUT).await?;
    outcome
}

struct ClusterAdmin {
    args: ClusterArgs,
    client: RemotingClient,
}

impl ClusterAdmin {
    fn new(args: ClusterArgs, clock: &Clock, tasks: &Tasks) -> Self {
        let config = RemotingClientConfig::default();
        let nothing = Arc::new(Router::default());
        Self {
            args,
            client: RemotingClient::new(config, nothing, clock.clone(), tasks.clone()),
        }
    }

    async fn create(&self, name: &str, queues: u16) -> Result<(), ProgramFailure> {
        let name = TopicName::new(name.to_owned())?;
        for (broker, address) in self.brokers().await? {
            let queues = i32::from(queues);
            let request = UpdateAndCreateTopic {
                topic: name.to_text(),
                default_topic: ByteString::from_static("TBW102"),
                read_queue_nums: queues,
                write_queue_nums: queues,
                perm: permission::READ | permission::WRITE,
                topic_filter_type: Some(ByteString::from_static("SINGLE_TAG")),
                topic_sys_flag: Some(0),
                ..UpdateAndCreateTopic::default()
            };
            self.call(&address, request).await?;
            say(&format!(
                "created {name} with {queues} queues on {broker} ({address})"
            ))?;
        }
        Ok(())
    }

    async fn list(&self) -> Result<(), ProgramFailure> {
        let mut topics: BTreeMap<ByteString, Vec<String>> = BTreeMap::new();
        for name in self.known().await? {
            topics.entry(name).or_default();
        }
        for (broker, address) in self.brokers().await? {
            let reply = self.call(&address, GetAllTopicConfig::default()).await?;
            let configs: TopicConfigs = fastjson::read(&reply.body)?;
            for (name, config) in configs.topic_config_table {
                let queues = format!("{broker}:{}", config.write_queue_nums);
                topics.entry(name).or_default().push(queues);
            }
        }
        for (name, queues) in topics {
            say(format!("{name}\t{}", queues.join(" ")).trim_end())?;
        }
        Ok(())
    }

    async fn delete(&self, name: &str) -> Result<(), ProgramFailure> {
        let name = TopicName::new(name.to_owned())?;
        if !self.known().await?.contains(&name.to_text()) {
            let failure = ProgramFailure::from(format!("there is no topic `{name}`"));
            return Err(failure.advise("`mq topic list` shows all"));
        }
        for (broker, address) in self.brokers().await? {
            let topic = name.to_text();
            self.call(&address, DeleteTopicInBroker { topic }).await?;
            say(&format!("deleted {name} on {broker} ({address})"))?;
        }
        for address in self.name_servers() {
            let request = DeleteTopicInNamesrv {
                topic: name.to_text(),
                cluster_name: self.args.cluster.as_deref().map(ByteString::from),
            };
            self.call(address, request).await?;
        }
        Ok(())
    }

    /// The topics that the name servers know.
    async fn known(&self) -> Result<Vec<ByteString>, ProgramFailure> {
        let reply = self.ask(|| GetAllTopicListFromNameserver).await?;
        let known: TopicList = fastjson::read(&reply.body)?;
        Ok(known.topic_list)
    }

    /// Names and addresses of the masters.
    async fn brokers(&self) -> Result<Vec<(ByteString, String)>, ProgramFailure> {
        let reply = self.ask(|| GetBrokerClusterInfo).await?;
        let info: ClusterInfo = fastjson::read(&reply.body)?;
        let wanted = self.args.cluster.as_deref();
        let brokers = info.broker_addr_table.into_iter();
        let masters: Vec<_> = brokers
            .filter(|(_, broker)| wanted.is_none_or(|cluster| &*broker.cluster == cluster))
            .filter_map(|(name, broker)| {
                let address = broker.broker_addrs.get(&0)?;
                Some((name, address.to_string()))
            })
            .collect();
        if !masters.is_empty() {
            return Ok(masters);
        }
        let clusters: Vec<_> = info.cluster_addr_table.keys().map(|name| &**name).collect();
        let failure = match wanted {
            Some(name) => {
                ProgramFailure::from(format!("no broker of the cluster `{name}` is known"))
                    .advise(format!("there are: {}", clusters.join(", ")))
            }
            None => ProgramFailure::from(format!("{} knows no broker", self.args.namesrv))
                .advise("start one with `mq broker -n …`, or wait until it has registered"),
        };
        Err(failure)
    }

    fn name_servers(&self) -> impl Iterator<Item = &str> {
        let addresses = self.args.namesrv.split(';').map(str::trim);
        addresses.filter(|address| !address.is_empty())
    }

    /// Asks one name server after the other, until one answers.
    async fn ask<R: Request>(
        &self,
        request: impl Fn() -> R,
    ) -> Result<Reply<R::Reply>, ProgramFailure> {
        let mut last = None;
        for address in self.name_servers() {
            match self.call(address, request()).await {
                Err(error) if error.is_transport() => last = Some(error),
                answer => return Ok(answer?),
            }
        }
        let advice = "is the name server running there? name another with `-n HOST:PORT`";
        Err(match last {
            Some(error) => ProgramFailure::from(error).advise(advice),
            None => ProgramFailure::from("no name server is named")
                .advise("name one with `-n HOST:PORT`"),
        })
    }

    async fn call<R: Request>(
        &self,
        address: &str,
        request: R,
    ) -> Result<Reply<R::Reply>, CallError> {
        self.client
            .call(address, request, Bytes::new(), REQUEST_TIMEOUT)
            .await
    }
}
