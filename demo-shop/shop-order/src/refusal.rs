//! Why an order was not taken: a status and a sentence, as JSON.

use std::error::Error;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mq_starter::Json;
use serde::Serialize;

#[derive(Debug, thiserror::Error)]
pub(crate) enum OrderRefusal {
    #[error("`{parameter}` {what}, try /order?pid=1")]
    BadParameter {
        parameter: &'static str,
        what: String,
    },
    #[error("there is no product {0}")]
    UnknownProduct(i64),
    #[error("there is no customer {0}")]
    UnknownCustomer(i64),
    #[error("product {product} is sold out: {left} left")]
    SoldOut { product: i64, left: i64 },
    #[error("order {order} was cancelled: it could not be announced, try again later")]
    NotAnnounced {
        order: i64,
        source: Box<dyn Error + Send + Sync>,
    },
    #[error("the orders cannot be reached, try again later")]
    Database(#[from] sqlx::Error),
}

impl OrderRefusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadParameter { .. } => StatusCode::BAD_REQUEST,
            Self::UnknownProduct(_) | Self::UnknownCustomer(_) => StatusCode::NOT_FOUND,
            Self::SoldOut { .. } => StatusCode::CONFLICT,
            Self::NotAnnounced { .. } | Self::Database(_) => StatusCode::SERVICE_UNAVAILABLE,
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
