//! From settings and listeners to the client: where the cluster is, its producer, consumers, topics.

mod call;
mod calls;
mod consume;
mod consumer_config;
mod errors;
mod failures;
mod group_listener;
mod holds;
mod joined;
mod location;
#[cfg(test)]
mod log_lines;
mod named_clients;
mod receiver;
mod retry;
mod running_consumer;
mod workers;

pub(crate) use joined::JoinedCluster;
pub(crate) use location::ClusterLocation;
pub(crate) use receiver::RunningReceiver;
pub(crate) use running_consumer::RunningConsumer;
