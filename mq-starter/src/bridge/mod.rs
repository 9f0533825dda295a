//! From settings and listeners to the client: where the cluster is, its producer, consumers, topics.

mod call;
mod calls;
mod cluster;
mod consumer;
mod consuming;
mod errors;
mod holds;
mod place;
mod workers;

pub(crate) use cluster::Cluster;
pub(crate) use consumer::Consuming;
pub(crate) use errors::going_on;
pub(crate) use place::Place;
