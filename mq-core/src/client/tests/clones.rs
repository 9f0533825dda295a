//! Offsets that are copied to another group, while a broker fails to say whether it knows the group.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stage::{SECOND, Server, client, topic};
use crate::message::{GroupName, MessageQueue};
use crate::remoting::{Incoming, Processor, Router};
use crate::wire::body::{
    BrokerData, ClusterInfo, ConsumeStats, OffsetWrapper, SubscriptionGroupConfig,
    SubscriptionGroups,
};
use crate::wire::header::{
    GetAllSubscriptionGroupConfig, GetAllSubscriptionGroupConfigReply, GetBrokerClusterInfo,
    GetConsumeStats, GetConsumerConnectionList, GetMaxOffset, GetMinOffset, OffsetReply,
    UpdateAndCreateSubscriptionGroup,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// A broker that says once which groups it knows, and then no more.
#[derive(Clone, Default)]
struct Silenced {
    said: Arc<AtomicUsize>,
    created: Arc<AtomicUsize>,
}

impl Processor<GetAllSubscriptionGroupConfig> for Silenced {
    async fn process(
        &self,
        _: Incoming<GetAllSubscriptionGroupConfig>,
    ) -> Result<Reply<GetAllSubscriptionGroupConfigReply>, Refusal> {
        if self.said.fetch_add(1, Ordering::Relaxed) > 0 {
            return Err(Refusal::system("as told"));
        }
        let groups = SubscriptionGroups {
            subscription_group_table: [("shop".into(), SubscriptionGroupConfig::default())].into(),
            ..SubscriptionGroups::default()
        };
        let reply = Reply::ok(GetAllSubscriptionGroupConfigReply::default());
        Ok(reply.with_body(fastjson::write(&groups)))
    }
}

impl Processor<GetConsumeStats> for Silenced {
    async fn process(&self, _: Incoming<GetConsumeStats>) -> Result<Reply<NoFields>, Refusal> {
        let at = OffsetWrapper {
            broker_offset: 9,
            consumer_offset: 5,
            ..OffsetWrapper::default()
        };
        let stats = ConsumeStats {
            offset_table: [(MessageQueue::new(topic(), "broker-0", 0), at)].into(),
            ..ConsumeStats::default()
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&stats)))
    }
}

impl Processor<GetMinOffset> for Silenced {
    async fn process(&self, _: Incoming<GetMinOffset>) -> Result<Reply<OffsetReply>, Refusal> {
        Ok(Reply::ok(OffsetReply { offset: 0 }))
    }
}

impl Processor<GetMaxOffset> for Silenced {
    async fn process(&self, _: Incoming<GetMaxOffset>) -> Result<Reply<OffsetReply>, Refusal> {
        Ok(Reply::ok(OffsetReply { offset: 9 }))
    }
}

impl Processor<GetConsumerConnectionList> for Silenced {
    async fn process(
        &self,
        _: Incoming<GetConsumerConnectionList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Err(Refusal::new(ResponseCode::CONSUMER_NOT_ONLINE, "as told"))
    }
}

impl Processor<UpdateAndCreateSubscriptionGroup> for Silenced {
    async fn process(
        &self,
        _: Incoming<UpdateAndCreateSubscriptionGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        self.created.fetch_add(1, Ordering::Relaxed);
        Ok(Reply::ok(NoFields))
    }
}

/// A name server of one broker.
struct Lists(ClusterInfo);

impl Processor<GetBrokerClusterInfo> for Lists {
    async fn process(&self, _: Incoming<GetBrokerClusterInfo>) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&self.0)))
    }
}

/// The group was taken for one that is not there, and its configuration overwritten.
#[tokio::test]
async fn a_group_that_could_not_be_looked_up_is_not_created_anew() {
    let silenced = Silenced::default();
    let broker = Router::default()
        .on::<GetAllSubscriptionGroupConfig>(silenced.clone())
        .on::<GetConsumeStats>(silenced.clone())
        .on::<GetMinOffset>(silenced.clone())
        .on::<GetMaxOffset>(silenced.clone())
        .on::<GetConsumerConnectionList>(silenced.clone())
        .on::<UpdateAndCreateSubscriptionGroup>(silenced.clone());
    let broker = Server::start(broker).await;
    let data = BrokerData {
        broker_addrs: [(0, broker.address.clone().into())].into(),
        broker_name: "broker-0".into(),
        ..BrokerData::default()
    };
    let info = ClusterInfo {
        broker_addr_table: [("broker-0".into(), data)].into(),
        ..ClusterInfo::default()
    };
    let names = Server::start(Router::default().on::<GetBrokerClusterInfo>(Lists(info))).await;
    let client = client(&[&names]);
    let [from, to] = ["shop", "shop-copy"].map(|name| GroupName::new(name).unwrap());

    let cloned = client.admin().clone_offsets(&from, &to, None).await;

    assert!(cloned.unwrap_err().to_string().contains("as told"));
    assert_eq!(silenced.said.load(Ordering::Relaxed), 2);
    assert_eq!(silenced.created.load(Ordering::Relaxed), 0);
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
    broker.stop().await;
}
