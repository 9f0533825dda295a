//! The only names that an expansion may use. Not for people: anything here may change.

use std::sync::Arc;

pub use inventory;

pub use crate::extract::FromMessage;
pub use crate::listener::attributes::{Attributes, Written};
pub use crate::listener::declaration::Declaration;
pub use crate::listener::handler::Handler;
pub use crate::listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Delivery, MessageModel, Origin, SelectorType,
};
use crate::listener::{IntoConsumeResult, RocketMQListener};
use crate::payload::Payload;
use crate::state::Component;
pub use crate::state::{Assembly, FromApplication};

/// An annotated struct as a handler.
pub fn assemble_struct<L: RocketMQListener + Component>(
    assembly: &mut Assembly<'_>,
) -> Option<Handler> {
    let listener = Arc::new(L::assemble(assembly)?);
    Some(Handler::new(move |delivery| {
        let listener = Arc::clone(&listener);
        Box::pin(async move {
            let message = L::Message::of(&delivery.message).map_err(ConsumeError::dead_letter)?;
            listener.on_message(message).await
        })
    }))
}

/// How a parameter of an annotated function is taken from a message; what it needs is noted.
pub fn extractor<T: FromMessage>(
    assembly: &mut Assembly<'_>,
) -> fn(&Delivery) -> Result<T, ConsumeError> {
    T::require(assembly);
    T::from_message
}

/// What an annotated function returned, as a listener's answer.
///
/// # Errors
///
/// When the message was not handled.
pub fn outcome<R: IntoConsumeResult>(outcome: R) -> ConsumeResult {
    outcome.into_consume_result()
}
