//! Takes orders: looks the product up, writes the order, announces it.
#![expect(missing_docs, reason = "an application, not a library")]

mod database;
mod order;
mod refusal;
mod request;
mod service;

pub use database::{Database, DatabaseError};
pub use service::Service;
