//! The broker: receives messages, stores them and hands them out.
//!
//! A request comes in through `processors` (one row of `routes` for each code), is admitted
//! (`admit`), and works on what the broker knows (`state`). What runs without a request is in
//! `background`. [`Broker`] creates the parts and shuts them down in order.

mod admit;
mod advertised;
mod background;
pub mod config;
mod housekeeping;
mod lifecycle;
mod parts;
mod processors;
mod room;
mod state;

pub use advertised::{AdvertiseError, Advertised};
pub use lifecycle::Broker;
