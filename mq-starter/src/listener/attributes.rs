//! What an annotation says, as the macro writes it down: constants, placeholders not yet filled.

use super::modes::{ConsumeFromWhere, ConsumeMode, MessageModel, OnDecodeError, SelectorType};

/// The keys of an annotation; `None` means that it does not say.
#[derive(Clone, Copy, Debug)]
pub struct Attributes {
    /// May have placeholders, as every text here.
    pub topic: &'static str,
    /// The group.
    pub consumer_group: &'static str,
    /// The language of the expression.
    pub selector_type: Option<LiteralOrPlaceholder<SelectorType>>,
    /// Which messages of the topic.
    pub selector_expression: Option<&'static str>,
    /// In order or not.
    pub consume_mode: Option<LiteralOrPlaceholder<ConsumeMode>>,
    /// One member or all.
    pub message_model: Option<LiteralOrPlaceholder<MessageModel>>,
    /// Where a new group begins.
    pub consume_from_where: Option<LiteralOrPlaceholder<ConsumeFromWhere>>,
    /// The time at which a new group begins.
    pub consume_timestamp: Option<&'static str>,
    /// Handlers at a time.
    pub consume_thread_number: Option<LiteralOrPlaceholder<i32>>,
    /// Messages in one call of a batch listener, at most.
    pub consume_message_batch_max_size: Option<LiteralOrPlaceholder<i32>>,
    /// Attempts after the first; −1 is the default of the mode.
    pub max_reconsume_times: Option<LiteralOrPlaceholder<i32>>,
    /// The delay level after a failure; −1 is a dead letter, 0 leaves it to the broker.
    pub delay_level_when_next_consume: Option<LiteralOrPlaceholder<i32>>,
    /// How long a queue in order pauses after a failure, in ms.
    pub suspend_current_queue_time_millis: Option<LiteralOrPlaceholder<i32>>,
    /// How long a handler may have a message, in minutes.
    pub consume_timeout: Option<LiteralOrPlaceholder<i32>>,
    /// The pause between two pulls, in ms.
    pub pull_interval: Option<LiteralOrPlaceholder<i32>>,
    /// The most messages of one pull.
    pub pull_batch_size: Option<LiteralOrPlaceholder<i32>>,
    /// How many messages of one queue may wait or be with handlers.
    pub pull_threshold_for_queue: Option<LiteralOrPlaceholder<i32>>,
    /// The same in MiB of bodies.
    pub pull_threshold_size_for_queue: Option<LiteralOrPlaceholder<i32>>,
    /// How many messages of all queues of a topic, instead of each.
    pub pull_threshold_for_topic: Option<LiteralOrPlaceholder<i32>>,
    /// The same in MiB of bodies.
    pub pull_threshold_size_for_topic: Option<LiteralOrPlaceholder<i32>>,
    /// How far the last message of a queue may be ahead of the first unfinished one.
    pub consume_concurrently_max_span: Option<LiteralOrPlaceholder<i32>>,
    /// How long the end of the program waits for handlers, in ms.
    pub await_termination_millis_when_shutdown: Option<LiteralOrPlaceholder<i32>>,
    /// The instance name of a client of the listener's own.
    pub instance_name: Option<&'static str>,
    /// Whether calls are recorded in the message trace.
    pub enable_msg_trace: Option<LiteralOrPlaceholder<bool>>,
    /// The topic of the trace.
    pub customized_trace_topic: Option<&'static str>,
    /// What becomes of a message that the payload's type cannot be made of.
    pub on_decode_error: Option<LiteralOrPlaceholder<OnDecodeError>>,
    /// How long a reply may take to be sent, in ms.
    pub reply_timeout: Option<LiteralOrPlaceholder<i32>>,
    /// Whether the handler may block its thread.
    pub blocking: Option<LiteralOrPlaceholder<bool>>,
}

/// A value that is no text: itself, or a text that the settings fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralOrPlaceholder<T> {
    /// The value.
    Literal(T),
    /// `${key:default}`.
    Placeholder(&'static str),
}

impl Attributes {
    /// Nothing said.
    pub const NONE: Self = Self {
        topic: "",
        consumer_group: "",
        selector_type: None,
        selector_expression: None,
        consume_mode: None,
        message_model: None,
        consume_from_where: None,
        consume_timestamp: None,
        consume_thread_number: None,
        consume_message_batch_max_size: None,
        max_reconsume_times: None,
        delay_level_when_next_consume: None,
        suspend_current_queue_time_millis: None,
        consume_timeout: None,
        pull_interval: None,
        pull_batch_size: None,
        pull_threshold_for_queue: None,
        pull_threshold_size_for_queue: None,
        pull_threshold_for_topic: None,
        pull_threshold_size_for_topic: None,
        consume_concurrently_max_span: None,
        await_termination_millis_when_shutdown: None,
        instance_name: None,
        enable_msg_trace: None,
        customized_trace_topic: None,
        on_decode_error: None,
        reply_timeout: None,
        blocking: None,
    };
}
