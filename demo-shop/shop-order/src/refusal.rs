//! Why a request was refused: a status and a sentence, as JSON.

use std::error::Error;

use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use mq_starter::{Json, SendError};
use serde::Serialize;
use shop_contracts::OrderStatus;

#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderRefusal {
    #[error("`{parameter}` {what}, try {example}")]
    BadParameter {
        parameter: &'static str,
        what: String,
        example: &'static str,
    },
    #[error("there is no parameter `{0}`, only `pid`, `uid` and `quantity`, try /order?pid=1")]
    UnknownParameter(String),
    #[error("the body cannot be read, try {{\"deliverTwice\":true}}: {0}")]
    BadFaults(#[source] serde_json::Error),
    #[error("there is no product {0}")]
    UnknownProduct(i64),
    #[error("there is no customer {0}")]
    UnknownCustomer(i64),
    #[error("there is no order {0}")]
    UnknownOrder(i64),
    #[error("there is nothing here, try /order?pid=1")]
    UnknownPath,
    #[error("{0} is not possible here, see the header `allow`")]
    UnknownMethod(Method),
    #[error("product {product} is sold out: {left} left")]
    SoldOut { product: i64, left: i64 },
    #[error("order {order} is {} and cannot become {}", is.as_str(), wanted.as_str())]
    WrongStatus {
        order: i64,
        is: OrderStatus,
        wanted: OrderStatus,
    },
    #[error("order {0} was not taken: its transaction took too long, order again")]
    TooLate(i64),
    #[error("order {order} was not taken: {source}")]
    NotSent { order: i64, source: Box<SendError> },
    #[error(
        "order {order} has changed, but the change could not be announced, try again: {source}"
    )]
    NotAnnounced { order: i64, source: Box<SendError> },
    /// The transaction failed, possibly after it was committed.
    #[error("nobody knows yet whether order {order} was taken, see /orders/{order} in a minute")]
    Unclear {
        order: i64,
        source: Option<sqlx::Error>,
    },
    #[error("the orders cannot be reached, try again later")]
    Database(#[from] sqlx::Error),
}

impl OrderRefusal {
    pub(crate) fn not_sent(order: i64, source: SendError) -> Self {
        let source = Box::new(source);
        Self::NotSent { order, source }
    }

    pub(crate) fn not_announced(order: i64, source: SendError) -> Self {
        let source = Box::new(source);
        Self::NotAnnounced { order, source }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::BadParameter { .. } | Self::UnknownParameter(_) | Self::BadFaults(_) => {
                StatusCode::BAD_REQUEST
            }
            Self::UnknownMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::UnknownProduct(_)
            | Self::UnknownCustomer(_)
            | Self::UnknownOrder(_)
            | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::SoldOut { .. } | Self::WrongStatus { .. } => StatusCode::CONFLICT,
            Self::TooLate(_)
            | Self::NotSent { .. }
            | Self::NotAnnounced { .. }
            | Self::Unclear { .. }
            | Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

#[derive(Serialize)]
struct ErrorBody {
    error: String,
}

impl IntoResponse for OrderRefusal {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            let cause = self.source().map(ToString::to_string);
            tracing::error!(cause, "{self}");
        }
        let error = self.to_string();
        (status, Json(ErrorBody { error })).into_response()
    }
}
