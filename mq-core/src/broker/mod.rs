//! Takes, keeps and gives messages.

pub mod config;
