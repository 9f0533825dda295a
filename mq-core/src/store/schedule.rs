//! The topics of messages that wait for a time.

use crate::message::property;

/// The topic in which messages with a delay level wait; its consume queues hold the time of delivery.
pub const SCHEDULE_TOPIC: &str = "SCHEDULE_TOPIC_XXXX";

/// The topic in which messages with a time of their own wait (`TimerMessageStore.TIMER_TOPIC`). Its
/// consume queue holds that time, in ms since 1970, and for a message that cancels another the time of
/// that one below zero.
pub const TIMER_TOPIC: &str = "rmq_sys_wheel_timer";

/// What the consume queue of [`TIMER_TOPIC`] holds for a message with these properties. One without a valid
/// time is due at once.
pub(crate) fn timer_tag_code<'a>(property: impl Fn(&str) -> Option<&'a str>) -> i64 {
    let due_ms = property(property::TIMER_OUT_MS);
    let due_ms = due_ms.and_then(|text| text.parse().ok()).unwrap_or(0_i64);
    match property(property::TIMER_DEL_UNIQKEY) {
        Some(_) => -due_ms.max(0),
        None => due_ms.max(0),
    }
}
