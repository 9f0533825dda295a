//! From tokens to a program (`SelectorParser`).
//!
//! From loosest to tightest: OR; AND; `=`, `<>` and IS [NOT] NULL; comparisons by order and the other
//! words; NOT and signs. All but the last associate to the left.
//!
//! Invariant: what is begun waits on a stack of its own, so that nesting takes memory and no recursion.

use super::error::{SqlError, quoted};
use super::java_number;
use super::operand::{Kind, Operand};
use super::program::{Literal, Occurrence, Program, Step};
use super::token::{PlacedToken, Token, Tokens};
use super::value::{Number, Order};

/// Something that waits for the operand on its right.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Open {
        begin: usize,
    },
    /// The step to jump from when the left side settles it.
    Or {
        jump: usize,
    },
    And {
        jump: usize,
    },
    Equal {
        not: bool,
    },
    Ordered {
        order: Order,
        jump: usize,
    },
    LowerBound {
        not: bool,
        unknown: usize,
    },
    UpperBound {
        not: bool,
        unknown: usize,
        settled: usize,
    },
    Not {
        begin: usize,
    },
    Negate {
        begin: usize,
    },
}

/// How tightly something that waits binds; what binds at least as tightly as an operator ends before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tightness {
    Parenthesis,
    Or,
    And,
    Equality,
    Tight,
}

/// What follows an operand.
enum Follows {
    /// Another operand must follow.
    Operand,
    /// The condition ends here.
    Nothing,
}

/// Reads the condition that `text` begins with, and where what is ignored begins.
pub(super) fn parse(text: &str) -> Result<(Program, Option<usize>), SqlError> {
    let mut tokens = Tokens::of(text);
    let next = tokens.next()?;
    let mut parser = Parser {
        tokens,
        next,
        pending: Vec::new(),
        operands: Vec::new(),
        steps: Vec::new(),
        depth: 0,
    };
    loop {
        parser.operand()?;
        if let Follows::Nothing = parser.operators()? {
            break;
        }
    }
    parser.as_condition()?;
    let ignored = (parser.next.token != Token::End).then_some(parser.next.begin);
    let Parser { steps, depth, .. } = parser;
    Ok((Program { steps, depth }, ignored))
}

struct Parser<'a> {
    tokens: Tokens<'a>,
    next: PlacedToken<'a>,
    pending: Vec<Pending>,
    /// As many as the program has values on its stack there.
    operands: Vec<Operand>,
    steps: Vec<Step>,
    depth: usize,
}

impl Parser<'_> {
    /// Reads signs, NOTs and parentheses up to a literal or a property.
    fn operand(&mut self) -> Result<(), SqlError> {
        loop {
            let PlacedToken { token, begin, .. } = self.next;
            let (kind, step) = match token {
                Token::Plus => {
                    self.advance()?;
                    continue;
                }
                Token::Minus => {
                    self.await_operand(Pending::Negate { begin })?;
                    continue;
                }
                Token::Not => {
                    self.await_operand(Pending::Not { begin })?;
                    continue;
                }
                Token::Open => {
                    self.await_operand(Pending::Open { begin })?;
                    continue;
                }
                Token::True => (Kind::Truth, Step::Push(Literal::Truth(true))),
                Token::False => (Kind::Truth, Step::Push(Literal::Truth(false))),
                Token::Null => (Kind::Null, Step::Push(Literal::Null)),
                Token::Integer(digits) => of_number(integer(digits, begin)?),
                Token::Float(digits) => of_number(float(digits, begin)?),
                Token::Text(body) => (Kind::Text, Step::Push(Literal::Text(unescaped(body)))),
                Token::Name(name) => (Kind::Property, Step::PushProperty(name.into())),
                _ => return Err(self.expected("a property or a value")),
            };
            self.operands.push(Operand {
                kind,
                begin,
                first_step: self.steps.len(),
                ends_with_is: false,
            });
            self.depth = self.depth.max(self.operands.len());
            self.steps.push(step);
            return self.advance();
        }
    }

    /// Reads what stands behind an operand: operators with all they need, up to one that needs another
    /// operand.
    fn operators(&mut self) -> Result<Follows, SqlError> {
        loop {
            if let Follows::Operand = self.end_tight()? {
                return Ok(Follows::Operand);
            }
            let by_order = !self.top().ends_with_is;
            match self.next.token {
                Token::Greater if by_order => return self.ordered(Order::Greater),
                Token::GreaterOrEqual if by_order => return self.ordered(Order::GreaterOrEqual),
                Token::Less if by_order => return self.ordered(Order::Less),
                Token::LessOrEqual if by_order => return self.ordered(Order::LessOrEqual),
                Token::Between if by_order => return self.between(false),
                Token::Contains | Token::StartsWith | Token::EndsWith | Token::In if by_order => {
                    self.word(false)?;
                }
                Token::Not if by_order => {
                    self.advance()?;
                    match self.next.token {
                        Token::Between => return self.between(true),
                        Token::Contains | Token::StartsWith | Token::EndsWith | Token::In => {
                            self.word(true)?;
                        }
                        _ => {
                            let words = "BETWEEN, IN, CONTAINS, STARTSWITH or ENDSWITH";
                            return Err(self.expected(words));
                        }
                    }
                }
                Token::Is => self.is_null()?,
                Token::Equal | Token::NotEqual => {
                    self.end_down_to(Tightness::Equality)?;
                    let not = self.next.token == Token::NotEqual;
                    return self.await_operand(Pending::Equal { not });
                }
                Token::And => {
                    self.end_down_to(Tightness::And)?;
                    self.as_condition()?;
                    let jump = self.jump(Step::JumpIf {
                        truth: false,
                        to: 0,
                    });
                    return self.await_operand(Pending::And { jump });
                }
                Token::Or => {
                    self.end_down_to(Tightness::Or)?;
                    self.as_condition()?;
                    let jump = self.jump(Step::JumpIf { truth: true, to: 0 });
                    return self.await_operand(Pending::Or { jump });
                }
                Token::Close => {
                    self.end_down_to(Tightness::Or)?;
                    let Some(Pending::Open { begin }) = self.pending.pop() else {
                        return Ok(Follows::Nothing);
                    };
                    let top = self.top_mut();
                    (top.begin, top.ends_with_is) = (begin, false);
                    self.advance()?;
                }
                _ => {
                    self.end_down_to(Tightness::Or)?;
                    return match self.pending.last() {
                        None => Ok(Follows::Nothing),
                        Some(_) => Err(self.expected("an operator or `)`")),
                    };
                }
            }
        }
    }

    /// Ends all that binds tighter than any operator that may follow.
    fn end_tight(&mut self) -> Result<Follows, SqlError> {
        while let Some(last) = self.pending.last() {
            if last.tightness() < Tightness::Tight {
                break;
            }
            if let Pending::LowerBound { not, unknown } = *last {
                if self.next.token != Token::And {
                    return Err(self.expected("the AND of `BETWEEN`"));
                }
                self.top().check_ordered("BETWEEN")?;
                self.pending.pop();
                let settled = self.jump(Step::LowerBound { not, to: 0 });
                return self.await_operand(Pending::UpperBound {
                    not,
                    unknown,
                    settled,
                });
            }
            self.end_last()?;
        }
        Ok(Follows::Nothing)
    }

    /// Ends all that binds at least so tightly, up to an open parenthesis.
    fn end_down_to(&mut self, least: Tightness) -> Result<(), SqlError> {
        while self
            .pending
            .last()
            .is_some_and(|last| last.tightness() >= least)
        {
            self.end_last()?;
        }
        Ok(())
    }

    /// Ends what waited last, for which the operand on the right is there now.
    fn end_last(&mut self) -> Result<(), SqlError> {
        match self.pending.pop() {
            None | Some(Pending::Open { .. } | Pending::LowerBound { .. }) => {}
            Some(Pending::Negate { begin }) => {
                self.steps.push(Step::Negate);
                let top = self.top_mut();
                (top.begin, top.kind) = (begin, Kind::Negated);
            }
            Some(Pending::Not { begin }) => {
                self.as_condition()?;
                self.steps.push(Step::Not);
                self.becomes_condition();
                self.top_mut().begin = begin;
            }
            Some(Pending::Ordered { order, jump }) => {
                self.pop().check_ordered(order.sign())?;
                self.steps.push(Step::Ordered(order));
                self.land(jump);
                self.becomes_condition();
            }
            Some(Pending::UpperBound {
                not,
                unknown,
                settled,
            }) => {
                let (high, low) = (self.pop(), self.pop());
                high.check_ordered("BETWEEN")?;
                if !not {
                    low.check_not_above(&high)?;
                }
                self.steps.push(Step::UpperBound { not });
                self.land(unknown);
                self.land(settled);
                self.becomes_condition();
            }
            Some(Pending::Equal { not }) => {
                let right = self.pop();
                self.top().check_equal(&right)?;
                self.steps.push(Step::Equal);
                if not {
                    self.steps.push(Step::Not);
                }
                self.becomes_condition();
            }
            Some(Pending::And { jump }) => self.end_joined(Step::And, jump)?,
            Some(Pending::Or { jump }) => self.end_joined(Step::Or, jump)?,
        }
        Ok(())
    }

    fn end_joined(&mut self, step: Step, jump: usize) -> Result<(), SqlError> {
        self.as_condition()?;
        self.pop();
        self.steps.push(step);
        self.land(jump);
        self.becomes_condition();
        Ok(())
    }

    fn ordered(&mut self, order: Order) -> Result<Follows, SqlError> {
        self.top().check_ordered(order.sign())?;
        let jump = self.jump(Step::JumpIfUnknown { to: 0 });
        self.await_operand(Pending::Ordered { order, jump })
    }

    fn between(&mut self, not: bool) -> Result<Follows, SqlError> {
        self.top().check_ordered("BETWEEN")?;
        let unknown = self.jump(Step::JumpIfUnknown { to: 0 });
        self.await_operand(Pending::LowerBound { not, unknown })
    }

    /// IN, CONTAINS, STARTSWITH or ENDSWITH, which the next token is.
    fn word(&mut self, not: bool) -> Result<(), SqlError> {
        let how = match self.next.token {
            Token::Contains => Occurrence::Anywhere,
            Token::StartsWith => Occurrence::AtBegin,
            Token::EndsWith => Occurrence::AtEnd,
            _ => return self.is_in(not),
        };
        self.advance()?;
        let text = self.text()?;
        if text.is_empty() {
            // Never true, whatever stands before it; that is not even evaluated.
            let first = self.top().first_step;
            self.steps.truncate(first);
            self.steps.push(Step::Push(Literal::Truth(false)));
        } else {
            self.steps.push(Step::Occurs { text, how, not });
        }
        self.becomes_condition();
        Ok(())
    }

    fn is_in(&mut self, not: bool) -> Result<(), SqlError> {
        self.advance()?;
        self.expect(Token::Open, "`(`")?;
        let mut texts = vec![self.text()?];
        while self.next.token == Token::Comma {
            self.advance()?;
            texts.push(self.text()?);
        }
        self.expect(Token::Close, "`,` or `)`")?;
        let top = self.top();
        if top.kind != Kind::Property {
            return Err(top.error("only a property can stand before `IN`"));
        }
        texts.sort_unstable();
        let texts = texts.into_boxed_slice();
        self.steps.push(Step::In { texts, not });
        self.becomes_condition();
        Ok(())
    }

    fn is_null(&mut self) -> Result<(), SqlError> {
        self.end_down_to(Tightness::Equality)?;
        self.advance()?;
        self.steps.push(Step::IsNull);
        if self.next.token == Token::Not {
            self.advance()?;
            self.steps.push(Step::Not);
        }
        self.expect(Token::Null, "NULL or NOT NULL")?;
        self.becomes_condition();
        self.top_mut().ends_with_is = true;
        Ok(())
    }

    /// Checks that the operand on top can be a condition (`asBooleanExpression`).
    fn as_condition(&mut self) -> Result<(), SqlError> {
        let top = self.top();
        match top.kind {
            Kind::Condition | Kind::Truth | Kind::Null => Ok(()),
            Kind::Property => {
                self.steps.push(Step::AsCondition);
                self.becomes_condition();
                Ok(())
            }
            Kind::Number(_) | Kind::Text | Kind::Negated => Err(top.no_condition()),
        }
    }

    fn becomes_condition(&mut self) {
        self.top_mut().kind = Kind::Condition;
    }

    fn top(&self) -> Operand {
        *self
            .operands
            .last()
            .expect("the left operand is read before its operator")
    }

    fn top_mut(&mut self) -> &mut Operand {
        let top = self.operands.last_mut();
        top.expect("the left operand is read before its operator")
    }

    fn pop(&mut self) -> Operand {
        let top = self.operands.pop();
        top.expect("the right operand is read before its operator ends")
    }

    /// Reads past the next token; an operand follows for which `pending` waits.
    fn await_operand(&mut self, pending: Pending) -> Result<Follows, SqlError> {
        self.pending.push(pending);
        self.advance()?;
        Ok(Follows::Operand)
    }

    /// Adds a step that jumps to where [`land`](Self::land) is called.
    fn jump(&mut self, step: Step) -> usize {
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn land(&mut self, jump: usize) {
        let here = self.steps.len();
        let step = self.steps.get_mut(jump);
        if let Some(
            Step::JumpIfUnknown { to } | Step::JumpIf { to, .. } | Step::LowerBound { to, .. },
        ) = step
        {
            *to = here;
        }
    }

    fn text(&mut self) -> Result<Box<str>, SqlError> {
        let Token::Text(body) = self.next.token else {
            return Err(self.expected("a text in single quotes"));
        };
        self.advance()?;
        Ok(unescaped(body))
    }

    fn expect(&mut self, token: Token<'static>, name: &str) -> Result<(), SqlError> {
        if self.next.token != token {
            return Err(self.expected(name));
        }
        self.advance()
    }

    fn advance(&mut self) -> Result<(), SqlError> {
        self.next = self.tokens.next()?;
        Ok(())
    }

    fn expected(&self, what: &str) -> SqlError {
        let found = self.tokens.show(&self.next);
        SqlError::new(self.next.begin, format!("expected {what}, found {found}"))
    }
}

impl Pending {
    fn tightness(self) -> Tightness {
        match self {
            Self::Open { .. } => Tightness::Parenthesis,
            Self::Or { .. } => Tightness::Or,
            Self::And { .. } => Tightness::And,
            Self::Equal { .. } => Tightness::Equality,
            Self::Ordered { .. }
            | Self::LowerBound { .. }
            | Self::UpperBound { .. }
            | Self::Not { .. }
            | Self::Negate { .. } => Tightness::Tight,
        }
    }
}

fn of_number(number: Number) -> (Kind, Step) {
    (Kind::Number(number), Step::Push(Literal::Number(number)))
}

/// A whole number of the narrowest type that has it (`createFromDecimal`).
fn integer(digits: &str, begin: usize) -> Result<Number, SqlError> {
    let long = java_number::long(digits).ok_or_else(|| {
        let (digits, max) = (quoted(digits), i64::MAX);
        SqlError::new(begin, format!("{digits} is greater than {max}"))
    })?;
    Ok(i32::try_from(long).map_or(Number::Long(long), Number::Int))
}

/// A number between the smallest and the largest positive double; 0 is below (`createFloat`).
fn float(digits: &str, begin: usize) -> Result<Number, SqlError> {
    let double = java_number::double(digits).unwrap_or(f64::INFINITY);
    let refused = |why: &str| Err(SqlError::new(begin, format!("{} {why}", quoted(digits))));
    if double.is_infinite() {
        return refused("is greater than every double");
    }
    if double <= 0.0 {
        return refused("is less than every positive double: write `0`");
    }
    Ok(Number::Double(double))
}

fn unescaped(body: &str) -> Box<str> {
    body.replace("''", "'").into_boxed_str()
}
