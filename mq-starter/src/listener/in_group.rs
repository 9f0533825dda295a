//! A listener, and what it wants of its group.

use std::time::Duration;

use mq_core::message::{GroupName, TopicName};
use mq_rules::times::LocalTime;

use super::any_handler::AnyHandler;
use super::declaration::Origin;
use super::handler_times::HandlerTimes;
use super::modes::{ConsumeFromWhere, ConsumeMode, MessageModel, OnDecodeError, SelectorType};
use super::pulling::Pulling;
use super::trace::TraceWish;
use crate::cluster_name::ClusterName;

/// One listener, ready to be called.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) name: &'static str,
    pub(crate) origin: Origin,
    pub(crate) topic: TopicName,
    pub(crate) selector: SelectorType,
    pub(crate) expression: String,
    /// Whether a handler may block its thread.
    pub(crate) blocking: bool,
    /// The delay level after a failure; −1: a dead letter, 0: longer with each attempt.
    pub(crate) delay_level: i32,
    pub(crate) on_decode_error: OnDecodeError,
    /// `None`: as long as any send.
    pub(crate) reply_timeout: Option<Duration>,
    pub(crate) handler: AnyHandler,
}

/// A listener and what it wants of its group.
pub(super) struct ListenerInGroup {
    pub(super) listener: Listener,
    pub(super) cluster: ClusterName,
    pub(super) group: GroupName,
    pub(super) mode: ConsumeMode,
    pub(super) model: MessageModel,
    /// `None`: whatever the others of the group want.
    pub(super) from: Option<ConsumeFromWhere>,
    /// `None`: whatever the others of the group want.
    pub(super) from_time: Option<LocalTime>,
    /// `None`: whatever the others of the group want.
    pub(super) threads: Option<u16>,
    /// Messages in one call, at most; 1 unless it is a batch listener.
    pub(super) batch_size: u16,
    /// −1: the default of the mode; `None`: whatever the others of the group want.
    pub(super) max_reconsume_times: Option<i32>,
    /// The pause in ms after a failure in order; `None`: whatever the others of the group want.
    pub(super) suspend_ms: Option<u32>,
    pub(super) times: HandlerTimes,
    /// `None`: whatever the others of the group want.
    pub(super) instance_name: Option<String>,
    pub(super) trace: TraceWish,
    pub(super) pulling: Pulling,
}
