//! Numbers in texts, as `Integer.valueOf`, `Long.valueOf` and `Double.valueOf` read them.

/// The zeros of the scripts whose digits Java reads (`Character.digit`); nine digits follow each.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
];

/// Of the hexadecimal digits of a number so many bits are kept at most; whether the others are 0 is all
/// that rounding needs to know.
const KEPT_BITS: u32 = 60;
/// The exponent of the smallest positive double, and of its last bit.
const LEAST_EXPONENT: i64 = -1074;
/// The bits of a double behind its leading one.
const FRACTION_BITS: i64 = 52;

pub(super) fn int(text: &str) -> Option<i32> {
    i32::try_from(long(text)?).ok()
}

pub(super) fn long(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    // Downwards, because the least number has no positive twin.
    let below = digits.chars().try_fold(0_i64, |sum, c| {
        sum.checked_mul(10)?.checked_sub(i64::from(digit(c)?))
    })?;
    if negative {
        Some(below)
    } else {
        below.checked_neg()
    }
}

fn digit(c: char) -> Option<u32> {
    let code = u32::from(c);
    let zero = ZEROS.iter().rev().find(|zero| **zero <= code)?;
    Some(code - zero).filter(|digit| *digit < 10)
}

pub(super) fn double(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let (negative, unsigned) = match text.as_bytes().first()? {
        b'-' => (true, text.get(1..)?),
        b'+' => (false, text.get(1..)?),
        _ => (false, text),
    };
    let magnitude = match unsigned {
        "NaN" => return Some(f64::NAN),
        "Infinity" => f64::INFINITY,
        _ if unsigned.starts_with("0x") || unsigned.starts_with("0X") => {
            hexadecimal(unsigned.get(2..)?)?
        }
        _ => decimal(unsigned)?,
    };
    Some(if negative { -magnitude } else { magnitude })
}

/// Digits with at most one point among them, perhaps an exponent, perhaps a suffix.
fn decimal(text: &str) -> Option<f64> {
    let text = without_suffix(text);
    let (digits, exponent) = match text.find(['e', 'E']) {
        Some(at) => (text.get(..at)?, text.get(at + 1..)?),
        None => (text, "0"),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let has_digits = !whole.is_empty() || !fraction.is_empty();
    let fits = has_digits && are_digits(whole) && are_digits(fraction);
    exponent_of(exponent).filter(|_| fits)?;
    text.parse().ok()
}

/// What follows `0x`: hexadecimal digits with at most one point among them, and a power of two behind
/// `p`.
fn hexadecimal(text: &str) -> Option<f64> {
    let at = text.find(['p', 'P'])?;
    let (digits, exponent) = (text.get(..at)?, without_suffix(text.get(at + 1..)?));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (mut kept, mut scale, mut dropped) = (0_u64, 0_i64, false);
    let fraction = fraction.chars().map(|c| (c, true));
    for (c, is_fraction) in whole.chars().map(|c| (c, false)).chain(fraction) {
        let digit = c.to_digit(16)?;
        if kept >> (KEPT_BITS - 4) == 0 {
            kept = (kept << 4) | u64::from(digit);
            scale -= if is_fraction { 4 } else { 0 };
        } else {
            dropped |= digit != 0;
            scale += if is_fraction { 0 } else { 4 };
        }
    }
    Some(scaled(
        kept,
        dropped,
        scale.saturating_add(exponent_of(exponent)?),
    ))
}

/// The double next to `kept`·2^`scale`, of two the even one; `dropped` says that the number is a little
/// more.
fn scaled(kept: u64, dropped: bool, scale: i64) -> f64 {
    let bits = i64::from(u64::BITS - kept.leading_zeros());
    let exponent = scale.saturating_add(bits - 1);
    if kept == 0 || exponent < LEAST_EXPONENT - 1 {
        return 0.0;
    }
    if exponent >= 1024 {
        return f64::INFINITY;
    }
    // The exponent of the result's last bit; the result has at most 53 bits.
    let last = (exponent - FRACTION_BITS).max(LEAST_EXPONENT);
    let shift = u32::try_from((last - scale).unsigned_abs()).unwrap_or(u32::MAX);
    let significand = if last <= scale {
        kept << shift
    } else {
        let cut = kept & ((1 << shift) - 1);
        let half = 1 << (shift - 1);
        let floor = kept >> shift;
        let up = cut > half || (cut == half && (dropped || floor % 2 == 1));
        floor + u64::from(up)
    };
    // The leading one, where there is one, counts as one more of the exponent.
    let biased = (last - LEAST_EXPONENT).unsigned_abs() << FRACTION_BITS;
    f64::from_bits(biased + significand)
}

fn without_suffix(text: &str) -> &str {
    text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text)
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// An exponent with or without a sign; one beyond all doubles is cut.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !are_digits(digits) {
        return None;
    }
    let magnitude = digits.parse().unwrap_or(i64::MAX);
    Some(if text.starts_with('-') {
        -magnitude
    } else {
        magnitude
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_as_java_reads_them() {
        let cases = [
            ("0", Some(0)),
            ("-007", Some(-7)),
            ("+5", Some(5)),
            ("٣", Some(3)),
            ("１２", Some(12)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("", None),
            ("-", None),
            ("+-1", None),
            (" 1", None),
            ("1.0", None),
            ("1L", None),
            ("0x1", None),
        ];
        for (text, expected) in cases {
            assert_eq!(long(text), expected, "{text:?}");
        }
        assert_eq!(
            (int("2147483648"), int("-2147483648")),
            (None, Some(i32::MIN))
        );
    }

    #[test]
    fn doubles_are_read_as_java_reads_them() {
        let cases = [
            (" 1.5\n", Some(1.5)),
            ("1.", Some(1.0)),
            (".5e1", Some(5.0)),
            ("1d", Some(1.0)),
            ("1e2F", Some(100.0)),
            ("1e400", Some(f64::INFINITY)),
            ("-1e-400", Some(-0.0)),
            ("1e99999999999999999999", Some(f64::INFINITY)),
            ("-Infinity", Some(f64::NEG_INFINITY)),
            ("0x1p3", Some(8.0)),
            ("0x.8p0", Some(0.5)),
            ("0x1.p-1074", Some(5e-324)),
            ("-0x0p99999999999999999999", Some(-0.0)),
            ("", None),
            (".", None),
            ("e5", None),
            ("1e", None),
            ("1.2.3", None),
            ("1 2", None),
            ("inf", None),
            ("infinity", None),
            ("nan", None),
            ("NaNd", None),
            ("0x1", None),
            ("0xp1", None),
            ("1_0", None),
            ("١", None),
            ("--1", None),
        ];
        for (text, expected) in cases {
            let bits = |number: Option<f64>| number.map(f64::to_bits);
            assert_eq!(bits(double(text)), bits(expected), "{text:?}");
        }
        assert!(double("+NaN").is_some_and(f64::is_nan));
    }

    #[test]
    fn hexadecimal_numbers_are_rounded_to_the_even_neighbor() {
        let cases = [
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000001p0", 1.0 + f64::EPSILON),
            ("0x1.00000000000018p0", 1.0 + 2.0 * f64::EPSILON),
            ("0x1.fffffffffffffp1023", f64::MAX),
            ("0x1.fffffffffffff8p1023", f64::INFINITY),
            ("0x1p-1075", 0.0),
            ("0x1.8p-1075", 5e-324),
            ("0x1p-1076", 0.0),
            ("0x1p-1022", f64::MIN_POSITIVE),
            ("0x0.fffffffffffff8p-1022", f64::MIN_POSITIVE),
            ("0x1000000000000000000p-72", 1.0),
            ("0x0.0000000000000000001p76", 1.0),
        ];
        for (text, expected) in cases {
            assert_eq!(double(text), Some(expected), "{text}");
        }
    }
}
