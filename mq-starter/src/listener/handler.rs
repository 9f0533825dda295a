//! A listener as the consumer calls it: one type for structs and functions.
//!
//! A panic stays here: it counts as "again later".

use std::any::Any;
use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use super::outcome::{ConsumeError, ConsumeResult};
use crate::message::MessageExt;
use crate::state::AppState;

/// A message on its way to a listener, with what the application provides.
#[derive(Debug)]
pub struct Delivery {
    /// The message.
    pub message: MessageExt,
    /// What the application provides.
    pub state: AppState,
    /// How long a reply may take to be sent; `None`: as long as any send.
    pub reply_timeout: Option<Duration>,
}

type HandlerFuture = Pin<Box<dyn Future<Output = ConsumeResult> + Send>>;

/// A listener that is ready to be called.
#[derive(Clone)]
pub struct Handler {
    call: Arc<dyn Fn(Delivery) -> HandlerFuture + Send + Sync>,
    blocking: bool,
}

impl Handler {
    /// From what a delivery is done with.
    pub fn new(call: impl Fn(Delivery) -> HandlerFuture + Send + Sync + 'static) -> Self {
        Self {
            call: Arc::new(call),
            blocking: false,
        }
    }

    /// From what a delivery is done with, by a function that may block its thread.
    pub fn blocking(call: impl Fn(Delivery) -> ConsumeResult + Send + Sync + 'static) -> Self {
        Self {
            call: Arc::new(move |delivery| Box::pin(ready(call(delivery)))),
            blocking: true,
        }
    }

    /// Whether it is a function that may block its thread.
    pub(crate) fn is_blocking(&self) -> bool {
        self.blocking
    }

    /// Hands a message over; a panic becomes an error.
    pub(crate) async fn call(&self, delivery: Delivery) -> ConsumeResult {
        caught(begin(|| (self.call)(delivery))?).await
    }
}

/// Calls a listener; a panic becomes an error.
pub(super) fn begin<F>(call: impl FnOnce() -> F) -> Result<F, ConsumeError> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| panicked(&*panic))
}

/// The output of what a listener has begun; a panic becomes an error.
pub(super) async fn caught<T, F>(mut begun: Pin<Box<F>>) -> Result<T, ConsumeError>
where
    F: Future<Output = Result<T, ConsumeError>> + ?Sized,
{
    poll_fn(move |context| {
        let polled = catch_unwind(AssertUnwindSafe(|| begun.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| Poll::Ready(Err(panicked(&*panic))))
    })
    .await
}

fn panicked(panic: &(dyn Any + Send)) -> ConsumeError {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text");
    ConsumeError::panicked(format!("the listener panicked: {text}"))
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handler")
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::listener::outcome::Next;

    /// A message with this body.
    pub(crate) fn message(body: &'static str) -> MessageExt {
        let topic = mq_core::message::TopicName::new("t").unwrap();
        let host = ([127, 0, 0, 1], 10911).into();
        MessageExt::from(mq_core::message::MessageExt {
            message: mq_core::message::Message::new(topic, body),
            queue_id: 0,
            queue_offset: mq_core::message::QueueOffset::default(),
            physical_offset: mq_core::message::PhysicalOffset::default(),
            sys_flag: mq_core::message::SysFlag::default(),
            born_timestamp: 0,
            born_host: host,
            store_timestamp: 0,
            store_host: host,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            store_size: 0,
        })
    }

    /// A message of no particular kind.
    pub(crate) fn delivery() -> Delivery {
        Delivery {
            message: message("body"),
            state: AppState::default(),
            reply_timeout: None,
        }
    }

    #[tokio::test]
    async fn a_panic_before_or_after_the_first_wait_counts_as_later() {
        let early = Handler::new(|_| panic!("early"));
        let late = Handler::new(|_| {
            Box::pin(async {
                tokio::task::yield_now().await;
                panic!("late {}", 1)
            })
        });

        for (handler, text) in [(early, "early"), (late, "late 1")] {
            let error = handler.call(delivery()).await.unwrap_err();

            assert_eq!(error.next(), Next::Later);
            assert!(error.is_panic());
            assert_eq!(error.reason(), format!("the listener panicked: {text}"));
        }
    }
}
