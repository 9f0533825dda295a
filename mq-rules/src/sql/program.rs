//! The steps of a condition, and the stack machine that takes them.
//!
//! Invariant: every step leaves the stack as the parser counted it, so that its depth is known
//! beforehand.

use super::value::{Incomparable, Number, Order, Value, equal, ordered};

/// Up to this depth the stack needs no memory of its own. Few conditions nest deeper.
const INLINE_DEPTH: usize = 12;

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Null,
    Truth(bool),
    Number(Number),
    Text(Box<str>),
}

/// How a text must occur in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occurrence {
    Anywhere,
    AtBegin,
    AtEnd,
}

/// One step. `to` is the step to go on with after a jump.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Push(Literal),
    PushProperty(Box<str>),
    Negate,
    Not,
    /// A property as a condition: false when it is there.
    AsCondition,
    IsNull,
    Equal,
    Ordered(Order),
    /// Compares the value below the lower bound on top of it and keeps both the value and the result.
    /// Jumps with the result alone when that settles the whole.
    LowerBound {
        not: bool,
        to: usize,
    },
    /// Unites the result of [`Step::LowerBound`] with that of the upper bound.
    UpperBound {
        not: bool,
    },
    Occurs {
        text: Box<str>,
        how: Occurrence,
        not: bool,
    },
    /// The texts are sorted.
    In {
        texts: Box<[Box<str>]>,
        not: bool,
    },
    And,
    Or,
    /// Jumps when the top is unknown, and leaves it.
    JumpIfUnknown {
        to: usize,
    },
    /// Jumps when the top is this truth, and leaves it.
    JumpIf {
        truth: bool,
        to: usize,
    },
}

/// Steps and the depth of stack that they need.
#[derive(Debug, PartialEq)]
pub(super) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) depth: usize,
}

impl Program {
    /// What the condition comes to for a message, of which `property` gives the properties.
    pub(super) fn run<'a>(
        &'a self,
        property: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Value<'a>, Incomparable> {
        let mut inline = [Value::Unknown; INLINE_DEPTH];
        let mut deep = Vec::new();
        let values = if self.depth <= INLINE_DEPTH {
            inline.as_mut_slice()
        } else {
            deep.resize(self.depth, Value::Unknown);
            deep.as_mut_slice()
        };
        let mut stack = Stack { values, used: 0 };
        let mut at = 0;
        while let Some(step) = self.steps.get(at) {
            at = stack.take(step, &property)?.unwrap_or(at + 1);
        }
        Ok(stack.pop())
    }
}

struct Stack<'s, 'a> {
    values: &'s mut [Value<'a>],
    used: usize,
}

impl<'a> Stack<'_, 'a> {
    /// Takes a step; gives where to go on when that is not the next.
    fn take(
        &mut self,
        step: &'a Step,
        property: &impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Option<usize>, Incomparable> {
        let value = match step {
            Step::Push(literal) => literal.value(),
            Step::PushProperty(name) => property(name).map_or(Value::Unknown, Value::Text),
            Step::Negate => negated(self.pop()),
            Step::Not => not(self.pop()),
            Step::AsCondition => as_condition(self.pop()),
            Step::IsNull => Value::Truth(self.pop() == Value::Unknown),
            Step::Equal => {
                let right = self.pop();
                equal(self.pop(), right)?
            }
            Step::Ordered(order) => {
                let right = self.pop();
                ordered(self.pop(), *order, right)?
            }
            Step::LowerBound { not, to } => {
                let low = self.pop();
                let order = if *not {
                    Order::Less
                } else {
                    Order::GreaterOrEqual
                };
                let result = ordered(self.top(), order, low)?;
                if result == Value::Truth(*not) {
                    self.pop();
                    self.push(result);
                    return Ok(Some(*to));
                }
                result
            }
            Step::UpperBound { not } => {
                let (high, lower) = (self.pop(), self.pop());
                let order = if *not {
                    Order::Greater
                } else {
                    Order::LessOrEqual
                };
                settled(lower, ordered(self.pop(), order, high)?, *not)
            }
            Step::Occurs { text, how, not } => match self.pop() {
                Value::Text(value) => Value::Truth(how.holds(value, text) != *not),
                _ => Value::Truth(false),
            },
            Step::In { texts, not } => match self.pop() {
                Value::Text(value) => {
                    let found = texts.binary_search_by(|text| (**text).cmp(value));
                    Value::Truth(found.is_ok() != *not)
                }
                _ => Value::Unknown,
            },
            Step::And | Step::Or => {
                let right = self.pop();
                settled(self.pop(), right, matches!(step, Step::Or))
            }
            Step::JumpIfUnknown { to } => {
                return Ok((self.top() == Value::Unknown).then_some(*to));
            }
            Step::JumpIf { truth, to } => {
                return Ok((self.top() == Value::Truth(*truth)).then_some(*to));
            }
        };
        self.push(value);
        Ok(None)
    }

    fn push(&mut self, value: Value<'a>) {
        if let Some(place) = self.values.get_mut(self.used) {
            *place = value;
            self.used += 1;
        }
    }

    fn pop(&mut self) -> Value<'a> {
        let value = self.top();
        self.used = self.used.saturating_sub(1);
        value
    }

    fn top(&self) -> Value<'a> {
        let top = self.used.checked_sub(1).and_then(|at| self.values.get(at));
        top.copied().unwrap_or(Value::Unknown)
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Unknown,
            Self::Truth(truth) => Value::Truth(*truth),
            Self::Number(number) => Value::Number(*number),
            Self::Text(text) => Value::Text(text),
        }
    }
}

impl Occurrence {
    fn holds(self, value: &str, text: &str) -> bool {
        match self {
            Self::Anywhere => value.contains(text),
            Self::AtBegin => value.starts_with(text),
            Self::AtEnd => value.ends_with(text),
        }
    }
}

fn negated(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Number(number) => Value::Number(number.negated()),
        _ => Value::Unknown,
    }
}

fn not(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Truth(truth) => Value::Truth(!truth),
        other => other,
    }
}

fn as_condition(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Unknown | Value::Truth(_) => value,
        Value::Number(_) | Value::Text(_) => Value::Truth(false),
    }
}

/// Two truths joined: `decisive` on either side settles it, `false` with AND and `true` with OR; else
/// something unknown makes it unknown.
fn settled<'a>(left: Value<'a>, right: Value<'a>, decisive: bool) -> Value<'a> {
    if left == Value::Truth(decisive) || right == Value::Truth(decisive) {
        Value::Truth(decisive)
    } else if left == Value::Unknown || right == Value::Unknown {
        Value::Unknown
    } else {
        Value::Truth(!decisive)
    }
}
