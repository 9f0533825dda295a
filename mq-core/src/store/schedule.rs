//! The topic of delayed messages.

/// The topic in which delayed messages wait; its consume queues hold the time of delivery.
pub const SCHEDULE_TOPIC: &str = "SCHEDULE_TOPIC_XXXX";
