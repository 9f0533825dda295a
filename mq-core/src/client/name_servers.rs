//! The name servers of a client. All know the same, so one is used until it fails, then the next.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

use super::error::{RouteError, StartError};
use crate::message::TopicName;
use crate::remoting::{CallError, RemotingClient};
use crate::wire::body::{ClusterInfo, TopicRouteData};
use crate::wire::header::{DeleteTopicInNamesrv, GetBrokerClusterInfo, GetRouteInfoByTopic};
use crate::wire::{Reply, Request, ResponseCode, fastjson};

#[derive(Debug)]
pub(super) struct NameServerList {
    addresses: Vec<String>,
    current: AtomicUsize,
    silent: AtomicBool,
    /// Whether one has ever responded, so that routes may be cached.
    ever_answered: AtomicBool,
}

impl NameServerList {
    pub(super) fn new(addresses: Vec<String>) -> Result<Self, StartError> {
        if addresses.is_empty() {
            return Err(StartError::NoNameServer);
        }
        Ok(Self {
            addresses,
            current: AtomicUsize::new(0),
            silent: AtomicBool::new(false),
            ever_answered: AtomicBool::new(false),
        })
    }

    /// The route of `topic`; `None` when the topic does not exist.
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

    /// Has every name server forget `topic`, or only its queues on the brokers of `cluster`; brokers that
    /// still have the topic register it again. Why some name servers did not, if any.
    pub(super) async fn forget_topic(
        &self,
        remoting: &RemotingClient,
        topic: &TopicName,
        cluster: Option<&str>,
        limit: Duration,
    ) -> Vec<RouteError> {
        let mut failed = Vec::new();
        for address in &self.addresses {
            let request = DeleteTopicInNamesrv {
                topic: topic.to_text(),
                cluster_name: cluster.map(Into::into),
            };
            let answer = remoting.call(address, request, Bytes::new(), limit).await;
            failed.extend(answer.err().map(|error| match error {
                CallError::Refused(refusal) => RouteError::Refused(refusal),
                source => RouteError::Unreachable {
                    addresses: address.clone(),
                    source,
                },
            }));
        }
        failed
    }

    /// Sends the request to the current name server, then in turn to the following ones until one
    /// responds; each has `limit`.
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
                    tracing::debug!(address, %source, "the name server does not respond");
                    // Compare and exchange: concurrent callers that saw the same one fail move on
                    // by one, not by several.
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
            if self.ever_answered.load(Ordering::Relaxed) {
                tracing::warn!(
                    addresses,
                    "no name server responds; the cached routes stay in use"
                );
            } else {
                tracing::warn!(
                    addresses,
                    "no name server has responded yet; nothing can be sent or received before one does"
                );
            }
        }
        Err(last)
    }

    fn answered(&self, address: &str) {
        self.ever_answered.store(true, Ordering::Relaxed);
        if self.silent.swap(false, Ordering::Relaxed) {
            tracing::info!(address, "a name server responds");
        }
    }
}
