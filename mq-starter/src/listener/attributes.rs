//! What an annotation says, as the macro writes it down: constants, placeholders not yet filled.

use super::modes::{ConsumeMode, MessageModel, OnDecodeError, SelectorType};

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
    /// Handlers at a time.
    pub consume_thread_number: Option<LiteralOrPlaceholder<i32>>,
    /// Attempts after the first; −1 is the default of the mode.
    pub max_reconsume_times: Option<LiteralOrPlaceholder<i32>>,
    /// The delay level after a failure; −1 is a dead letter, 0 leaves it to the broker.
    pub delay_level_when_next_consume: Option<LiteralOrPlaceholder<i32>>,
    /// How long a queue in order pauses after a failure, in ms.
    pub suspend_current_queue_time_millis: Option<LiteralOrPlaceholder<i32>>,
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
        consume_thread_number: None,
        max_reconsume_times: None,
        delay_level_when_next_consume: None,
        suspend_current_queue_time_millis: None,
        on_decode_error: None,
        reply_timeout: None,
        blocking: None,
    };
}
