//! The subscriptions of a consumer, of whatever kind, from what the application wrote.
//!
//! Invariant: an expression that cannot be read is refused before the group is known to anybody.

use std::collections::BTreeMap;

use bytestring::ByteString;

use super::config::ConsumerConfig;
use crate::client::cluster::ClusterClient;
use crate::client::error::{StartError, SubscribeError};
use crate::client::filters::{self, UnreadableFilter};
use crate::message::subscription::{Filter, SelectorType, Subscription};
use crate::message::{GroupName, TopicName};
use crate::remoting::CallError;
use crate::wire::body::{CheckClientRequestBody, MessageModel};
use crate::wire::fastjson;
use crate::wire::header::CheckClientConfig;

/// The topics that an application names, each with an expression in its language. The last one for a
/// topic counts.
#[derive(Debug, Default)]
pub(in crate::client) struct Wishes(Vec<(TopicName, SelectorType, ByteString)>);

impl Wishes {
    pub(in crate::client) fn add(
        &mut self,
        topic: TopicName,
        selector: SelectorType,
        expression: impl Into<ByteString>,
    ) {
        self.0.push((topic, selector, expression.into()));
    }

    pub(in crate::client) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The subscriptions by topic, made at `version`, ms since 1970.
    pub(in crate::client) fn read(
        self,
        version: i64,
    ) -> Result<BTreeMap<TopicName, Subscription>, SubscribeError> {
        let wishes = self.0.into_iter();
        let read = wishes.map(|(topic, selector, expression)| {
            let read = subscription(topic, selector, expression, version)?;
            Ok((read.topic.clone(), read))
        });
        read.collect()
    }

    /// As [`read`](Self::read), with that of the group's retry topic.
    pub(in crate::client) fn with_retries(
        self,
        config: &ConsumerConfig,
        version: i64,
    ) -> Result<BTreeMap<TopicName, Subscription>, StartError> {
        if self.is_empty() {
            return Err(StartError::NoSubscription(config.group.clone()));
        }
        let mut subscriptions = self.read(version)?;
        if config.message_model == MessageModel::Clustering {
            let retries = everything(TopicName::retry_of(&config.group), version);
            subscriptions.insert(retries.topic.clone(), retries);
        }
        Ok(subscriptions)
    }
}

/// The subscription that an application writes; nothing stands for all tags.
pub(in crate::client) fn subscription(
    topic: TopicName,
    selector: SelectorType,
    expression: ByteString,
    version: i64,
) -> Result<Subscription, SubscribeError> {
    if expression.is_empty() && selector == SelectorType::Tag {
        return Ok(everything(topic, version));
    }
    let filter = match filters::read(selector, &expression) {
        Ok(filter) => filter,
        Err(UnreadableFilter::Tags(source)) => return Err(SubscribeError::Tags { topic, source }),
        Err(UnreadableFilter::Condition(source)) => {
            return Err(SubscribeError::Condition { topic, source });
        }
    };
    Ok(Subscription {
        topic,
        expression,
        selector,
        filter,
        version,
    })
}

fn everything(topic: TopicName, version: i64) -> Subscription {
    Subscription {
        topic,
        expression: ByteString::from_static("*"),
        selector: SelectorType::Tag,
        filter: Filter::default(),
        version,
    }
}

/// Looks up the route of a subscription's topic and, for filters that brokers compile, asks a
/// broker whether it accepts the filter.
pub(in crate::client) async fn find(
    cluster: &ClusterClient,
    group: &GroupName,
    subscription: &Subscription,
) -> Result<(), SubscribeError> {
    let topic = &subscription.topic;
    if let Err(error) = cluster.refresh(topic).await {
        tracing::debug!(%topic, %error, "the topic is looked up again later");
        return Ok(());
    }
    if subscription.selector == SelectorType::Tag {
        return Ok(());
    }
    let route = cluster.known_route(topic);
    let mut addresses = route.iter().flat_map(|route| route.brokers.values());
    let Some(address) = addresses.find_map(|broker| broker.values().next()) else {
        return Ok(());
    };
    let body = fastjson::write(&CheckClientRequestBody {
        client_id: cluster.client_id.clone(),
        group: group.to_text(),
        subscription_data: Some(subscription.into()),
        namespace: None,
    });
    match cluster.call(address, CheckClientConfig, body).await {
        Err(CallError::Refused(source)) => Err(SubscribeError::Refused {
            topic: topic.clone(),
            source,
        }),
        Err(error) => {
            tracing::warn!(%topic, %error, "no broker could be asked whether it accepts the filter");
            Ok(())
        }
        Ok(_) => Ok(()),
    }
}
