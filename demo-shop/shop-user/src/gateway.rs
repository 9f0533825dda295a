//! Where text messages leave the shop.

use std::future::Future;
use std::pin::Pin;

/// What sends text messages.
pub trait Gateway: Send + Sync {
    /// Sends `text` to `phone`; it may come to the phone twice when the answer is lost.
    fn send<'a>(&'a self, phone: &'a str, text: &'a str) -> Sending<'a>;
}

/// A text message on its way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<(), GatewayError>> + Send + 'a>>;

/// The gateway did not take a text message.
#[derive(Debug, thiserror::Error)]
#[error("the gateway did not take the text message: {0}")]
pub struct GatewayError(pub String);

/// Sends nothing and says so in the log.
#[derive(Clone, Copy, Debug, Default)]
pub struct FakeGateway;

impl Gateway for FakeGateway {
    fn send<'a>(&'a self, phone: &'a str, text: &'a str) -> Sending<'a> {
        Box::pin(async move {
            tracing::info!(phone, text, "text message sent");
            Ok(())
        })
    }
}
