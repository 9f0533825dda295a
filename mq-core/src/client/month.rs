//! The beginning of a month: Java's unique message ids count from there (`MessageClientIDSetter`).

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// When the month of `now_ms` began, both ms since 1970, in UTC.
pub(super) fn start_of(now_ms: i64) -> i64 {
    let day = now_ms.div_euclid(DAY_MS);
    (day + 1 - i64::from(day_of_month(day))) * DAY_MS
}

/// Which day of its month the day is, counted from 1; `day` counts from 1970-01-01.
///
/// The calendar repeats after 400 years; within them years begin in March, so that the day that
/// some years have more is their last.
fn day_of_month(day: i64) -> u16 {
    const ERA: i64 = 146_097;
    const TO_MARCH_OF_YEAR_0: i64 = 719_468;
    let in_era = (day + TO_MARCH_OF_YEAR_0).rem_euclid(ERA);
    let year = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    u16::try_from(in_year - (153 * month + 2) / 5 + 1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_where_the_calendar_says() {
        for (now, start) in [
            (0, 0),
            (1_709_164_800_000, 1_706_745_600_000), // 2024-02-29 → 2024-02-01
            (1_709_251_200_000, 1_709_251_200_000), // 2024-03-01
            (1_795_219_200_000, 1_793_491_200_000), // 2026-11-21 → 2026-11-01
            (1_798_761_599_999, 1_796_083_200_000), // 2026-12-31 23:59:59.999 → 2026-12-01
        ] {
            assert_eq!(start_of(now), start, "{now}");
        }
    }
}
