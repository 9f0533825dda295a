//! Who has which topic.

pub mod config;
