//! Routes and lists of topics: 105, 106, 206, 216, 217, 224, 304 and 311 to 313.

use std::sync::Arc;

use bytestring::ByteString;
use parking_lot::Mutex;

use super::own::own;
use crate::namesrv::kv_config::{KvConfig, ORDER_TOPIC_CONFIG};
use crate::namesrv::live_settings::LiveSettings;
use crate::namesrv::route_table::RouteTable;
use crate::remoting::{Incoming, Processor};
use crate::wire::body::{TopicList, TopicRouteData};
use crate::wire::header::{
    DeleteTopicInNamesrv, GetAllTopicListFromNameserver, GetBrokerClusterInfo,
    GetHasUnitSubTopicList, GetHasUnitSubUnunitTopicList, GetRouteInfoByTopic,
    GetSystemTopicListFromNs, GetTopicsByCluster, GetUnitTopicList, RegisterTopicInNamesrv,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};

/// The flag of a unit topic (`TopicSysFlag`).
const UNIT: i32 = 1;
/// The flag of a topic with unit subscriptions.
const UNIT_SUBSCRIPTION: i32 = 2;

#[derive(Clone, Debug)]
pub(in crate::namesrv) struct TopicProcessor {
    pub(in crate::namesrv) table: Arc<Mutex<RouteTable>>,
    pub(in crate::namesrv) kv: Arc<KvConfig>,
    pub(in crate::namesrv) settings: Arc<LiveSettings>,
}

impl Processor<GetRouteInfoByTopic> for TopicProcessor {
    /// Always strict JSON, which older clients can read too.
    async fn process(
        &self,
        request: Incoming<GetRouteInfoByTopic>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topic = request.header.topic;
        let route = self.table.lock().route(&topic);
        let mut route = route.ok_or_else(|| {
            let remark = format!("No topic route info in name server for the topic: {topic}");
            Refusal::new(ResponseCode::TOPIC_NOT_EXIST, remark)
        })?;
        if self.settings.tell_clients_order() {
            route.order_topic_conf = self.kv.value(ORDER_TOPIC_CONFIG, &topic);
        }
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&route)))
    }
}

impl Processor<GetBrokerClusterInfo> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetBrokerClusterInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let info = self.table.lock().cluster_info();
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&info)))
    }
}

impl Processor<GetAllTopicListFromNameserver> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetAllTopicListFromNameserver>,
    ) -> Result<Reply<NoFields>, Refusal> {
        Ok(list(self.table.lock().topics(), None))
    }
}

impl Processor<GetTopicsByCluster> for TopicProcessor {
    async fn process(
        &self,
        request: Incoming<GetTopicsByCluster>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let table = self.table.lock();
        Ok(list(table.topics_of_cluster(&request.header.cluster), None))
    }
}

impl Processor<GetSystemTopicListFromNs> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetSystemTopicListFromNs>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let info = self.table.lock().cluster_info();
        let mut brokers = info.broker_addr_table.values();
        let address = brokers.find_map(|broker| broker.broker_addrs.values().next().cloned());
        let clusters = info.cluster_addr_table.into_iter();
        let names = clusters.flat_map(|(cluster, brokers)| [cluster].into_iter().chain(brokers));
        Ok(list(names.collect(), address))
    }
}

impl Processor<GetUnitTopicList> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetUnitTopicList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topics = self.table.lock().topics_with(|flags| flags & UNIT != 0);
        Ok(list(topics, None))
    }
}

impl Processor<GetHasUnitSubTopicList> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetHasUnitSubTopicList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topics = self
            .table
            .lock()
            .topics_with(|flags| flags & UNIT_SUBSCRIPTION != 0);
        Ok(list(topics, None))
    }
}

impl Processor<GetHasUnitSubUnunitTopicList> for TopicProcessor {
    async fn process(
        &self,
        _request: Incoming<GetHasUnitSubUnunitTopicList>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topics = self
            .table
            .lock()
            .topics_with(|flags| flags & (UNIT | UNIT_SUBSCRIPTION) == UNIT_SUBSCRIPTION);
        Ok(list(topics, None))
    }
}

impl Processor<DeleteTopicInNamesrv> for TopicProcessor {
    async fn process(
        &self,
        request: Incoming<DeleteTopicInNamesrv>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let DeleteTopicInNamesrv {
            topic,
            cluster_name,
        } = request.header;
        let cluster = cluster_name
            .as_deref()
            .filter(|cluster| !cluster.is_empty());
        self.table.lock().forget_topic(&topic, cluster);
        Ok(NoFields.into())
    }
}

impl Processor<RegisterTopicInNamesrv> for TopicProcessor {
    async fn process(
        &self,
        request: Incoming<RegisterTopicInNamesrv>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let route: TopicRouteData =
            fastjson::read(&request.body).map_err(|error| Refusal::system(error.to_string()))?;
        let topic = own(&request.header.topic);
        self.table.lock().add_topic(&topic, route.queue_datas);
        Ok(NoFields.into())
    }
}

fn list(topic_list: Vec<ByteString>, broker_addr: Option<ByteString>) -> Reply<NoFields> {
    let body = fastjson::write(&TopicList {
        topic_list,
        broker_addr,
    });
    Reply::ok(NoFields).with_body(body)
}
