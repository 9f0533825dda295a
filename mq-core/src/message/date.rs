//! The calendar, in UTC.

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    /// The year, such as 2026.
    pub year: i64,
    /// The month, from 1.
    pub month: i64,
    /// The day of the month, from 1.
    pub day: i64,
}

impl Date {
    /// The day on which `time_ms` is, ms since 1970.
    pub fn at(time_ms: i64) -> Self {
        // The calendar repeats after 400 years; within them years begin in March, so that the day
        // that some years have more is their last.
        const DAYS_PER_ERA: i64 = 146_097;
        const TO_MARCH_OF_YEAR_0: i64 = 719_468;
        let day = time_ms.div_euclid(DAY_MS) + TO_MARCH_OF_YEAR_0;
        let (era, in_era) = (day.div_euclid(DAYS_PER_ERA), day.rem_euclid(DAYS_PER_ERA));
        let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * in_year + 2) / 153;
        let month = (from_march + 2) % 12 + 1;
        Self {
            year: era * 400 + year + i64::from(month <= 2),
            month,
            day: in_year - (153 * from_march + 2) / 5 + 1,
        }
    }
}

/// When the month of `time_ms` began, both ms since 1970.
pub(super) fn month_start(time_ms: i64) -> i64 {
    (time_ms.div_euclid(DAY_MS) + 1 - Date::at(time_ms).day) * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_the_beginnings_of_their_months_are_the_calendar_s() {
        for (time, [year, month, day], start) in [
            (-1, [1969, 12, 31], -2_678_400_000),
            (0, [1970, 1, 1], 0),
            (951_868_800_000, [2000, 3, 1], 951_868_800_000),
            (1_709_164_800_000, [2024, 2, 29], 1_706_745_600_000),
            (1_795_219_200_000, [2026, 11, 21], 1_793_491_200_000),
            (1_798_761_599_999, [2026, 12, 31], 1_796_083_200_000),
        ] {
            assert_eq!(Date::at(time), Date { year, month, day });
            assert_eq!(month_start(time), start, "{time}");
        }
    }
}
