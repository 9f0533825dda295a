//! A delay as brokers write it in `messageDelayLevel`.

use std::time::Duration;

/// Reads `30s`, `5m`, `2h` or `1d`.
pub(crate) fn read(word: &str) -> Option<Duration> {
    let unit = word.chars().next_back()?;
    let seconds: u64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = word.strip_suffix(unit)?.parse().ok()?;
    number.checked_mul(seconds).map(Duration::from_secs)
}
