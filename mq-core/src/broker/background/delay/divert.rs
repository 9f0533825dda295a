//! Delayed messages are stored in the queue of their level instead of their own topic.

use crate::broker::config::DelayLevels;
use crate::message::later::remove_times;
use crate::message::record::RecordDraft;
use crate::message::{Properties, TopicName, property};
use crate::store::SCHEDULE_TOPIC;
use crate::wire::{Refusal, ResponseCode};

/// Whether the message has a delay level.
pub(in crate::broker) fn is_delayed(properties: &Properties) -> Result<bool, Refusal> {
    Ok(level_of(properties)?.is_some())
}

/// Redirects a delayed message to the queue of its level.
pub(in crate::broker) fn divert(
    draft: &mut RecordDraft,
    levels: &DelayLevels,
) -> Result<(), Refusal> {
    let Some(level) = level_of(&draft.message.properties)? else {
        return Ok(());
    };
    let level = level.min(i32::try_from(levels.highest()).unwrap_or(i32::MAX));
    let properties = &mut draft.message.properties;
    remove_times(properties);
    properties.set(property::DELAY, &level.to_string());
    properties.set(property::REAL_TOPIC, draft.message.topic.as_str());
    properties.set(property::REAL_QID, &draft.queue_id.to_string());
    draft.message.topic = schedule_topic();
    draft.queue_id = level - 1;
    Ok(())
}

/// Undoes [`divert`]: the message goes to `topic` without a delay.
pub(in crate::broker) fn undivert(draft: &mut RecordDraft, topic: &TopicName) {
    let properties = &mut draft.message.properties;
    for name in [property::DELAY, property::REAL_TOPIC, property::REAL_QID] {
        properties.remove(name);
    }
    draft.message.topic = topic.clone();
}

fn schedule_topic() -> TopicName {
    TopicName::new(SCHEDULE_TOPIC).expect("its letters are legal")
}

fn level_of(properties: &Properties) -> Result<Option<i32>, Refusal> {
    let Some(text) = properties.get(property::DELAY) else {
        return Ok(None);
    };
    let level = text.parse::<i32>().map_err(|_no_number| {
        let remark = format!("the property DELAY is `{text}`, expected a delay level");
        Refusal::new(ResponseCode::MESSAGE_ILLEGAL, remark)
    })?;
    Ok((level > 0).then_some(level))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, SysFlag};

    fn draft(properties: &[(&str, &str)]) -> RecordDraft {
        let mut message = Message::new(TopicName::new("orders").unwrap(), "x");
        message.properties = properties.iter().copied().collect();
        RecordDraft {
            message,
            queue_id: 3,
            sys_flag: SysFlag::default(),
            born_timestamp: 0,
            born_host: "127.0.0.1:1".parse().unwrap(),
            store_host: "127.0.0.1:2".parse().unwrap(),
            reconsume_times: 0,
            prepared_transaction_offset: 0,
        }
    }

    fn levels() -> DelayLevels {
        "1s 5s".parse().unwrap()
    }

    #[test]
    fn a_delayed_message_waits_in_its_levels_queue_and_knows_where_it_goes() {
        let mut delayed = draft(&[("DELAY", "9"), ("TIMER_DELAY_MS", "5")]);

        divert(&mut delayed, &levels()).unwrap();

        assert_eq!(
            (delayed.message.topic.as_str(), delayed.queue_id),
            (SCHEDULE_TOPIC, 1)
        );
        let expected = [("DELAY", "2"), ("REAL_TOPIC", "orders"), ("REAL_QID", "3")];
        assert_eq!(
            delayed.message.properties.iter().collect::<Vec<_>>(),
            expected
        );
    }

    #[test]
    fn level_0_is_no_delay_and_a_word_is_refused() {
        let mut plain = draft(&[("DELAY", "0")]);
        divert(&mut plain, &levels()).unwrap();
        assert_eq!(plain.message.topic.as_str(), "orders");

        let refusal = divert(&mut draft(&[("DELAY", "soon")]), &levels()).unwrap_err();
        assert_eq!(refusal.code, ResponseCode::MESSAGE_ILLEGAL);
    }
}
