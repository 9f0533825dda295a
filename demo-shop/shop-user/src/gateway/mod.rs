//! Where text messages leave the shop: a fake gateway, or a provider's HTTP interface.

mod fake;
mod http;
mod page;
mod settings;
mod template;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
pub use fake::{FakeGateway, GatewayMode};
pub use http::HttpGateway;
use mq_core::clock::Clock;
pub(crate) use page::routes;
pub(crate) use settings::GatewaySettings;

/// What sends text messages.
pub trait Gateway: Send + Sync {
    /// Sends `text` to `phone`; it may come to the phone twice when the answer is lost.
    fn send<'a>(&'a self, phone: &'a str, text: &'a str) -> Sending<'a>;
}

/// A text message on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), GatewayError>> + Send + 'a>>;

/// The gateway did not take a text message.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("the fake gateway refused the text message: its mode is {}", .0.name())]
    Fake(GatewayMode),
    #[error("the gateway gave no answer within {0:?}")]
    NoAnswer(Duration),
    #[error("the gateway {address} cannot be reached: {source}")]
    Unreachable {
        address: String,
        source: std::io::Error,
    },
    #[error("the request for the gateway cannot be made: {0}")]
    Request(#[from] axum::http::Error),
    #[error("the gateway {address} broke off: {source}")]
    Exchange {
        address: String,
        source: hyper::Error,
    },
    #[error("the gateway {address} refused the text message with {status}: {answer}")]
    Refused {
        address: String,
        status: StatusCode,
        answer: String,
    },
}

/// The gateway that the settings choose.
#[derive(Clone, Debug)]
pub(crate) enum ChosenGateway {
    Fake(Arc<FakeGateway>),
    Http(Arc<HttpGateway>),
}

impl ChosenGateway {
    /// The fake gateway, unless the settings name a provider.
    pub(crate) fn by(settings: Option<GatewaySettings>, clock: &Clock) -> Self {
        match settings {
            None => Self::Fake(Arc::new(FakeGateway::new(clock.clone()))),
            Some(settings) => Self::Http(Arc::new(HttpGateway::new(settings))),
        }
    }

    pub(crate) fn shared(&self) -> Arc<dyn Gateway> {
        match self {
            Self::Fake(fake) => Arc::clone(fake) as Arc<dyn Gateway>,
            Self::Http(http) => Arc::clone(http) as Arc<dyn Gateway>,
        }
    }
}
