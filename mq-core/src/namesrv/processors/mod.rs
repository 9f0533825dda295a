//! What answers each request, grouped by what it is about.

mod brokers;
mod kv;
mod own;
mod settings;
mod topics;

pub(super) use brokers::Brokers;
pub(super) use kv::Kv;
pub(super) use settings::Settings;
pub(super) use topics::Topics;
