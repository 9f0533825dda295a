//! The brokers that an administrator asks, and what several answer together.

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;
use serde::de::DeserializeOwned;

use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, BrowseError, Master};
use crate::client::routes::MASTER_ID;
use crate::message::TopicName;
use crate::remoting::CallError;
use crate::wire::{Reply, Request, ResponseCode, fastjson};

/// A master broker.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AdminBroker {
    /// Its name.
    pub name: ByteString,
    /// Where it is reached.
    pub address: ByteString,
    /// The cluster that it is in.
    pub cluster: ByteString,
}

/// What several brokers answered together. At least one did.
#[derive(Debug)]
pub struct Gathered<T> {
    /// The answers.
    pub value: T,
    /// Why some brokers gave none; empty when all did.
    pub failed: Vec<AdminError>,
}

impl<T> Gathered<T> {
    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Gathered<U> {
        Gathered {
            value: change(self.value),
            failed: self.failed,
        }
    }

    /// Why something is missing in what the brokers answered: `missing`, unless a broker that gave no
    /// answer may have it.
    pub(super) fn why_missing(self, missing: AdminError) -> AdminError {
        self.failed.into_iter().next().unwrap_or(missing)
    }
}

/// Waits for the answers of several brokers.
///
/// # Errors
///
/// The first error, when no broker answered.
pub(super) async fn gather<T>(
    asked: impl Iterator<Item = impl Future<Output = Result<T, AdminError>>>,
) -> Result<Gathered<Vec<T>>, AdminError> {
    let (mut value, mut failed) = (Vec::new(), Vec::new());
    for answer in join_all(asked).await {
        match answer {
            Ok(answer) => value.push(answer),
            Err(error) => failed.push(error),
        }
    }
    if value.is_empty() && !failed.is_empty() {
        return Err(failed.swap_remove(0));
    }
    Ok(Gathered { value, failed })
}

impl Admin {
    /// The masters of the cluster, by name.
    ///
    /// # Errors
    ///
    /// [`AdminError::Brokers`], [`AdminError::NoBroker`] or [`AdminError::NoCluster`].
    pub async fn brokers(&self) -> Result<Vec<AdminBroker>, AdminError> {
        let info = self.cluster.brokers().await.map_err(AdminError::Brokers)?;
        let wanted = self.only.as_deref();
        let brokers = info.broker_addr_table.into_values();
        let masters: Vec<_> = brokers
            .filter(|broker| wanted.is_none_or(|cluster| &*broker.cluster == cluster))
            .filter_map(|mut broker| {
                Some(AdminBroker {
                    address: broker.broker_addrs.remove(&MASTER_ID)?,
                    name: broker.broker_name,
                    cluster: broker.cluster,
                })
            })
            .collect();
        if !masters.is_empty() {
            return Ok(masters);
        }
        let known: Vec<_> = info.cluster_addr_table.keys().map(|name| &**name).collect();
        Err(match wanted {
            Some(name) if !known.is_empty() => AdminError::NoCluster {
                name: name.to_owned(),
                known: known.join(", "),
            },
            _ => AdminError::NoBroker,
        })
    }

    /// The masters, as messages are read from them.
    pub(super) async fn masters(&self) -> Result<Vec<Master>, AdminError> {
        let brokers = self.brokers().await?.into_iter();
        let masters = brokers.map(|broker| Master {
            name: broker.name,
            address: broker.address,
        });
        Ok(masters.collect())
    }

    /// The masters that have `topic`.
    pub(super) async fn masters_of(&self, topic: &TopicName) -> Result<Vec<Master>, AdminError> {
        let found = browse::masters(&self.cluster, topic).await?;
        let mut found = found.ok_or_else(|| AdminError::NoTopic(topic.clone()))?;
        if self.only.is_some() {
            let of_cluster = self.brokers().await?;
            found.retain(|master| of_cluster.iter().any(|own| own.name == master.name));
        }
        if found.is_empty() {
            return Err(AdminError::NoTopic(topic.clone()));
        }
        Ok(found)
    }

    /// Asks a broker; `action` says what for.
    pub(super) async fn ask<R: Request>(
        &self,
        broker: &Master,
        action: &'static str,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, AdminError> {
        let answer = self.cluster.call(&broker.address, header, body).await;
        answer.map_err(|source| broker.failed(action, source).into())
    }

    /// Asks a broker for a body.
    pub(super) async fn body_of<R: Request, B: DeserializeOwned>(
        &self,
        broker: &Master,
        action: &'static str,
        header: R,
    ) -> Result<B, AdminError> {
        let reply = self.ask(broker, action, header, Bytes::new()).await?;
        fastjson::read(&reply.body).map_err(|source| AdminError::Body {
            broker: broker.name.to_string(),
            source,
        })
    }

    /// The same; `None` when the broker refuses with `missing`.
    pub(super) async fn body_unless<R: Request, B: DeserializeOwned>(
        &self,
        broker: &Master,
        action: &'static str,
        header: R,
        missing: ResponseCode,
    ) -> Result<Option<B>, AdminError> {
        let answer = self.body_of(broker, action, header).await;
        match answer {
            Err(AdminError::Browse(BrowseError::Broker {
                source: CallError::Refused(refusal),
                ..
            })) if refusal.code == missing => Ok(None),
            answer => answer.map(Some),
        }
    }
}
