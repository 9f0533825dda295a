//! Sends a text message for each order.
#![expect(missing_docs, reason = "an application, not a library")]

mod database;
mod gateway;

pub use database::{Database, DatabaseError, Sms};
pub use gateway::{FakeGateway, Gateway, GatewayError, Sending};
