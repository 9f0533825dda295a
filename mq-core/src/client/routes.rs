//! Routes of topics: pure data, made from the name server's responses.
//!
//! A route is replaced as a whole, and only by a newer response: while no name server responds, the
//! cached routes stay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bytestring::ByteString;

use crate::message::{MessageQueue, TopicName};
use crate::wire::body::{TopicRouteData, permission};

/// The template topic: its route is used for topics that do not exist yet.
pub(super) const TEMPLATE_TOPIC: &str = "TBW102";

/// The broker id of a master.
pub(super) const MASTER_ID: i64 = 0;

/// The brokers of one name by id.
pub(super) type Addresses = BTreeMap<i64, ByteString>;

/// The route of one topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TopicRoute {
    /// Queues that can be sent to, by broker name and queue id.
    pub(super) publish: Vec<MessageQueue>,
    /// Queues that can be read, by broker name and queue id.
    pub(super) subscribe: Vec<MessageQueue>,
    /// Addresses by broker name.
    pub(super) brokers: BTreeMap<ByteString, Addresses>,
    /// Whether the topic does not exist yet and this is the template's route.
    pub(super) from_template: bool,
}

impl TopicRoute {
    /// The route of `topic` (`topicRouteData2TopicPublishInfo`, `…SubscribeInfo`).
    pub(super) fn of(topic: &TopicName, data: &TopicRouteData) -> Self {
        let brokers: BTreeMap<_, _> = data
            .broker_datas
            .iter()
            .map(|broker| (broker.broker_name.clone(), broker.broker_addrs.clone()))
            .collect();
        let mut queues: Vec<_> = data.queue_datas.iter().collect();
        queues.sort_by(|a, b| a.broker_name.cmp(&b.broker_name));
        let mut route = Self {
            brokers,
            ..Self::default()
        };
        for data in queues {
            let queues = |count: i32| {
                let queue = |id| MessageQueue::new(topic.clone(), data.broker_name.clone(), id);
                (0..count).map(queue)
            };
            if data.perm & permission::READ != 0 {
                route.subscribe.extend(queues(data.read_queue_nums));
            }
            let broker = route.brokers.get(&data.broker_name);
            let has_master = broker.is_some_and(|broker| broker.contains_key(&MASTER_ID));
            if data.perm & permission::WRITE != 0 && has_master {
                route.publish.extend(queues(data.write_queue_nums));
            }
        }
        if let Some(order) = data.order_topic_conf.as_deref().filter(|o| !o.is_empty()) {
            route.publish = ordered_queues(topic, order);
        }
        route
    }

    /// The route for `topic`, which does not exist yet, made of the template's.
    pub(super) fn from_template(
        topic: &TopicName,
        mut template: TopicRouteData,
        queue_nums: u16,
    ) -> Self {
        for data in &mut template.queue_datas {
            let queues = data.read_queue_nums.min(i32::from(queue_nums));
            data.read_queue_nums = queues;
            data.write_queue_nums = queues;
        }
        template.order_topic_conf = None;
        Self {
            from_template: true,
            ..Self::of(topic, &template)
        }
    }
}

/// The queues of an ordered topic: `broker:queues;…`.
fn ordered_queues(topic: &TopicName, order: &str) -> Vec<MessageQueue> {
    let brokers = order.split(';').filter_map(|part| {
        let (broker, queues) = part.split_once(':')?;
        Some((broker, queues.trim().parse::<i32>().ok()?))
    });
    let queue = |broker: &str, id| MessageQueue::new(topic.clone(), broker, id);
    brokers
        .flat_map(|(broker, queues)| (0..queues).map(move |id| queue(broker, id)))
        .collect()
}

/// The cached routes.
#[derive(Debug, Default)]
pub(super) struct RouteCache {
    routes: HashMap<TopicName, Arc<TopicRoute>>,
    /// The addresses of each broker, from the newest route that names it (`brokerAddrTable`): the
    /// route of a deleted topic is never replaced, and its old addresses must not be used.
    brokers: HashMap<ByteString, Addresses>,
}

impl RouteCache {
    /// Caches a newer route. Returns whether it differs from the one before.
    pub(super) fn put(&mut self, topic: &TopicName, route: TopicRoute) -> bool {
        if self.routes.get(topic).is_some_and(|old| **old == route) {
            return false;
        }
        for (name, addresses) in &route.brokers {
            self.brokers.insert(name.clone(), addresses.clone());
        }
        self.routes.insert(topic.clone(), Arc::new(route));
        let routes = &self.routes;
        let named = |name: &ByteString| routes.values().any(|r| r.brokers.contains_key(name));
        self.brokers.retain(|name, _| named(name));
        true
    }

    pub(super) fn get(&self, topic: &TopicName) -> Option<Arc<TopicRoute>> {
        self.routes.get(topic).map(Arc::clone)
    }

    /// The topics whose routes are refreshed.
    pub(super) fn topics(&self) -> Vec<TopicName> {
        self.routes.keys().cloned().collect()
    }

    /// The address of the broker `name` with `id`, or of any of that name.
    pub(super) fn address(&self, name: &str, id: i64) -> Option<ByteString> {
        let addresses = self.brokers.get(name)?;
        let address = addresses.get(&id).or_else(|| addresses.values().next());
        address.cloned()
    }

    /// The address of the master `name`.
    pub(super) fn master(&self, name: &str) -> Option<ByteString> {
        self.brokers.get(name)?.get(&MASTER_ID).cloned()
    }

    /// Every address of a broker that some route names; masters only, or slaves too.
    pub(super) fn addresses(&self, slaves_too: bool) -> BTreeSet<ByteString> {
        let wanted = |(id, _): &(&i64, &ByteString)| slaves_too || **id == MASTER_ID;
        let brokers = self.brokers.values();
        brokers
            .flat_map(|addresses| addresses.iter().filter(wanted))
            .map(|(_, address)| address.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::body::{BrokerData, QueueData};

    fn topic() -> TopicName {
        TopicName::new("orders").unwrap()
    }

    fn broker(name: &'static str, ids: &[i64]) -> BrokerData {
        let address = |id: &i64| (*id, ByteString::from(format!("{name}:{id}")));
        BrokerData {
            broker_addrs: ids.iter().map(address).collect(),
            broker_name: name.into(),
            ..BrokerData::default()
        }
    }

    fn queues(broker: &'static str, perm: i32, count: i32) -> QueueData {
        QueueData {
            broker_name: broker.into(),
            perm,
            read_queue_nums: count,
            write_queue_nums: count,
            topic_sys_flag: 0,
        }
    }

    fn data() -> TopicRouteData {
        TopicRouteData {
            broker_datas: vec![broker("b", &[0, 1]), broker("a", &[0]), broker("c", &[1])],
            queue_datas: vec![
                queues("b", 6, 1),
                queues("a", 4, 2),
                queues("c", 6, 1),
                queues("nowhere", 6, 1),
            ],
            ..TopicRouteData::default()
        }
    }

    fn names(queues: &[MessageQueue]) -> Vec<String> {
        queues
            .iter()
            .map(|q| format!("{}{}", q.broker, q.id))
            .collect()
    }

    #[test]
    fn only_writable_queues_of_masters_are_sent_to() {
        let route = TopicRoute::of(&topic(), &data());

        assert_eq!(names(&route.publish), ["b0"]);
        assert_eq!(
            names(&route.subscribe),
            ["a0", "a1", "b0", "c0", "nowhere0"]
        );
    }

    #[test]
    fn an_ordered_topic_has_the_queues_that_its_order_names() {
        let mut data = data();
        data.order_topic_conf = Some("b:2;a:1".into());

        let route = TopicRoute::of(&topic(), &data);

        assert_eq!(names(&route.publish), ["b0", "b1", "a0"]);
    }

    #[test]
    fn a_template_gives_no_more_queues_than_wanted() {
        let mut data = data();
        data.queue_datas = vec![queues("a", 7, 8)];

        let route = TopicRoute::from_template(&topic(), data, 4);

        assert_eq!(names(&route.publish), ["a0", "a1", "a2", "a3"]);
        assert!(route.from_template);
    }

    #[test]
    fn a_slave_replaces_a_missing_master_of_its_name() {
        let mut table = RouteCache::default();
        assert!(table.put(&topic(), TopicRoute::of(&topic(), &data())));
        assert!(!table.put(&topic(), TopicRoute::of(&topic(), &data())));

        assert_eq!(table.address("b", 0).unwrap(), "b:0");
        assert_eq!(table.address("b", 7).unwrap(), "b:0");
        assert_eq!(table.address("c", 0).unwrap(), "c:1");
        assert_eq!(table.master("c"), None);
        assert_eq!(table.addresses(false).len(), 2);
        assert_eq!(table.addresses(true).len(), 4);
    }

    #[test]
    fn a_broker_that_moved_is_found_although_a_deleted_topic_names_its_old_address() {
        let mut table = RouteCache::default();
        for n in 0..20 {
            let deleted = TopicName::new(format!("deleted-{n}")).unwrap();
            table.put(&deleted, TopicRoute::of(&deleted, &data()));
        }
        table.put(&topic(), TopicRoute::of(&topic(), &data()));

        let mut moved = data();
        moved.broker_datas[1].broker_addrs = [(0, "elsewhere:0".into())].into();
        assert!(table.put(&topic(), TopicRoute::of(&topic(), &moved)));

        assert_eq!(table.master("a").unwrap(), "elsewhere:0");
        assert_eq!(table.address("a", 0).unwrap(), "elsewhere:0");
        let addresses = table.addresses(true);
        assert!(!addresses.contains("a:0"), "{addresses:?}");
    }

    #[test]
    fn a_broker_that_no_route_names_any_more_is_forgotten() {
        let mut table = RouteCache::default();
        table.put(&topic(), TopicRoute::of(&topic(), &data()));

        let mut fewer = data();
        fewer.broker_datas.truncate(1);
        table.put(&topic(), TopicRoute::of(&topic(), &fewer));

        assert_eq!(table.master("a"), None);
        assert_eq!(table.addresses(true).len(), 2);
    }
}
