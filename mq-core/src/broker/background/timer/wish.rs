//! What the properties of a message say about the time for which it is meant
//! (`HookUtils.handleScheduleMessage`, `transformTimerMessage`).

use crate::broker::config::TimerRules;
use crate::message::later::TIMES;
use crate::message::record::RecordDraft;
use crate::message::{Properties, TopicName, property};
use crate::store::TIMER_TOPIC;
use crate::wire::{Refusal, ResponseCode};

/// The time for which a message is meant, ms since 1970; `None` when it is to be delivered now, also
/// because that time is over. A message that was a timer already, as one that is sent back, is none.
///
/// Without `rules` this broker takes no timers.
pub(in crate::broker) fn due_of(
    properties: &Properties,
    rules: Option<&TimerRules>,
    now_ms: i64,
) -> Result<Option<i64>, Refusal> {
    let wish = TIMES
        .iter()
        .find_map(|name| Some((*name, properties.get(name)?)));
    let Some((name, text)) = wish else {
        return Ok(None);
    };
    if properties.get(property::TIMER_OUT_MS).is_some() {
        return Ok(None);
    }
    let Some(TimerRules { longest, .. }) = rules else {
        let remark = "this broker takes no messages for a later time, timerWheelEnable is false";
        return Err(Refusal::system(remark.to_owned()));
    };
    let illegal = |remark: String| Err(Refusal::new(ResponseCode::MESSAGE_ILLEGAL, remark));
    let Ok(number) = text.parse::<i64>() else {
        return illegal(format!(
            "the property {name} is `{text}`, expected a whole number"
        ));
    };
    let due_ms = match name {
        property::TIMER_DELIVER_MS => number,
        property::TIMER_DELAY_SEC => now_ms.saturating_add(number.saturating_mul(1_000)),
        _ => now_ms.saturating_add(number),
    };
    let ahead_ms = due_ms.saturating_sub(now_ms);
    if ahead_ms <= 0 {
        return match properties.get(property::TIMER_DEL_UNIQKEY) {
            Some(_) => illegal("it is too late to cancel the message, its time is over".to_owned()),
            None => Ok(None),
        };
    }
    if u128::from(ahead_ms.unsigned_abs()) > longest.as_millis() {
        return illegal(format!(
            "{name}: the message is for a time that lies {ahead_ms} ms ahead, at most {} s are allowed \
             (timerMaxDelaySec)",
            longest.as_secs()
        ));
    }
    Ok(Some(due_ms))
}

/// Whether a message is meant for a time of its own, over or not.
pub(in crate::broker) fn has_time(properties: &Properties) -> bool {
    let mut names = TIMES.iter();
    names.any(|name| properties.get(name).is_some())
}

/// Redirects a message to where it waits for `due_ms`.
pub(in crate::broker) fn divert(draft: &mut RecordDraft, due_ms: i64) {
    let properties = &mut draft.message.properties;
    properties.set(property::TIMER_OUT_MS, &due_ms.to_string());
    properties.set(property::REAL_TOPIC, draft.message.topic.as_str());
    properties.set(property::REAL_QID, &draft.queue_id.to_string());
    draft.message.topic = TopicName::new(TIMER_TOPIC).expect("its letters are legal");
    draft.queue_id = 0;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: i64 = 1_000_000;
    const RULES: TimerRules = TimerRules {
        longest: Duration::from_mins(1),
        recall: true,
    };

    fn due(properties: &[(&str, &str)]) -> Result<Option<i64>, ResponseCode> {
        let properties: Properties = properties.iter().copied().collect();
        due_of(&properties, Some(&RULES), NOW).map_err(|refusal| refusal.code)
    }

    #[test]
    fn the_first_property_counts_and_its_millisecond_is_kept() {
        assert_eq!(due(&[("TIMER_DELAY_MS", "1")]), Ok(Some(NOW + 1)));
        assert_eq!(due(&[("TIMER_DELIVER_MS", "1000777")]), Ok(Some(1_000_777)));
        let both = [("TIMER_DELIVER_MS", "1000777"), ("TIMER_DELAY_SEC", "60")];
        assert_eq!(due(&both), Ok(Some(NOW + 60_000)));
        assert_eq!(due(&[("KEYS", "x")]), Ok(None));
    }

    #[test]
    fn a_time_that_is_over_is_now_and_one_too_far_ahead_is_refused() {
        for past in ["1000000", "0", "-5"] {
            assert_eq!(due(&[("TIMER_DELIVER_MS", past)]), Ok(None));
        }
        assert_eq!(due(&[("TIMER_DELAY_SEC", "-1")]), Ok(None));
        let illegal = Err(ResponseCode::MESSAGE_ILLEGAL);
        assert_eq!(due(&[("TIMER_DELAY_MS", "60001")]), illegal);
        assert_eq!(due(&[("TIMER_DELAY_SEC", "9223372036854775807")]), illegal);
        assert_eq!(due(&[("TIMER_DELAY_SEC", "soon")]), illegal);
        assert_eq!(due(&[("TIMER_DELAY_MS", "1.5")]), illegal);
    }

    #[test]
    fn nothing_is_cancelled_too_late_and_nothing_waits_twice() {
        let cancel = |due| [("TIMER_DELIVER_MS", due), ("TIMER_DEL_UNIQKEY", "K")];
        assert_eq!(due(&cancel("1000001")), Ok(Some(1_000_001)));
        assert_eq!(due(&cancel("1000000")), Err(ResponseCode::MESSAGE_ILLEGAL));

        let again = [("TIMER_DELAY_SEC", "5"), ("TIMER_OUT_MS", "7")];
        assert_eq!(due(&again), Ok(None));
    }

    #[test]
    fn a_broker_without_timers_refuses_them_and_takes_everything_else() {
        let of = |name| due_of(&[(name, "5")].into_iter().collect(), None, NOW);

        assert_eq!(
            of("TIMER_DELAY_SEC").unwrap_err().code,
            ResponseCode::SYSTEM_ERROR
        );
        assert_eq!(of("KEYS").unwrap(), None);
    }
}
