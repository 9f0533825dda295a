//! A batch listener as the consumer calls it: one type for structs and functions.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use super::messages::{Batch, BatchMessage};
use super::outcomes::BatchResult;
use crate::listener::handler::{begin, caught};
use crate::listener::outcome::{ConsumeError, ConsumeResult};
use crate::message::MessageExt;
use crate::payload::Payload;
use crate::state::AppState;

/// Messages on their way to a batch listener, with what the application provides.
#[derive(Debug)]
pub(crate) struct BatchDelivery {
    /// Of one topic and queue, in their order.
    pub(crate) messages: Vec<MessageExt>,
    /// What the application provides.
    pub(crate) state: AppState,
    /// Whether no message may be handled before the one before it.
    pub(crate) in_order: bool,
}

type BatchFuture = Pin<Box<dyn Future<Output = Vec<ConsumeResult>> + Send>>;

/// A batch listener that is ready to be called.
#[derive(Clone)]
pub struct BatchHandler {
    call: Arc<dyn Fn(BatchDelivery) -> BatchFuture + Send + Sync>,
    blocking: bool,
}

impl BatchHandler {
    /// From what a batch is done with.
    pub fn new<T: Payload, F>(
        call: impl Fn(Batch<T>, AppState) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = BatchResult> + Send + 'static,
    {
        Self {
            call: Arc::new(move |delivery| {
                let (batch, state, results) = decoded(delivery);
                if batch.is_empty() {
                    return Box::pin(ready(results));
                }
                let begun = begin(|| Box::pin(call(batch, state)));
                Box::pin(async move {
                    let answer = match begun {
                        Ok(begun) => caught(begun).await,
                        Err(error) => Err(error),
                    };
                    with_outcomes(results, answer)
                })
            }),
            blocking: false,
        }
    }

    /// From what a batch is done with, by a function that may block its thread.
    pub fn blocking<T: Payload>(
        call: impl Fn(Batch<T>, AppState) -> BatchResult + Send + Sync + 'static,
    ) -> Self {
        Self {
            blocking: true,
            ..Self::new(move |batch, state| ready(call(batch, state)))
        }
    }

    /// Whether it is a function that may block its thread.
    pub(crate) fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// Hands messages over. Gives a result for each; in order, none for those behind the first that
    /// cannot be decoded, which have not been handed over.
    pub(crate) async fn call(&self, delivery: BatchDelivery) -> Vec<ConsumeResult> {
        (self.call)(delivery).await
    }
}

/// The batch of what can be decoded, and a result for each message: those that are in the batch are
/// done so far.
fn decoded<T: Payload>(delivery: BatchDelivery) -> (Batch<T>, AppState, Vec<ConsumeResult>) {
    let BatchDelivery {
        messages,
        state,
        in_order,
    } = delivery;
    let (mut decoded, mut results) = (Vec::new(), Vec::with_capacity(messages.len()));
    for (position, message) in messages.into_iter().enumerate() {
        match T::of(&message) {
            Ok(payload) => {
                decoded.push(BatchMessage::new(payload, message, position));
                results.push(Ok(()));
            }
            Err(error) => {
                results.push(Err(ConsumeError::undecodable(error)));
                if in_order {
                    break;
                }
            }
        }
    }
    (Batch::new(decoded, in_order), state, results)
}

/// The results with what the listener answered for the messages that it got.
fn with_outcomes(mut results: Vec<ConsumeResult>, answer: BatchResult) -> Vec<ConsumeResult> {
    match answer {
        Ok(outcomes) => {
            for (position, error) in outcomes.into_failed() {
                if let Some(result) = results.get_mut(position) {
                    *result = Err(error);
                }
            }
        }
        Err(error) => {
            for result in results.iter_mut().filter(|result| result.is_ok()) {
                *result = Err(error.clone());
            }
        }
    }
    results
}

impl fmt::Debug for BatchHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BatchHandler")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listener::handler::tests::message;
    use crate::listener::{BatchOutcomes, Next};

    fn delivery(bodies: &[&'static str], in_order: bool) -> BatchDelivery {
        BatchDelivery {
            messages: bodies.iter().map(|body| message(body)).collect(),
            state: AppState::default(),
            in_order,
        }
    }

    /// What happens next with each message: `None` when it is done.
    fn next(results: &[ConsumeResult]) -> Vec<Option<Next>> {
        let next = |result: &ConsumeResult| result.as_ref().err().map(ConsumeError::next);
        results.iter().map(next).collect()
    }

    const LATER: Option<Next> = Some(Next::Later);
    const DEAD: Option<Next> = Some(Next::DeadLetter);

    #[tokio::test]
    async fn what_cannot_be_decoded_is_not_handed_over_and_goes_its_own_way() {
        let handler = BatchHandler::new(async |numbers: Batch<u32>, _| {
            let mut outcomes = BatchOutcomes::default();
            for number in numbers.iter().filter(|number| ***number > 5) {
                outcomes.fail(number, ConsumeError::later("too much"));
            }
            Ok(outcomes)
        });

        let results = handler.call(delivery(&["1", "x", "7", "3"], false)).await;
        assert_eq!(next(&results), [None, DEAD, LATER, None]);

        let results = handler.call(delivery(&["1", "x", "7", "3"], true)).await;
        assert_eq!(next(&results), [None, DEAD]);
    }

    #[tokio::test]
    async fn an_error_or_a_panic_is_for_all_that_were_handed_over() {
        let failing = BatchHandler::new(async |_: Batch<u32>, _| Err(ConsumeError::later("no")));
        let panicking = BatchHandler::blocking(|_: Batch<u32>, _| panic!("no"));

        for handler in [failing, panicking] {
            let results = handler.call(delivery(&["1", "x", "2"], false)).await;
            assert_eq!(next(&results), [LATER, DEAD, LATER]);
        }
    }

    #[tokio::test]
    async fn nothing_is_called_when_nothing_can_be_decoded() {
        let handler = BatchHandler::new(async |_: Batch<u32>, _| panic!("called"));

        let results = handler.call(delivery(&["x", "y"], false)).await;

        assert_eq!(next(&results), [DEAD, DEAD]);
    }

    #[tokio::test]
    async fn each_stops_at_the_first_failure_in_order_alone() {
        for (in_order, expected) in [(false, 3), (true, 2)] {
            let calls = Arc::new(parking_lot::Mutex::new(0));
            let counted = Arc::clone(&calls);
            let handler = BatchHandler::new(move |numbers: Batch<u32>, _| {
                let counted = Arc::clone(&counted);
                async move {
                    let each = numbers.each(|number| {
                        *counted.lock() += 1;
                        ready(if *number == 2 {
                            Err("no".into())
                        } else {
                            Ok(())
                        })
                    });
                    Ok(each.await)
                }
            });

            let results = handler.call(delivery(&["1", "2", "3"], in_order)).await;

            assert_eq!(next(&results), [None, LATER, None]);
            assert_eq!(*calls.lock(), expected);
        }
    }
}
