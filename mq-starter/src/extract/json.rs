//! `Json<T>`: the payload of a message, and the body of a request or an answer in axum handlers.

use serde::de::DeserializeOwned;

use super::from_message::FromMessage;
use crate::listener::{ConsumeError, Delivery};
use crate::payload::decode;

/// The payload, read as JSON: `Json(order): Json<Order>`.
///
/// In axum handlers it is what axum's own `Json` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Send> FromMessage for Json<T> {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        decode(delivery.message.body())
            .map(Json)
            .map_err(ConsumeError::undecodable)
    }
}
