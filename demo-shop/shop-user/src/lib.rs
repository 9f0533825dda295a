//! Sends a text message for each order.
#![expect(missing_docs, reason = "an application, not a library")]

mod database;
mod gateway;
mod service;
mod sms;

pub use database::{Database, DatabaseError, Sms};
pub use gateway::{FakeGateway, Gateway, GatewayError, Sending};
pub use service::Service;
pub use sms::SmsService;
