//! A listener made of a function that handles one message.

use std::fmt;
use std::future::Future;

use super::listener::{ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome};
use crate::message::MessageExt;

/// A listener that calls a function for each message; see [`each`].
#[derive(Clone, Copy)]
pub struct Each<H>(H);

/// A listener that calls `handler` for each message, for concurrent consumers and for orderly ones.
///
/// The handler returns nothing, a `Result` or an [`Outcome`] (an orderly one an [`OrderlyOutcome`]).
/// After an `Err` the message is delivered again, and the error's text is kept with the dead letter if it
/// becomes one. In order, the rest of a batch is not handled then, and comes again with it.
///
/// ```no_run
/// # use mq_core::{client::*, message::*};
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let points = client.push_consumer(GroupName::new("points")?).subscribe("orders".parse()?, "paid");
/// let points = points
///     .start(each(|order| async move {
///         let total: f64 = order.text().unwrap_or_default().parse()?;
///         println!("{total} points");
///         Ok::<_, std::num::ParseFloatError>(())
///     }))
///     .await?;
/// # Ok(())
/// # }
/// ```
pub fn each<H, F>(handler: H) -> Each<H>
where
    H: Fn(MessageExt) -> F + Send + Sync + 'static,
    F: Future + Send,
{
    Each(handler)
}

impl<H, F> ConcurrentListener for Each<H>
where
    H: Fn(MessageExt) -> F + Send + Sync + 'static,
    F: Future<Output: Into<Outcome>> + Send,
{
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in batch {
            outcomes.push((self.0)(message).await.into());
        }
        outcomes
    }
}

impl<H, F> OrderlyListener for Each<H>
where
    H: Fn(MessageExt) -> F + Send + Sync + 'static,
    F: Future<Output: Into<OrderlyOutcome>> + Send,
{
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in batch {
            let outcome = (self.0)(message).await.into();
            let comes_again = outcome.comes_again();
            outcomes.push(outcome);
            if comes_again {
                break;
            }
        }
        outcomes
    }
}

impl<H> fmt::Debug for Each<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Each")
    }
}

/// It is finished.
impl From<()> for Outcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

/// Finished, or delivered again after a delay that grows with each attempt.
impl<E: fmt::Display> From<Result<(), E>> for Outcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Later {
                delay_level: 0,
                reason: Some(error.to_string()),
            },
        }
    }
}

/// It is finished.
impl From<()> for OrderlyOutcome {
    fn from((): ()) -> Self {
        Self::Done
    }
}

/// Finished, or delivered again after a pause, before any other of its queue.
impl<E: fmt::Display> From<Result<(), E>> for OrderlyOutcome {
    fn from(result: Result<(), E>) -> Self {
        match result {
            Ok(()) => Self::Done,
            Err(error) => Self::Suspend {
                pause: None,
                reason: Some(error.to_string()),
            },
        }
    }
}
