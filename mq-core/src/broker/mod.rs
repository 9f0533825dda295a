//! Takes, keeps and gives messages.
//!
//! A request comes in through `processors` (one row of `routes` for each code), is admitted (`admit`),
//! and does its work on what the broker knows (`state`). What nobody asks for goes on in `background`.
//! [`Broker`] makes the parts and ends them in order.

mod admit;
mod advertised;
mod background;
pub mod config;
mod housekeeping;
mod lifecycle;
mod parts;
mod processors;
mod state;

pub use advertised::{AdvertiseError, Advertised};
pub use lifecycle::Broker;
