//! Takes orders: writes each in a transaction that a message takes part in, and follows it until it is shipped or
//! cancelled.
#![expect(missing_docs, reason = "an application, not a library")]

mod announce;
mod database;
mod events;
mod faults;
mod order;
mod orders;
mod place;
mod progress;
mod refusal;
mod request;
mod service;
mod settings;
mod timeout;

pub use database::{Database, DatabaseError, OrderDetail, Product, TimelineEntry};
pub use service::Service;
