//! What is known of a part of a condition before any message is seen: where it may stand.

use std::borrow::Cow;

use super::error::{SqlError, quoted};
use super::value::Number;

/// The kind of a part (`ConstantExpression`, `PropertyExpression`, `BooleanExpression`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Property,
    Number(Number),
    Text,
    /// `TRUE` or `FALSE`.
    Truth,
    Null,
    /// What comes to true, false or unknown.
    Condition,
    /// Something with a minus sign before it.
    Negated,
}

/// A part that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operand {
    pub(super) kind: Kind,
    /// Where it begins in the text.
    pub(super) begin: usize,
    /// Its first step.
    pub(super) first_step: usize,
    /// Whether it ends with `IS [NOT] NULL`, behind which no comparison by order can stand.
    pub(super) ends_with_is: bool,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Property => "a property",
            Self::Number(_) => "a number",
            Self::Text => "a text",
            Self::Truth => "`TRUE` or `FALSE`",
            Self::Null => "`NULL`",
            Self::Condition => "a condition",
            Self::Negated => "a value with a minus sign",
        }
    }
}

impl Operand {
    /// Checks that it can stand beside `sign`, which compares by order: only numbers and properties can
    /// (`checkLessThanOperand`).
    pub(super) fn check_ordered(&self, sign: &str) -> Result<(), SqlError> {
        match self.kind {
            Kind::Property | Kind::Number(_) | Kind::Negated => Ok(()),
            Kind::Text | Kind::Truth | Kind::Null | Kind::Condition => {
                let (kind, sign) = (self.kind.name(), quoted(sign));
                let reason = format!("{sign} compares numbers and properties, not {kind}");
                Err(self.error(reason))
            }
        }
    }

    /// Checks that `self = right` makes sense (`checkEqualOperand`, `checkEqualOperandCompatability`).
    pub(super) fn check_equal(&self, right: &Self) -> Result<(), SqlError> {
        if let Some(null) = [self, right].into_iter().find(|own| own.kind == Kind::Null) {
            let reason = "nothing equals `NULL`: write `IS NULL` or `IS NOT NULL`";
            return Err(null.error(reason));
        }
        let is_value = matches!(right.kind, Kind::Number(_) | Kind::Text);
        if self.kind == Kind::Truth && is_value {
            let (left, kind) = (self.kind.name(), right.kind.name());
            return Err(right.error(format!("{left} cannot be compared with {kind}")));
        }
        Ok(())
    }

    /// Checks the bounds of a `BETWEEN`: of two literals the first is not greater.
    pub(super) fn check_not_above(&self, high: &Self) -> Result<(), SqlError> {
        match (self.kind, high.kind) {
            (Kind::Number(low), Kind::Number(up)) if low.compare(up).is_gt() => {
                Err(self.error("the lower bound of `BETWEEN` is greater than the upper one"))
            }
            _ => Ok(()),
        }
    }

    /// The refusal of a part that stands where a condition must.
    pub(super) fn no_condition(&self) -> SqlError {
        self.error(format!("{} is no condition", self.kind.name()))
    }

    pub(super) fn error(&self, reason: impl Into<Cow<'static, str>>) -> SqlError {
        SqlError::new(self.begin, reason)
    }
}
