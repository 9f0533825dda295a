//! A broker in this process with a producer and consumers on it.
//!
//! Invariant: unless the broker is told to listen, all of them reach it by direct calls, and the process has
//! no socket. The runner looks at the sockets of the process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mq_core::client::{Client, DeadLetter, DeadLetters, ResendTo, Resent};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, MessageQueue, TopicName};
use mq_starter::EmbeddedBroker;
use mq_starter::config::EmbeddedSettings;
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::consume::{self, Member, Subscription};
use crate::plan::Plan;
use crate::report::Report;
use crate::{Failure, produce};

const QUEUES: u16 = 4;
const LIMIT: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(100);
const MOST_DEAD_LETTERS: usize = 1000;

/// What is sent and received. The files are `sent`, `member-N/received`, `dead` and `produced` in `home`.
pub(crate) struct Scene<'a> {
    pub(crate) home: &'a Path,
    pub(crate) topic: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) mode: &'a str,
    pub(crate) expression: &'a str,
    pub(crate) members: usize,
    pub(crate) plan: &'a Path,
}

/// Sends the plan and consumes until standard input ends.
pub(crate) async fn run(scene: &Scene<'_>, listen: Option<String>) -> Result<(), Failure> {
    let settings = EmbeddedSettings {
        store_path: scene.home.join("store"),
        broker_port: 0,
        listen,
        ..EmbeddedSettings::default()
    };
    let broker = EmbeddedBroker::start(&settings).await?;
    let client = broker.client()?;
    client
        .create_topic(&TopicName::new(scene.topic)?, QUEUES)
        .await?;
    let group = format!("{}-group", scene.topic);
    let mut members = Vec::new();
    for number in 0..scene.members {
        members.push(scene.member(&broker, &group, number).await?);
    }
    if scene.mode != "broadcast" {
        settle(&members).await?;
    }
    let sent = scene.home.join("sent");
    produce::run(client, scene.topic, scene.kind, scene.plan, &sent).await?;
    if scene.mode == "dead" {
        scene
            .resend(&broker.client()?, GroupName::new(group)?)
            .await?;
    }
    Report::create(&scene.home.join("produced"))?.line(&json!({ "produced": true }))?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    for (client, consumer) in members {
        consumer.shutdown(LIMIT).await?;
        client.shutdown(LIMIT).await?;
    }
    broker.stop(LIMIT).await?;
    Ok(())
}

impl Scene<'_> {
    async fn member(
        &self,
        broker: &EmbeddedBroker,
        group: &str,
        number: usize,
    ) -> Result<(Client, Member), Failure> {
        let name = format!("member-{number}");
        let home = self.home.join(&name);
        fs::create_dir(&home)?;
        let client = broker.client_with(|settings| consume::as_member(settings, &name))?;
        let subscription = Subscription {
            topic: self.topic,
            group,
            mode: self.mode,
            expression: self.expression,
        };
        let consumer = consume::start(&client, subscription, &home.join("received")).await?;
        Ok((client, consumer))
    }

    /// Waits for the dead letters, a line of `dead` each, and sends each again, once.
    async fn resend(&self, client: &Client, group: GroupName) -> Result<(), Failure> {
        let report = Report::create(&self.home.join("dead"))?;
        let plan = Plan::read(self.plan)?;
        let dying = plan.entries.iter().filter(|entry| entry.color == "again");
        let letters = client.dead_letters(group);
        for letter in wait_for(&letters, dying.count()).await? {
            report.line(&json!({
                "id": letter.message.message_id(),
                "attempts": letter.attempts(),
                "reason": letter.reason() == Some(consume::REASON),
            }))?;
            let (first, second) = (
                letters.resend(&letter, ResendTo::Group).await?,
                letters.resend(&letter, ResendTo::Group).await?,
            );
            if !matches!((&first, &second), (Resent::Now(_), Resent::Before(_))) {
                return Err(format!("sent again: {first:?}, then {second:?}").into());
            }
        }
        client.shutdown(LIMIT).await?;
        Ok(())
    }
}

/// Waits until each member has its share of the queues: what one has begun when its queue goes to another
/// comes there once more.
async fn settle(members: &[(Client, Member)]) -> Result<(), Failure> {
    let clock = Clock::system();
    let begun = clock.moment();
    let share = usize::from(QUEUES) / members.len().max(1);
    let has_share = |(_, member): &(Client, Member)| {
        let Member::Push(consumer) = member else {
            return true;
        };
        let assigned = consumer.assignment();
        let of_topic = |queue: &&MessageQueue| !queue.topic.is_retry();
        assigned.iter().filter(of_topic).count() == share
    };
    while !members.iter().all(has_share) {
        if clock.moment().since(begun) > PATIENCE {
            return Err("the members do not share the queues".into());
        }
        clock.sleep(PAUSE).await;
    }
    Ok(())
}

async fn wait_for(letters: &DeadLetters, wanted: usize) -> Result<Vec<DeadLetter>, Failure> {
    let clock = Clock::system();
    let begun = clock.moment();
    loop {
        let found = letters.list(MOST_DEAD_LETTERS).await?;
        if found.len() >= wanted {
            return Ok(found);
        }
        if clock.moment().since(begun) > PATIENCE {
            return Err(format!("{} of {wanted} dead letters", found.len()).into());
        }
        clock.sleep(PAUSE).await;
    }
}
