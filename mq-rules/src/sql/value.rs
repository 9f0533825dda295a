//! Values and their comparison (`ComparisonExpression`).
//!
//! Invariant: a text beside a number is read as the type of that number, and two numbers meet as the
//! wider of their types.

use std::cmp::Ordering;

use super::java_number;

/// A number of one of the types that literals have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i32),
    Long(i64),
    Double(f64),
}

/// What a part of a condition comes to for one message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// An absent property, and what becomes of one.
    Unknown,
    Truth(bool),
    Number(Number),
    Text(&'a str),
}

/// Two values that cannot be compared: Java's filter throws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Incomparable;

/// A comparison by order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Number {
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Int(number) => Self::Int(number.wrapping_neg()),
            Self::Long(number) => Self::Long(number.wrapping_neg()),
            Self::Double(number) => Self::Double(-number),
        }
    }

    /// `text` as a number of this one's type.
    fn read_alike(self, text: &str) -> Result<Self, Incomparable> {
        let number = match self {
            Self::Int(_) => java_number::int(text).map(Self::Int),
            Self::Long(_) => java_number::long(text).map(Self::Long),
            Self::Double(_) => java_number::double(text).map(Self::Double),
        };
        number.ok_or(Incomparable)
    }

    /// Zeros differ by their sign, and what is no number is above all (`Double.compareTo`).
    pub(super) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Double(one), other) => one.total_cmp(&other.as_double()),
            (one, Self::Double(other)) => one.as_double().total_cmp(&other),
            (one, other) => one.as_long().cmp(&other.as_long()),
        }
    }

    fn as_long(self) -> i64 {
        match self {
            Self::Int(number) => number.into(),
            Self::Long(number) => number,
            Self::Double(_) => 0,
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest double, as Java's `doubleValue`"
    )]
    fn as_double(self) -> f64 {
        match self {
            Self::Int(number) => number.into(),
            Self::Long(number) => number as f64,
            Self::Double(number) => number,
        }
    }
}

impl Order {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
        }
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }
}

/// Whether two values are equal. An absent right side is unequal to what is there, an absent left side
/// is unknown; two absent ones are equal.
pub(super) fn equal<'a>(left: Value<'a>, right: Value<'a>) -> Result<Value<'a>, Incomparable> {
    let equal = match (left, right) {
        (Value::Unknown, Value::Unknown) => true,
        (Value::Unknown, _) => return Ok(Value::Unknown),
        (_, Value::Unknown) => false,
        _ => compare(left, right)?.is_eq(),
    };
    Ok(Value::Truth(equal))
}

/// Compares by order. Two texts are read as doubles.
pub(super) fn ordered<'a>(
    left: Value<'a>,
    order: Order,
    right: Value<'a>,
) -> Result<Value<'a>, Incomparable> {
    let double = |text| java_number::double(text).ok_or(Incomparable);
    let ordering = match (left, right) {
        (Value::Unknown, _) | (_, Value::Unknown) => return Ok(Value::Unknown),
        (Value::Text(left), Value::Text(right)) => double(left)?.total_cmp(&double(right)?),
        _ => compare(left, right)?,
    };
    Ok(Value::Truth(order.holds(ordering)))
}

/// Values of types that do not meet count as less, one than the other and the other way round.
fn compare(left: Value<'_>, right: Value<'_>) -> Result<Ordering, Incomparable> {
    use Value::{Number, Text, Truth};
    match (left, right) {
        (Truth(left), Truth(right)) => Ok(left.cmp(&right)),
        (Text(left), Text(right)) => Ok(left.cmp(right)),
        (Number(left), Number(right)) => Ok(left.compare(right)),
        (Number(left), Text(right)) => Ok(left.compare(left.read_alike(right)?)),
        (Text(left), Number(right)) => Ok(right.read_alike(left)?.compare(right)),
        (Text(left), Truth(right)) => Ok(left.eq_ignore_ascii_case("true").cmp(&right)),
        // Java casts the truth to a text there, which fails.
        (Truth(_), Text(_)) => Err(Incomparable),
        _ => Ok(Ordering::Less),
    }
}
