//! What answers each request, grouped by what it is about.

mod brokers;
mod kv;
mod own;
mod settings;
mod topics;

pub(super) use brokers::BrokerProcessor;
pub(super) use kv::KvProcessor;
pub(super) use settings::SettingsProcessor;
pub(super) use topics::TopicProcessor;
