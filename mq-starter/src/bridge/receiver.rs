//! The pull consumer of the template, and how it ends.

use std::path::PathBuf;

use mq_core::client::{Client, LitePullConfig, LitePullConsumer};

use super::errors::could_not;
use crate::config::PullConsumerSettings;
use crate::ending::Ending;
use crate::problem::ApplicationError;
use crate::stopping::ShutdownProblem;

/// The running pull consumer of the template.
#[derive(Debug)]
pub(crate) struct RunningReceiver {
    consumer: LitePullConsumer,
}

impl RunningReceiver {
    pub(super) async fn start(
        client: &Client,
        settings: &PullConsumerSettings,
        offset_directory: Option<PathBuf>,
    ) -> Result<Self, ApplicationError> {
        let group = &settings.group;
        let mut config = LitePullConfig::new(group.clone());
        config.message_model = settings.message_model;
        config.pull_batch_size = settings.pull_batch_size;
        config.offset_directory = offset_directory;
        config.trace = settings.trace.settings();
        let (topic, expression) = (settings.topic.clone(), settings.selector_expression.clone());
        let consumer = client
            .lite_pull_consumer(config)
            .subscribe_by(topic, settings.selector_type, expression)
            .start()
            .await;
        let consumer = consumer.map_err(could_not(format!(
            "start the pull consumer of group `{group}`"
        )))?;
        Ok(Self { consumer })
    }

    pub(crate) fn consumer(&self) -> &LitePullConsumer {
        &self.consumer
    }

    /// Commits what was acknowledged and leaves the group; returns what did not end in time.
    pub(crate) async fn stop(self, ending: &Ending) -> Vec<ShutdownProblem> {
        let stopped = self.consumer.shutdown(ending.left()).await;
        ShutdownProblem::tasks(stopped, Some(self.consumer.group())).collect()
    }
}
