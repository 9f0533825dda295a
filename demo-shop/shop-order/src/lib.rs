//! Takes orders: looks the product up, writes the order, announces it.
#![expect(missing_docs, reason = "an application, not a library")]

mod database;

mod refusal;
mod request;

pub use database::{Database, DatabaseError};
