//! One annotation with its placeholders filled and the settings laid over it.

use std::fmt::Display;
use std::time::Duration;

use mq_core::message::{GroupName, TopicName};
use mq_rules::AttributeKey;
use mq_rules::names::{MAX_GROUP_LENGTH, refused_group, refused_topic};
use mq_rules::times::{self, LocalTime};

use super::any_handler::AnyHandler;
use super::attributes::LiteralOrPlaceholder;
use super::declaration::{Declaration, MessageListener, Origin};
use super::handler_times::HandlerTimes;
use super::modes::{
    ConsumeFromWhere, ConsumeMode, MessageModel, Named, OnDecodeError, SelectorType,
};
use super::pulling::Pulling;
use super::trace::TraceWish;
use crate::cluster_name::ClusterName;
use crate::config::{ListenerSettings, Settings, selector_expression, truth};
use crate::problem::Problem;
use crate::state::{AppState, Assembly};

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

/// An annotation being read. What is wrong with it goes to `problems`.
pub(super) struct Reading<'a> {
    declaration: &'static Declaration,
    listener: &'static MessageListener,
    settings: &'a Settings,
    laid_over: Option<&'a ListenerSettings>,
    problems: &'a mut Vec<Problem>,
}

/// A text and the place it comes from.
struct Text {
    text: String,
    place: String,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
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
    pub(super) fn lay_over(&mut self, settings: Option<&'a ListenerSettings>) {
        self.laid_over = settings;
    }

    /// The group and the topic, by which the settings name a listener.
    pub(super) fn names(&mut self) -> Option<(GroupName, TopicName)> {
        let attributes = &self.listener.attributes;
        let group = self.filled("consumer_group", attributes.consumer_group);
        let group = group.and_then(|text| self.checked("consumer_group", &text, group_name));
        let topic = self.filled("topic", attributes.topic);
        let topic = topic.and_then(|text| self.checked("topic", &text, topic_name));
        group.zip(topic)
    }

    /// The listener and what it wants of its group; `None` when something is wrong.
    pub(super) fn listener_in_group(
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
        let handler = self.handler(state);
        let batch_size = self.batch_size(handler.as_ref());
        let blocking = self.truth("blocking", attributes.blocking);
        if handler.as_ref().is_some_and(AnyHandler::is_blocking) && blocking == Some(false) {
            self.complain("a plain `fn` blocks its thread, whatever `blocking` says: leave it out");
        }
        let (mode, model) = (mode.unwrap_or_default(), model.unwrap_or_default());
        if model == MessageModel::Broadcasting && mode == ConsumeMode::Orderly {
            self.complain(
                "Broadcasting cannot be Orderly: no broker locks a queue that every member reads",
            );
        }
        if model == MessageModel::Broadcasting && retries.is_some_and(|times| times >= 0) {
            self.complain("max_reconsume_times has no effect in Broadcasting: a failed message is not tried again");
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

    /// Complains of a delay after failures that would have no effect.
    fn check_delays(
        &mut self,
        mode: ConsumeMode,
        model: MessageModel,
        level: Option<i32>,
        pause: Option<i32>,
    ) {
        let in_order = mode == ConsumeMode::Orderly;
        if level.is_some() && in_order {
            self.complain("delay_level_when_next_consume has no effect in order: set suspend_current_queue_time_millis");
        } else if level.is_some() && model == MessageModel::Broadcasting {
            self.complain("delay_level_when_next_consume has no effect in Broadcasting: a failed message is not tried again");
        }
        if pause.is_some() && !in_order {
            self.complain("suspend_current_queue_time_millis has no effect unless consume_mode is Orderly: set delay_level_when_next_consume");
        }
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

    /// Complains of what has no effect in order.
    fn check_in_order(&mut self, times: HandlerTimes, pulling: &Pulling) {
        if times.timeout().is_some() {
            self.complain("consume_timeout has no effect in order");
        }
        if pulling.has_span() {
            self.complain("consume_concurrently_max_span has no effect in order");
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

    fn handler(&mut self, state: &AppState) -> Option<AnyHandler> {
        let mut assembly = Assembly::new(state);
        let handler = (self.listener.assemble)(&mut assembly);
        for missing in assembly.into_missing() {
            self.complain(missing);
        }
        handler
    }

    /// A number or a member of an enum; `None` when nobody says or when it is wrong.
    fn value<T: Copy, E: Display>(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<T>>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = match (self.overriding(key), written) {
            (Some(text), _) => text,
            (None, Some(LiteralOrPlaceholder::Literal(value))) => return Some(value),
            (None, Some(LiteralOrPlaceholder::Placeholder(text))) => self.filled(key, text)?,
            (None, None) => return None,
        };
        self.checked(key, &text, |text| {
            read(text).map_err(|error| error.to_string())
        })
    }

    /// True or false.
    fn truth(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<bool>>,
    ) -> Option<bool> {
        self.value(key, written, |text| {
            truth(text).ok_or_else(|| format!("`{text}` is neither true nor false"))
        })
    }

    /// A text that `check` accepts; `None` when nobody says, when it is blank or when it is wrong.
    fn text<T>(
        &mut self,
        key: &'static str,
        written: Option<&'static str>,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = match self.overriding(key) {
            Some(text) => text,
            None => self.filled(key, written?)?,
        };
        if text.text.trim().is_empty() {
            return None;
        }
        self.checked(key, &text, check)
    }

    /// A number within the range of its key.
    fn number(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<i32>>,
    ) -> Option<i32> {
        let attribute = AttributeKey::named(key)?;
        let range = attribute.range()?;
        self.value(key, written, |text| {
            let number = text.trim().parse().ok();
            let number = number.filter(|number| range.contains(&i64::from(*number)));
            let (from, to) = (range.start(), range.end());
            number.ok_or_else(|| {
                let noun = attribute.noun();
                format!("`{text}` is no {noun} from {from} to {to}")
            })
        })
    }

    fn overriding(&self, key: &str) -> Option<Text> {
        let value = self.laid_over?.attributes.get(key)?;
        Some(Text {
            text: value.text.clone(),
            place: value.origin.to_string(),
        })
    }

    fn filled(&mut self, key: &str, text: &str) -> Option<Text> {
        let place = self.declaration.origin.to_string();
        match self.settings.resolve(text) {
            Ok(text) => Some(Text { text, place }),
            Err(error) => {
                self.problems
                    .push(Problem::new(place, format!("{key}: {error}")));
                None
            }
        }
    }

    fn checked<T>(
        &mut self,
        key: &str,
        text: &Text,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match check(&text.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .push(Problem::new(text.place.clone(), format!("{key}: {error}")));
                None
            }
        }
    }

    fn complain(&mut self, what: impl Display) {
        let Declaration { name, origin, .. } = self.declaration;
        self.problems.push(Problem::new(
            origin.to_string(),
            format!("`{name}`: {what}"),
        ));
    }
}

/// The topic a listener reads.
fn topic_name(name: &str) -> Result<TopicName, String> {
    let topic = TopicName::new(name).map_err(|error| error.to_string())?;
    refused_topic(name).map_or(Ok(topic), Err)
}

/// The group a listener is in.
fn group_name(name: &str) -> Result<GroupName, String> {
    let group = GroupName::new(name).map_err(|error| error.to_string())?;
    if name.len() > MAX_GROUP_LENGTH {
        return Err(format!(
            "the group name has {} characters, at most {MAX_GROUP_LENGTH} are allowed",
            name.len()
        ));
    }
    refused_group(name).map_or(Ok(group), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_brokers_close_are_no_listeners() {
        for name in mq_rules::names::RESERVED_TOPICS {
            // The template of new topics alone may be sent to.
            assert_eq!(
                TopicName::new(*name).unwrap().is_closed(),
                *name != "TBW102"
            );
            assert!(topic_name(name).is_err(), "{name}");
        }
    }
}
