//! The time zone in which the hours of [`Retention`](super::Retention) are meant.
//!
//! Apache's `DefaultMessageStore` compares `deleteWhen` with the machine's local time.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A time zone with its changes between summer and winter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// The machine's own; UTC where the machine does not say.
    pub fn local() -> Self {
        Self(TimeZone::try_system().unwrap_or_else(|error| {
            tracing::warn!(%error, "the machine names no time zone: hours are taken in UTC");
            TimeZone::UTC
        }))
    }

    /// The zone with a name such as `Asia/Shanghai`, or a rule such as `CET-1CEST,M3.5.0,M10.5.0/3`;
    /// `None` when it is neither.
    pub fn named(name: &str) -> Option<Self> {
        let known = TimeZone::get(name).or_else(|_unknown| TimeZone::posix(name));
        known.ok().map(Self)
    }

    /// The hour of the day, 0 to 23, at `time_ms`, ms since 1970; `None` beyond the calendar.
    pub(super) fn hour_at(&self, time_ms: i64) -> Option<u8> {
        let time = Timestamp::from_millisecond(time_ms).ok()?;
        let hour = self.0.to_datetime(time).hour();
        u8::try_from(hour).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_is_the_zone_s_own_in_summer_and_in_winter() {
        let central = Zone::named("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        // Noon UTC on January 1st and on July 1st 2026, and a moment before 1970.
        let (winter, summer) = (1_767_268_800_000, 1_782_907_200_000);

        assert_eq!(central.hour_at(winter), Some(13));
        assert_eq!(central.hour_at(summer), Some(14));
        assert_eq!(central.hour_at(-1), Some(0));
        assert_eq!(Zone::named("<+0530>-5:30").unwrap().hour_at(0), Some(5));
        assert_eq!(central.hour_at(i64::MAX), None);
        assert_eq!(Zone::named("Nowhere/At_All"), None);
    }
}
