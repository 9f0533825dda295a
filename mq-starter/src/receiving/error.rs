//! Why nothing is received.

use mq_core::client::PollError;

/// Why nothing is received. That no message is there is no error, nor that no broker responds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The settings have no pull consumer, or the application is turned off.
    #[error(
        "the template receives nothing: set `rocketmq.pull-consumer.group` and \
         `rocketmq.pull-consumer.topic`, and leave `rocketmq.enabled` true"
    )]
    NotConfigured,
    /// The application was shut down, which is final: its templates receive no more.
    #[error(
        "the application was shut down, and its template receives no more: receive before `shutdown`, \
         or with the template of another application"
    )]
    ShutDown,
}

impl From<PollError> for ReceiveError {
    /// There is no other reason to hand nothing over.
    fn from(_shut_down: PollError) -> Self {
        Self::ShutDown
    }
}
