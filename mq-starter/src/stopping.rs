//! What did not end as it should when an application was shut down, one variant for each cause.

use std::time::Duration;

use mq_core::client::COMMITTING_OFFSETS;
use mq_core::message::{GroupName, TopicName};
use mq_core::stopping::{StopError, StopProblem};
use mq_core::tasks::Unfinished;

/// One thing that did not end as it should when an application was shut down.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShutdownProblem {
    /// A listener has not ended. Its message will be delivered again.
    #[error(
        "the listener `{listener}` has had the message `{message_id}` of the topic `{topic}` for {:.1} s",
        held.as_secs_f64()
    )]
    Listener {
        /// The name of the listener.
        listener: &'static str,
        /// The topic of the message.
        topic: TopicName,
        /// The id of the message.
        message_id: String,
        /// How long it has had the message.
        held: Duration,
    },
    /// A background task has not ended.
    #[error("the task `{task}`{}", of_group(group.as_ref()))]
    Task {
        /// What the task does.
        task: &'static str,
        /// The consumer group that it works for, if any.
        group: Option<GroupName>,
    },
    /// A broker did not answer, so that messages of the group may come again.
    #[error("the offsets of the group `{0}` may not be committed: a broker does not answer")]
    Offsets(GroupName),
    /// Connections of the web server were closed before their requests were answered.
    #[error(
        "the web server cut {connections} of its connections: their requests were not answered within \
         {after:?}"
    )]
    ConnectionsCut {
        /// How many connections were cut.
        connections: usize,
        /// How long their requests had to be answered.
        after: Duration,
    },
    /// Connections of the web server stay open after they were cut.
    #[error("the web server still has {0} connections: handlers of their requests block")]
    ConnectionsOpen(usize),
    /// The broker in the process did not stop as it should.
    #[error(transparent)]
    Broker(StopProblem),
}

impl ShutdownProblem {
    /// Whether it took longer than it may, so that a longer `rocketmq.shutdown-timeout` may help.
    pub fn is_late(&self) -> bool {
        match self {
            Self::Broker(problem) => matches!(problem, StopProblem::Late { .. }),
            _ => true,
        }
    }

    /// The tasks that did not end, of a group or of the application.
    pub(crate) fn tasks(
        stopped: Result<(), Unfinished>,
        group: Option<&GroupName>,
    ) -> impl Iterator<Item = Self> {
        let names = stopped.err().map(|unfinished| unfinished.0);
        names.into_iter().flatten().map(move |task| match group {
            Some(group) if task == COMMITTING_OFFSETS => Self::Offsets(group.clone()),
            group => Self::Task {
                task,
                group: group.cloned(),
            },
        })
    }

    /// What did not end as it should in the broker.
    pub(crate) fn broker(stopped: Result<(), StopError>) -> impl Iterator<Item = Self> {
        let problems = stopped.err().map(StopError::into_problems);
        problems.into_iter().flatten().map(Self::Broker)
    }
}

fn of_group(group: Option<&GroupName>) -> String {
    group.map_or_else(String::new, |group| format!(" of the group `{group}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_that_no_broker_confirmed_are_told_as_what_comes_again() {
        let group = GroupName::new("shop").unwrap();
        let unfinished = Err(Unfinished(vec!["listener", COMMITTING_OFFSETS]));

        let told = ShutdownProblem::tasks(unfinished, Some(&group));

        let told: Vec<_> = told.map(|problem| problem.to_string()).collect();
        assert_eq!(
            told,
            [
                "the task `listener` of the group `shop`",
                "the offsets of the group `shop` may not be committed: a broker does not answer",
            ]
        );
    }
}
