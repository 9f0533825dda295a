//! Sends a text message for each order, and counts its points.
#![expect(missing_docs, reason = "an application, not a library")]

mod database;
mod dead_letters;
mod gateway;
mod news;
mod points;
mod refusal;
mod service;
mod sms;
#[cfg(test)]
mod tests;

pub use database::{Balance, Database, DatabaseError, Sms};
pub use gateway::{FakeGateway, Gateway, GatewayError, GatewayMode, HttpGateway, Sending};
pub use points::PointsService;
pub use service::Service;
pub use sms::SmsService;
