//! The membership of a pull consumer in its group, until it is shut down.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::PullError;
use crate::client::cluster::{ClusterClient, Role};
use crate::client::consumer::running_info;
use crate::client::error::StartError;
use crate::client::groups::{ConsumerCommand, RegisteredConsumer};
use crate::message::GroupName;
use crate::wire::body::{ConsumeFromWhere, ConsumeType, ConsumerData, MessageModel};

#[derive(Debug)]
pub(super) struct Member {
    pub(super) cluster: Arc<ClusterClient>,
    pub(super) group: GroupName,
    /// Cancelled when the consumer is shut down.
    stopped: CancellationToken,
}

impl Member {
    pub(super) fn join(cluster: &Arc<ClusterClient>, group: GroupName) -> Result<Self, StartError> {
        if cluster.tasks.is_stopping() {
            return Err(StartError::ShutDown);
        }
        let (commands, received) = ConsumerCommand::queue();
        let member = RegisteredConsumer {
            data: ConsumerData {
                group_name: group.to_text(),
                consume_type: ConsumeType::ConsumeActively,
                message_model: MessageModel::Clustering,
                consume_from_where: ConsumeFromWhere::default(),
                subscription_data_set: Vec::new(),
                unit_mode: false,
            },
            topics: Vec::new(),
            commands,
        };
        cluster.groups.lock().add_consumer(&group, member)?;
        let answering = answer(received, cluster.clock.now_ms());
        cluster
            .tasks
            .spawn_until_stop("answering administrators", answering);
        cluster.heartbeat_is_due();
        Ok(Self {
            cluster: Arc::clone(cluster),
            group,
            stopped: CancellationToken::new(),
        })
    }

    /// Leaves the group; a second call does nothing.
    pub(super) async fn leave(&self) {
        if self.stopped.is_cancelled() {
            return;
        }
        self.stopped.cancel();
        self.cluster.groups.lock().remove_consumer(&self.group);
        let cluster = &self.cluster;
        let deadline = cluster.clock.moment().plus(cluster.timings.api_timeout);
        cluster.leave(&self.group, Role::Consumer, deadline).await;
    }

    /// The outcome of `asked`, unless the consumer or its client is shut down meanwhile.
    pub(super) async fn unless_shut_down<T>(
        &self,
        asked: impl Future<Output = Result<T, PullError>>,
    ) -> Result<T, PullError> {
        tokio::select! {
            biased;
            () = self.stopped.cancelled() => Err(PullError::ShutDown),
            () = self.cluster.tasks.stopping() => Err(PullError::ShutDown),
            outcome = asked => outcome,
        }
    }
}

/// Says what the consumer is doing to whoever asks, until it leaves the group. A reset is not followed,
/// since the application keeps the offsets.
async fn answer(mut commands: mpsc::Receiver<ConsumerCommand>, started_ms: i64) {
    while let Some(command) = commands.recv().await {
        if let ConsumerCommand::Describe(asker) = command {
            let info = running_info::of_any(
                ConsumeType::ConsumeActively,
                started_ms,
                &BTreeMap::default(),
            );
            // Whoever asked may have gone.
            let _unwanted = asker.send(info);
        }
    }
}
