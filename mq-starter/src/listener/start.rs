//! Where a group begins that has committed no offset yet.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use mq_core::client::StartFrom;
use mq_core::clock::Clock;
use mq_rules::times::LocalTime;

use super::modes::ConsumeFromWhere;

/// How long before its start a consumer begins that is to begin at a time and is told none, as in Java.
const BEFORE_START: Duration = Duration::from_mins(30);

/// Where a group begins that has committed no offset yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    pub(crate) from: ConsumeFromWhere,
    /// Of this machine's clock.
    pub(crate) time: Option<LocalTime>,
}

impl Start {
    /// The same for the client.
    pub(crate) fn resolve(self, clock: &Clock) -> StartFrom {
        match self.from {
            ConsumeFromWhere::LastOffset => StartFrom::LastOffset,
            ConsumeFromWhere::FirstOffset => StartFrom::FirstOffset,
            ConsumeFromWhere::Timestamp => {
                let time_ms = self.time.and_then(|time| in_ms(time, TimeZone::system()));
                let before = i64::try_from(BEFORE_START.as_millis()).unwrap_or_default();
                StartFrom::Timestamp(time_ms.unwrap_or_else(|| clock.now_ms() - before))
            }
        }
    }
}

/// The time in ms since 1970. One that a zone leaves out, when its clocks are put forward, is taken an
/// hour later.
fn in_ms(time: LocalTime, zone: TimeZone) -> Option<i64> {
    let LocalTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = time;
    let time = DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
    let time = time.to_zoned(zone).ok()?;
    Some(time.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use jiff::tz;
    use mq_rules::times::timestamp;

    use super::*;

    fn at(from: ConsumeFromWhere, time: Option<&str>) -> Start {
        let time = time.map(|time| timestamp(time).unwrap());
        Start { from, time }
    }

    #[test]
    fn a_time_is_that_of_a_clock_on_the_wall() {
        let time = timestamp("20260131235959").unwrap();
        let one_hour_east = TimeZone::fixed(tz::offset(1));

        assert_eq!(in_ms(time, TimeZone::UTC), Some(1_769_903_999_000));
        assert_eq!(in_ms(time, one_hour_east), Some(1_769_900_399_000));
    }

    #[test]
    fn a_start_at_no_time_in_particular_is_half_an_hour_ago() {
        let clock = Clock::manual(10_000_000);
        let start = |from| at(from, None).resolve(&clock);

        let half_an_hour_ago = StartFrom::Timestamp(8_200_000);
        assert_eq!(start(ConsumeFromWhere::Timestamp), half_an_hour_ago);
        assert_eq!(start(ConsumeFromWhere::FirstOffset), StartFrom::FirstOffset);
        assert_eq!(start(ConsumeFromWhere::LastOffset), StartFrom::LastOffset);
        let given = at(ConsumeFromWhere::Timestamp, Some("20260131235959"));
        assert_ne!(given.resolve(&clock), half_an_hour_ago);
    }
}
