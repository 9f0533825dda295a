//! The application: what it provides, what it listens to, when it starts and how it stops.
//!
//! Everything that can be wrong is found before the first socket opens, and reported together.

mod builder;
mod checked;
mod listener_group;
mod running;
#[cfg(feature = "axum")]
mod serving;
mod signal;
#[cfg(feature = "axum")]
mod web;

pub use builder::RocketMQApplication;
pub use listener_group::ListenerGroup;
pub use running::Application;
pub use signal::asked_to_stop;
