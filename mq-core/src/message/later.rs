//! When a message is to be delivered, if not at once.

use std::time::Duration;

use super::properties::Properties;
use super::property;
use super::unsent::Message;

/// When a message is to be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Later {
    /// After the delay of this level of the broker's table, `1s 5s 10s 30s 1m …` as a rule. Levels count
    /// from 1; one above the table means its last.
    Level(u32),
    /// After this time, to the millisecond. Brokers of RocketMQ 5 and mq know such times; for one of
    /// RocketMQ 4 the time must be that of one of its levels.
    After(Duration),
    /// At this time, ms since 1970; at once if it is over. Brokers of RocketMQ 4 know no such times.
    At(i64),
}

/// The longest delay in ms that is written. Brokers refuse such a one with what they allow, while one
/// that is no 64-bit number, or becomes none when the present is added, they take for no time at all.
const LONGEST_MS: u128 = 1 << 62;

/// The properties that say a time; the first that a message has counts.
pub(crate) const TIMES: [&str; 3] = [
    property::TIMER_DELAY_SEC,
    property::TIMER_DELAY_MS,
    property::TIMER_DELIVER_MS,
];

impl Message {
    /// Has the message delivered later, in place of whatever was said of that before.
    ///
    /// ```
    /// # use mq_core::message::{Later, Message, TopicName};
    /// # use std::time::Duration;
    /// let mut reminder = Message::new(TopicName::new("reminders").unwrap(), "pay");
    /// reminder.deliver(Later::After(Duration::from_secs(90)));
    /// assert_eq!(reminder.properties.get("TIMER_DELAY_MS"), Some("90000"));
    /// reminder.deliver(Later::Level(3));
    /// assert_eq!(reminder.properties.get("TIMER_DELAY_MS"), None);
    /// ```
    pub fn deliver(&mut self, later: Later) {
        let properties = &mut self.properties;
        remove_times(properties);
        properties.remove(property::DELAY);
        match later {
            Later::Level(level) => properties.set(property::DELAY, &level.to_string()),
            Later::After(delay) => {
                // Rounded up: never early.
                let delay_ms = delay.as_nanos().div_ceil(1_000_000).min(LONGEST_MS);
                properties.set(property::TIMER_DELAY_MS, &delay_ms.to_string());
            }
            Later::At(time_ms) => properties.set(property::TIMER_DELIVER_MS, &time_ms.to_string()),
        }
    }

    /// To be delivered later, as [`deliver`](Self::deliver).
    #[must_use]
    pub fn delivered(mut self, later: Later) -> Self {
        self.deliver(later);
        self
    }
}

/// The property because of which a message is delivered later.
#[cfg(any(test, feature = "client"))]
pub(crate) fn delay_of(properties: &Properties) -> Option<&'static str> {
    let mut delays = std::iter::once(property::DELAY).chain(TIMES);
    delays.find(|name| properties.get(name).is_some())
}

/// Removes the time for which a message is meant.
pub(crate) fn remove_times(properties: &mut Properties) {
    for name in TIMES {
        properties.remove(name);
    }
}

/// The time for which a message is meant; the first of the properties counts, and none beside a level.
/// `None` also for a text that is no number, which brokers refuse.
#[cfg(any(test, feature = "client"))]
pub(crate) fn time_of(properties: &Properties) -> Option<Later> {
    let level = properties.get(property::DELAY);
    let level: i32 = level.and_then(|text| text.parse().ok()).unwrap_or(0);
    if level > 0 {
        return None;
    }
    let (name, text) = TIMES
        .iter()
        .find_map(|name| Some((*name, properties.get(name)?)))?;
    let number: i64 = text.parse().ok()?;
    let after = |unit: fn(u64) -> Duration| Later::After(unit(u64::try_from(number).unwrap_or(0)));
    Some(match name {
        property::TIMER_DELAY_SEC => after(Duration::from_secs),
        property::TIMER_DELAY_MS => after(Duration::from_millis),
        _ => Later::At(number),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;

    fn message(later: Later) -> Message {
        let mut message = Message::new(TopicName::new("t").unwrap(), "x");
        message.deliver(later);
        message
    }

    #[test]
    fn a_time_is_rounded_up_and_replaces_the_one_before() {
        let mut message = message(Later::After(Duration::from_nanos(1_000_001)));
        assert_eq!(
            time_of(&message.properties),
            Some(Later::After(Duration::from_millis(2)))
        );

        message.deliver(Later::At(7));
        assert_eq!(
            message.properties.iter().collect::<Vec<_>>(),
            [("TIMER_DELIVER_MS", "7")]
        );
        assert_eq!(time_of(&message.properties), Some(Later::At(7)));
    }

    /// Its text was no number, which a broker of RocketMQ 4 was given as it was and delivered at once.
    #[test]
    fn the_longest_delay_is_one_that_can_be_read_and_added_to_the_present() {
        let message = message(Later::After(Duration::MAX));

        let Some(Later::After(delay)) = time_of(&message.properties) else {
            panic!("{:?}", message.properties);
        };
        let delay_ms = i64::try_from(delay.as_millis()).unwrap();
        assert!(delay_ms.checked_add(4_102_444_800_000).is_some());
    }

    #[test]
    fn a_level_is_no_time_and_hides_one() {
        let mut message = message(Later::Level(3));
        message.properties.set("TIMER_DELAY_SEC", "9");
        assert_eq!(time_of(&message.properties), None);

        message.properties.set("DELAY", "0");
        assert_eq!(
            time_of(&message.properties),
            Some(Later::After(Duration::from_secs(9)))
        );
        message.properties.set("TIMER_DELAY_SEC", "soon");
        assert_eq!(time_of(&message.properties), None);
    }
}
