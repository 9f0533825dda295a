//! What a consumer leaves in the message trace: each call of its listener, before and after
//! (`ConsumeMessageTraceHookImpl`).

use std::borrow::Borrow;
use std::iter::repeat;
use std::time::Duration;

use super::listener::{OrderlyOutcome, Outcome};
use crate::client::trace::{CallOutcome, Event, TraceRecord, TracedMessage, Tracer};
use crate::clock::Moment;
use crate::message::{MessageExt, property};

/// What a listener answered for a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Answered {
    Done,
    NotDone,
    Panicked,
}

impl From<&Outcome> for Answered {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Panicked { .. } => Self::Panicked,
            Outcome::Later { .. } | Outcome::DeadLetter { .. } => Self::NotDone,
        }
    }
}

impl From<&OrderlyOutcome> for Answered {
    fn from(outcome: &OrderlyOutcome) -> Self {
        match outcome {
            outcome if outcome.is_handled() => Self::Done,
            OrderlyOutcome::Panicked { .. } => Self::Panicked,
            _ => Self::NotDone,
        }
    }
}

/// A call that was recorded when it began.
pub(in crate::client) struct TracedCall<'a> {
    tracer: &'a Tracer,
    id: String,
    begun: Moment,
    /// Region and message; `None`: not traced.
    messages: Vec<Option<(String, TracedMessage)>>,
}

impl<'a> TracedCall<'a> {
    /// Records that a listener gets `batch`.
    pub(in crate::client) fn begin(
        tracer: &'a Tracer,
        batch: impl IntoIterator<Item: Borrow<MessageExt>>,
    ) -> Self {
        let (id, begun) = (tracer.unique_id(), tracer.moment());
        let record = |stored: &MessageExt| {
            let (region, message) = traced(tracer, stored)?;
            tracer.record(TraceRecord {
                at_ms: tracer.now_ms(),
                region: region.clone(),
                message: message.clone(),
                event: Event::Consuming {
                    call: id.clone(),
                    retries: stored.reconsume_times,
                },
            });
            Some((region, message))
        };
        let batch = batch.into_iter();
        let messages = batch.map(|stored| record(stored.borrow())).collect();
        Self {
            tracer,
            id,
            begun,
            messages,
        }
    }

    /// Records how the call ended: for each message, in their order, what was answered. A message without
    /// an answer is not done. A call that took `timeout` or longer is recorded as too long, unless it
    /// panicked.
    pub(in crate::client) fn end(
        self,
        answers: impl IntoIterator<Item = Answered>,
        timeout: Duration,
    ) {
        let answers = answers.into_iter().chain(repeat(Answered::NotDone));
        let took = self.tracer.moment().since(self.begun);
        let count = u128::try_from(self.messages.len()).unwrap_or(1).max(1);
        for (traced, answered) in self.messages.into_iter().zip(answers) {
            let Some((region, message)) = traced else {
                continue;
            };
            let outcome = match answered {
                Answered::Panicked => CallOutcome::Exception,
                _ if took >= timeout => CallOutcome::TimedOut,
                Answered::Done => CallOutcome::Success,
                Answered::NotDone => CallOutcome::Failed,
            };
            self.tracer.record(TraceRecord {
                at_ms: self.tracer.now_ms(),
                region,
                message,
                event: Event::Consumed {
                    call: self.id.clone(),
                    cost_ms: took.as_millis() / count,
                    success: answered == Answered::Done,
                    outcome,
                },
            });
        }
    }
}

/// `None` for a message whose broker wants no traces, or is too old to name its region.
fn traced(tracer: &Tracer, stored: &MessageExt) -> Option<(String, TracedMessage)> {
    let properties = &stored.message.properties;
    let region = properties.get(property::MSG_REGION)?;
    let is_wanted = properties.get(property::TRACE_ON) != Some("false");
    let is_wanted = is_wanted && tracer.traces(&stored.message.topic);
    is_wanted.then(|| (region.to_owned(), TracedMessage::from(stored)))
}
