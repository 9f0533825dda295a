//! What a consumer leaves in the message trace: each call of its listener, before and after
//! (`ConsumeMessageTraceHookImpl`).

use std::borrow::Borrow;
use std::time::Duration;

use crate::client::trace::{CallOutcome, Event, TraceRecord, TracedMessage, Tracer};
use crate::clock::Moment;
use crate::message::{MessageExt, property};

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

    /// Records how the call ended: for each message, in their order, whether it is done. A call that
    /// took `timeout` or longer is recorded as too long.
    pub(in crate::client) fn end(self, done: impl IntoIterator<Item = bool>, timeout: Duration) {
        let took = self.tracer.moment().since(self.begun);
        let count = u128::try_from(self.messages.len()).unwrap_or(1).max(1);
        for (traced, success) in self.messages.into_iter().zip(done) {
            let Some((region, message)) = traced else {
                continue;
            };
            let outcome = if took >= timeout {
                CallOutcome::TimedOut
            } else if success {
                CallOutcome::Success
            } else {
                CallOutcome::Failed
            };
            self.tracer.record(TraceRecord {
                at_ms: self.tracer.now_ms(),
                region,
                message,
                event: Event::Consumed {
                    call: self.id.clone(),
                    cost_ms: took.as_millis() / count,
                    success,
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
