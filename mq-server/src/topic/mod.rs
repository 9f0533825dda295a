//! `mq topic create|list|show|delete`.

mod args;
mod print;

use mq_core::client::{AdminError, TopicQueue};
use mq_core::clock::Clock;
use mq_core::message::TopicName;

pub(crate) use args::TopicCommand;

use crate::admin::{self, Session, failure};
use crate::failure::ProgramFailure;
use crate::output;

pub(crate) async fn run(command: TopicCommand, clock: Clock) -> Result<(), ProgramFailure> {
    let (TopicCommand::Create { at, .. }
    | TopicCommand::List { at, .. }
    | TopicCommand::Show { at, .. }
    | TopicCommand::Delete { at, .. }) = &command;
    let session = Session::open(at, clock)?;
    let outcome = carry_out(&command, &session).await;
    session.close(outcome).await
}

async fn carry_out(command: &TopicCommand, session: &Session) -> Result<(), ProgramFailure> {
    let admin = &session.admin;
    match command {
        TopicCommand::Create { topic, queues, at } => {
            let topic = admin::topic(topic)?;
            let before = match admin.topic(&topic).await {
                Ok(before) => before.value.queues,
                Err(AdminError::NoTopic(_)) => Vec::new(),
                Err(error) => return Err(failure(error)),
            };
            let created = admin.create_topic(&topic, *queues).await.map_err(failure)?;
            print::created(&topic, *queues, &created.value, at.ask.json)?;
            note_hidden(&topic, *queues, &before);
            admin::end(&created)
        }
        TopicCommand::List { all, at } => {
            let mut listed = admin.topics().await.map_err(failure)?;
            if !*all {
                let brokers = admin.brokers().await.map_err(failure)?;
                let is_of_users = |name: &str| !print::is_of_system(name, &brokers);
                listed.value.retain(|topic| is_of_users(&topic.name));
            }
            print::listed(&listed.value, at.ask.json)?;
            admin::end(&listed)
        }
        TopicCommand::Show { topic, at } => {
            let topic = admin::topic(topic)?;
            let shown = admin.topic(&topic).await.map_err(failure)?;
            print::shown(&shown.value, at.ask.json)?;
            admin::end(&shown)
        }
        TopicCommand::Delete { topic, at } => {
            let topic = admin::topic(topic)?;
            let deleted = admin.delete_topic(&topic).await.map_err(failure)?;
            print::deleted(&topic, &deleted.value, at.ask.json)?;
            admin::end(&deleted)
        }
    }
}

/// Says how many messages lie in queues that `topic` has no more.
fn note_hidden(topic: &TopicName, queues: u16, before: &[TopicQueue]) {
    let hidden = before
        .iter()
        .filter(|queue| queue.queue.id >= i32::from(queues));
    let hidden = hidden.filter(|queue| queue.max > queue.min);
    let messages: i64 = hidden
        .clone()
        .map(|queue| queue.max.saturating_sub(queue.min))
        .sum();
    if let Some(last) = hidden.map(|queue| queue.queue.id).max() {
        output::note(&format!(
            "{} in queues from {queues} on, where no consumer reads any more; \
             `mq topic create -t {topic} -q {}` brings them back",
            match messages {
                1 => "1 message lies".to_owned(),
                more => format!("{more} messages lie"),
            },
            last.saturating_add(1)
        ));
    }
}
