//! `Json<T>`: the payload of a message, and the body of a request or an answer in axum handlers.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
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
            .map_err(ConsumeError::dead_letter)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = JsonRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let axum::Json(value) = axum::Json::from_request(request, state).await?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}
