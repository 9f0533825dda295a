//! Why a request was not answered: a status and a sentence, as JSON.

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use mq_core::client::ErrorKind;
use mq_core::reason::reason;
use mq_starter::{DeadLetterError, Json};
use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{what}, try {{\"mode\":\"fail\",\"times\":2}}")]
    BadMode { what: String },
    #[error(
        "text messages go to {url}, which has no modes: leave out `shop.user.gateway` for the fake \
         gateway"
    )]
    NoFakeGateway { url: String },
    #[error("there is no dead letter `{id}`, see GET /dead-letters")]
    NoSuchLetter { id: String },
    #[error("there is nothing here, try /sms")]
    UnknownPath,
    #[error("{0} is not possible here, see the header `allow`")]
    UnknownMethod(Method),
    #[error("{0}")]
    DeadLetters(#[from] DeadLetterError),
    #[error("the database of shop-user cannot be read, try again later")]
    Database(#[from] sqlx::Error),
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadMode { .. } => StatusCode::BAD_REQUEST,
            Self::NoFakeGateway { .. } | Self::NoSuchLetter { .. } | Self::UnknownPath => {
                StatusCode::NOT_FOUND
            }
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::DeadLetters(error) => match error.kind() {
                ErrorKind::Message | ErrorKind::NoRoute => StatusCode::NOT_FOUND,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!("{}", reason(&self));
        }
        let error = self.to_string();
        (status, Json(ErrorBody { error })).into_response()
    }
}
