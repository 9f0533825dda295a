//! The topics of messages that wait for a time.

/// The topic in which messages with a delay level wait; its consume queues hold the time of delivery.
pub const SCHEDULE_TOPIC: &str = "SCHEDULE_TOPIC_XXXX";

/// The topic in which messages with a time of their own wait (`TimerMessageStore.TIMER_TOPIC`). Its
/// consume queue holds that time, in ms since 1970, and for a message that cancels another the time of
/// that one below zero.
pub const TIMER_TOPIC: &str = "rmq_sys_wheel_timer";
