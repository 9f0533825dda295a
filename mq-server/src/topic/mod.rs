//! `mq topic create|list|show|delete`.

mod args;
mod print;

use mq_core::clock::Clock;

pub(crate) use args::TopicCommand;

use crate::admin::{self, Session, failure};
use crate::failure::ProgramFailure;

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
            let created = admin.create_topic(&topic, *queues).await.map_err(failure)?;
            print::created(&topic, *queues, &created.value, at.json)?;
            admin::end(&created)
        }
        TopicCommand::List { all, at } => {
            let mut listed = admin.topics().await.map_err(failure)?;
            if !*all {
                let brokers = admin.brokers().await.map_err(failure)?;
                let is_of_users = |name: &str| !print::is_of_system(name, &brokers);
                listed.value.retain(|topic| is_of_users(&topic.name));
            }
            print::listed(&listed.value, at.json)?;
            admin::end(&listed)
        }
        TopicCommand::Show { topic, at } => {
            let topic = admin::topic(topic)?;
            let shown = admin.topic(&topic).await.map_err(failure)?;
            print::shown(&shown.value, at.json)?;
            admin::end(&shown)
        }
        TopicCommand::Delete { topic, at } => {
            let topic = admin::topic(topic)?;
            let deleted = admin.delete_topic(&topic).await.map_err(failure)?;
            print::deleted(&topic, &deleted.value, at.json)?;
            admin::end(&deleted)
        }
    }
}
