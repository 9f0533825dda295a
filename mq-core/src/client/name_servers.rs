//! The name servers: any of them will do, so one is asked until it fails and then the next.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::error::{RouteError, StartError};
use crate::message::TopicName;
use crate::remoting::{CallError, RemotingClient};
use crate::wire::body::{ClusterInfo, TopicRouteData};
use crate::wire::header::{GetBrokerClusterInfo, GetRouteInfoByTopic};
use crate::wire::{Reply, Request, ResponseCode, fastjson};

#[derive(Debug)]
pub(super) struct NameServers {
    addresses: Vec<String>,
    current: AtomicUsize,
    silent: AtomicBool,
    /// Whether one has ever answered, so that something may be known.
    ever: AtomicBool,
}

impl NameServers {
    pub(super) fn new(addresses: Vec<String>) -> Result<Self, StartError> {
        if addresses.is_empty() {
            return Err(StartError::NoNameServer);
        }
        Ok(Self {
            addresses,
            current: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
            ever: AtomicBool::new(false),
        })
    }

    /// Where `topic` is; `None` when there is no such topic.
    pub(super) async fn route(
        &self,
        remoting: &RemotingClient,
        topic: &TopicName,
        limit: Duration,
    ) -> Result<Option<TopicRouteData>, RouteError> {
        let request = GetRouteInfoByTopic {
            topic: topic.to_text(),
            accept_standard_json_only: Some(true),
        };
        match self.ask(remoting, request, limit).await {
            Ok(reply) => fastjson::read(&reply.body)
                .map(Some)
                .map_err(RouteError::Answer),
            Err(RouteError::Refused(refusal)) if refusal.code == ResponseCode::TOPIC_NOT_EXIST => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// All brokers.
    pub(super) async fn brokers(
        &self,
        remoting: &RemotingClient,
        limit: Duration,
    ) -> Result<ClusterInfo, RouteError> {
        let reply = self.ask(remoting, GetBrokerClusterInfo, limit).await?;
        fastjson::read(&reply.body).map_err(RouteError::Answer)
    }

    /// Asks the current one and then, one after the other, those that follow; each has `limit`.
    async fn ask<R: Request + Clone>(
        &self,
        remoting: &RemotingClient,
        request: R,
        limit: Duration,
    ) -> Result<Reply<R::Reply>, RouteError> {
        let mut last = RouteError::NoNameServer;
        for _ in &self.addresses {
            let at = self.current.load(Ordering::Relaxed);
            let Some(address) = self.addresses.get(at % self.addresses.len()) else {
                break;
            };
            let answer = remoting
                .call(address, request.clone(), Bytes::new(), limit)
                .await;
            match answer {
                Ok(reply) => {
                    self.answered(address);
                    return Ok(reply);
                }
                Err(CallError::Refused(refusal)) => {
                    self.answered(address);
                    return Err(RouteError::Refused(refusal));
                }
                Err(source) => {
                    tracing::debug!(address, %source, "the name server does not answer");
                    // Only whoever saw this one fail moves on, so that nobody skips the next.
                    let next = at.wrapping_add(1);
                    let _moved = self.current.compare_exchange(
                        at,
                        next,
                        Ordering::Relaxed,
                        Ordering::Relaxed,
                    );
                    last = RouteError::Unreachable {
                        addresses: self.addresses.join(";"),
                        source,
                    };
                }
            }
        }
        if !self.silent.swap(true, Ordering::Relaxed) {
            let addresses = self.addresses.join(";");
            if self.ever.load(Ordering::Relaxed) {
                tracing::warn!(
                    addresses,
                    "no name server answers; going on with the routes that are known"
                );
            } else {
                tracing::warn!(
                    addresses,
                    "no name server has answered yet; nothing is sent or received before one does"
                );
            }
        }
        Err(last)
    }

    fn answered(&self, address: &str) {
        self.ever.store(true, Ordering::Relaxed);
        if self.silent.swap(false, Ordering::Relaxed) {
            tracing::info!(address, "a name server answers again");
        }
    }
}
