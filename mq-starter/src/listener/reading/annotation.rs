//! What a listener and its group are, by annotation and settings.

use std::time::Duration;

use mq_core::message::{GroupName, TopicName};
use mq_rules::times::{self, LocalTime};

use super::names::{group_name, topic_name};
use crate::config::{ListenerSettings, Settings, selector_expression};
use crate::listener::any_handler::AnyHandler;
use crate::listener::declaration::{Declaration, MessageListener};
use crate::listener::handler_times::HandlerTimes;
use crate::listener::in_group::{Listener, ListenerInGroup};
use crate::listener::modes::{
    ConsumeFromWhere, ConsumeMode, MessageModel, Named, OnDecodeError, SelectorType,
};
use crate::listener::pulling::Pulling;
use crate::listener::trace::TraceWish;
use crate::problem::Problem;
use crate::state::{AppState, Assembly};

/// An annotation being read. What is wrong with it goes to `problems`.
pub(in crate::listener) struct Reading<'a> {
    pub(super) declaration: &'static Declaration,
    listener: &'static MessageListener,
    pub(super) settings: &'a Settings,
    pub(super) laid_over: Option<&'a ListenerSettings>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl<'a> Reading<'a> {
    pub(in crate::listener) fn new(
        declaration: &'static Declaration,
        listener: &'static MessageListener,
        settings: &'a Settings,
        problems: &'a mut Vec<Problem>,
    ) -> Self {
        Self {
            declaration,
            listener,
            settings,
            laid_over: None,
            problems,
        }
    }

    /// Lays over what the settings say about this listener.
    pub(in crate::listener) fn lay_over(&mut self, settings: Option<&'a ListenerSettings>) {
        self.laid_over = settings;
    }

    /// The group and the topic, by which the settings name a listener.
    pub(in crate::listener) fn names(&mut self) -> Option<(GroupName, TopicName)> {
        let attributes = &self.listener.attributes;
        let group = self.filled("consumer_group", attributes.consumer_group);
        let group = group.and_then(|text| self.checked("consumer_group", &text, group_name));
        let topic = self.filled("topic", attributes.topic);
        let topic = topic.and_then(|text| self.checked("topic", &text, topic_name));
        group.zip(topic)
    }

    /// The listener and what it wants of its group; `None` when something is wrong.
    pub(in crate::listener) fn listener_in_group(
        &mut self,
        names: Option<(GroupName, TopicName)>,
        state: &AppState,
    ) -> Option<ListenerInGroup> {
        let before = self.problems.len();
        let attributes = &self.listener.attributes;
        let mode = self.value("consume_mode", attributes.consume_mode, ConsumeMode::read);
        let model = self.value(
            "message_model",
            attributes.message_model,
            MessageModel::read,
        );
        let (from, from_time) = self.start();
        let threads = attributes.consume_thread_number;
        let threads = self.number("consume_thread_number", threads);
        let retries = attributes.max_reconsume_times;
        let retries = self.number("max_reconsume_times", retries);
        let pause = attributes.suspend_current_queue_time_millis;
        let pause = self.number("suspend_current_queue_time_millis", pause);
        let level = attributes.delay_level_when_next_consume;
        let level = self.number("delay_level_when_next_consume", level);
        let reply_timeout = attributes.reply_timeout;
        let reply_timeout = self.number("reply_timeout", reply_timeout);
        let on_decode_error = attributes.on_decode_error;
        let on_decode_error = self.value("on_decode_error", on_decode_error, OnDecodeError::read);
        let selector = self.value(
            "selector_type",
            attributes.selector_type,
            SelectorType::read,
        );
        let selector = selector.unwrap_or_default();
        let expression = self.expression(selector);
        let (handler, is_reply) = self.handler(state);
        let batch_size = self.batch_size(handler.as_ref());
        let blocking = self.truth("blocking", attributes.blocking);
        if handler.as_ref().is_some_and(AnyHandler::is_blocking) && blocking == Some(false) {
            self.complain("a plain `fn` blocks its thread, whatever `blocking` says: leave it out");
        }
        let (mode, model) = (mode.unwrap_or_default(), model.unwrap_or_default());
        if model == MessageModel::Broadcasting {
            self.check_broadcasting(mode, retries, is_reply);
        }
        self.check_delays(mode, model, level, pause);
        let times = self.times();
        let pulling = Pulling::read(attributes, |key, written| self.number(key, written));
        let trace = self.trace();
        let instance_name = self.text("instance_name", attributes.instance_name, |name| {
            Ok(name.to_owned())
        });
        if mode == ConsumeMode::Orderly {
            self.check_in_order(times, &pulling);
        }
        let (group, topic) = names?;
        let (expression, handler) = expression.zip(handler)?;
        (self.problems.len() == before).then(|| ListenerInGroup {
            listener: Listener {
                name: self.declaration.name,
                origin: self.declaration.origin,
                topic,
                selector,
                expression,
                delay_level: level.unwrap_or_default(),
                on_decode_error: on_decode_error.unwrap_or_default(),
                reply_timeout: reply_timeout
                    .and_then(|ms| u64::try_from(ms).ok())
                    .map(Duration::from_millis),
                blocking: handler.is_blocking() || blocking.unwrap_or_default(),
                handler,
            },
            cluster: self.declaration.cluster.clone(),
            group,
            mode,
            model,
            from,
            from_time,
            threads: threads.and_then(|number| u16::try_from(number).ok()),
            batch_size,
            max_reconsume_times: retries,
            suspend_ms: pause.and_then(|ms| u32::try_from(ms).ok()),
            times,
            // In Java, `DEFAULT` means that the client makes a name up.
            instance_name: instance_name.filter(|name| name != "DEFAULT"),
            trace,
            pulling,
        })
    }

    /// How many messages the listener takes in one call.
    fn batch_size(&mut self, handler: Option<&AnyHandler>) -> u16 {
        let size = self.listener.attributes.consume_message_batch_max_size;
        let size = self.number("consume_message_batch_max_size", size);
        if size.is_some() && matches!(handler, Some(AnyHandler::One(_))) {
            self.complain("consume_message_batch_max_size has no effect: the listener takes one message at a time, because it asks for no `Batch<…>`");
        }
        size.and_then(|size| u16::try_from(size).ok()).unwrap_or(1)
    }

    fn times(&mut self) -> HandlerTimes {
        let says = &self.listener.attributes;
        let termination = says.await_termination_millis_when_shutdown;
        HandlerTimes {
            timeout_minutes: self.number("consume_timeout", says.consume_timeout),
            termination_ms: self.number("await_termination_millis_when_shutdown", termination),
        }
    }

    fn trace(&mut self) -> TraceWish {
        let says = &self.listener.attributes;
        let topic = says.customized_trace_topic;
        TraceWish {
            enabled: self.truth("enable_msg_trace", says.enable_msg_trace),
            topic: self.text("customized_trace_topic", topic, topic_name),
        }
    }

    /// Where a new group begins, and the time for that.
    fn start(&mut self) -> (Option<ConsumeFromWhere>, Option<LocalTime>) {
        let attributes = &self.listener.attributes;
        let from = attributes.consume_from_where;
        let from = self.value("consume_from_where", from, ConsumeFromWhere::read);
        let key = "consume_timestamp";
        let text = self.overriding(key).or_else(|| {
            let written = attributes.consume_timestamp?;
            self.filled(key, written)
        });
        let time = text.and_then(|text| self.checked(key, &text, times::timestamp));
        if time.is_some() && from != Some(ConsumeFromWhere::Timestamp) {
            self.complain("consume_timestamp has no effect unless consume_from_where is Timestamp");
        }
        (from, time)
    }

    fn expression(&mut self, selector: SelectorType) -> Option<String> {
        let key = "selector_expression";
        let text = match self.overriding(key) {
            Some(text) => text,
            None => self.filled(
                key,
                self.listener.attributes.selector_expression.unwrap_or("*"),
            )?,
        };
        self.checked(key, &text, |text| selector_expression(selector, text))
    }

    /// The handler, and whether it replies.
    fn handler(&mut self, state: &AppState) -> (Option<AnyHandler>, bool) {
        let mut assembly = Assembly::new(state);
        let handler = (self.listener.assemble)(&mut assembly);
        let is_reply = assembly.is_of_reply();
        for missing in assembly.into_missing() {
            self.complain(missing);
        }
        (handler, is_reply)
    }
}
