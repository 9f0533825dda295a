//! The registered brokers and their topics. Pure data: the time is an argument.
//!
//! A broker is in the table as long as it is alive, a topic as long as a broker has it. An address
//! is one broker: a registration at the same address replaces the broker that was there.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytestring::ByteString;

use crate::clock::Moment;
use crate::excerpt::MAX_EXCERPT_BYTES;
use crate::remoting::{Peer, PeerId};
use crate::wire::body::{
    BrokerData, ClusterInfo, DataVersion, QueueData, TopicConfig, TopicConfigs, TopicRouteData,
    permission,
};

const MASTER_ID: i64 = 0;

/// The registered brokers and their topics (`RouteInfoManager`).
#[derive(Debug, Default)]
pub(super) struct RouteTable {
    /// By name, which a master shares with its slaves.
    brokers: BTreeMap<ByteString, BrokerData>,
    /// By topic, then by name of the broker.
    topics: BTreeMap<ByteString, BTreeMap<ByteString, QueueData>>,
    alive: HashMap<BrokerKey, LiveBroker>,
}

/// The identity of a broker process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BrokerKey {
    pub(super) cluster: ByteString,
    /// `ip:port`.
    pub(super) address: ByteString,
}

#[derive(Debug)]
struct LiveBroker {
    name: ByteString,
    heard: Moment,
    heartbeat_timeout: Duration,
    version: DataVersion,
    /// The connection; the broker is removed when it closes.
    peer: Peer,
    ha_address: ByteString,
}

/// The registration of a broker.
#[derive(Clone, Debug)]
pub(super) struct BrokerRegistration {
    pub(super) key: BrokerKey,
    pub(super) name: ByteString,
    /// 0 is the master.
    pub(super) id: i64,
    pub(super) ha_address: ByteString,
    /// The broker is removed after this long without a registration.
    pub(super) heartbeat_timeout: Duration,
    pub(super) enable_acting_master: bool,
    pub(super) zone: Option<ByteString>,
    pub(super) topics: TopicConfigs,
}

/// The outcome of a registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registered {
    /// For a slave whose master is known.
    pub(super) master: Option<Master>,
    /// Brokers that were registered at the same address and are now removed from the routes.
    pub(super) replaced: Vec<Replaced>,
}

/// A broker that was removed because another one registered at its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replaced {
    pub(super) cluster: ByteString,
    pub(super) name: ByteString,
}

/// Where a slave finds its master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) address: ByteString,
    pub(super) ha_address: ByteString,
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRegistered {
    #[error("another broker has this id and has seen a later master")]
    Outdated,
    #[error("a broker that is not known yet registers all its topics first")]
    SingleTopic,
    #[error("the {what} has {length} bytes, at most {MAX_EXCERPT_BYTES} are allowed")]
    TooLong { what: &'static str, length: usize },
}

impl RouteTable {
    /// Registers a broker.
    ///
    /// If a broker crashed without closing its connection, or was reinstalled under another name,
    /// its old name is still registered at the address; it is removed here.
    pub(super) fn register(
        &mut self,
        registration: BrokerRegistration,
        peer: Peer,
        now: Moment,
    ) -> Result<Registered, NotRegistered> {
        self.admit(&registration)?;
        let replaced = self.make_room(&registration.key, &registration.name);
        let BrokerRegistration {
            key,
            name,
            id,
            topics,
            ..
        } = registration;
        let broker = self.brokers.entry(name.clone()).or_default();
        broker.broker_name = name.clone();
        broker.cluster = key.cluster.clone();
        broker.enable_acting_master = registration.enable_acting_master;
        broker.zone_name = registration.zone;
        // A slave that has become master is still registered under its old id.
        broker
            .broker_addrs
            .retain(|other, address| *other == id || *address != key.address);
        let before = broker.broker_addrs.insert(id, key.address.clone());
        let master = broker.broker_addrs.get(&MASTER_ID).cloned();
        if id == MASTER_ID {
            let known = self.alive.get(&key).map(|alive| alive.version);
            let same = before.as_ref() == Some(&key.address);
            let changed = !same || known != Some(topics.data_version);
            self.take_topics(&name, &topics, changed);
        }
        let cluster = key.cluster.clone();
        let alive = LiveBroker {
            name,
            heard: now,
            heartbeat_timeout: registration.heartbeat_timeout,
            version: topics.data_version,
            peer,
            ha_address: registration.ha_address,
        };
        self.alive.insert(key, alive);
        let master = master.filter(|_| id != MASTER_ID);
        Ok(Registered {
            master: master.and_then(|address| self.master_at(cluster, address)),
            replaced,
        })
    }

    /// Unregisters a broker. A broker that was replaced at its address is removed already, and its
    /// request does not affect the other.
    ///
    /// Returns whether it was registered.
    pub(super) fn unregister(&mut self, key: &BrokerKey, name: &str) -> bool {
        let alive = self.alive.get(key);
        let known = alive.is_some_and(|alive| alive.name == name);
        if known {
            self.remove(key);
        }
        known
    }

    /// The connection with `peer` has closed: removes the brokers that registered over it.
    pub(super) fn connection_closed(&mut self, peer: PeerId) -> Vec<BrokerKey> {
        self.remove_where(|alive| alive.peer.id() == peer)
    }

    /// Removes the brokers whose heartbeat timeout has passed and closes their connections.
    pub(super) fn expire(&mut self, now: Moment) -> Vec<BrokerKey> {
        self.remove_where(|alive| {
            let silent = now.since(alive.heard) > alive.heartbeat_timeout;
            if silent {
                alive.peer.close();
            }
            silent
        })
    }

    /// The registered version of the topics of the broker `name`. If it equals `version`, the
    /// broker counts as alive at `now`.
    pub(super) fn compare(
        &mut self,
        key: &BrokerKey,
        name: &str,
        version: DataVersion,
        now: Moment,
    ) -> Option<DataVersion> {
        let alive = self.alive.get_mut(key)?;
        // The address belongs to another broker so far: nothing of this one is known.
        if alive.name != name {
            return None;
        }
        if alive.version == version {
            alive.heard = now;
        }
        Some(alive.version)
    }

    /// The broker `name` is alive at `now`, if it is registered.
    pub(super) fn hear(&mut self, key: &BrokerKey, name: &str, now: Moment) {
        let alive = self.alive.get_mut(key);
        if let Some(alive) = alive.filter(|alive| alive.name == name) {
            alive.heard = now;
        }
    }

    /// The addresses of a broker and its slaves, by broker id.
    pub(super) fn addresses(&self, broker: &str) -> BTreeMap<i64, ByteString> {
        let broker = self.brokers.get(broker);
        broker.map_or_else(BTreeMap::new, |broker| broker.broker_addrs.clone())
    }

    /// The topics whose flags, as their first broker has them, pass `wanted`.
    pub(super) fn topics_with(&self, wanted: impl Fn(i32) -> bool) -> Vec<ByteString> {
        let topics = self.topics.iter().filter(|(_, queues)| {
            let first = queues.values().next();
            first.is_some_and(|queues| wanted(queues.topic_sys_flag))
        });
        topics.map(|(topic, _)| topic.clone()).collect()
    }

    /// The route of a topic.
    pub(super) fn route(&self, topic: &str) -> Option<TopicRouteData> {
        let queues = self.topics.get(topic)?;
        let brokers = queues.keys().filter_map(|name| self.brokers.get(name));
        let broker_datas: Vec<_> = brokers.cloned().collect();
        if broker_datas.is_empty() {
            return None;
        }
        Some(TopicRouteData {
            broker_datas,
            queue_datas: queues.values().cloned().collect(),
            ..TopicRouteData::default()
        })
    }

    /// All brokers.
    pub(super) fn cluster_info(&self) -> ClusterInfo {
        let mut clusters: BTreeMap<ByteString, Vec<ByteString>> = BTreeMap::new();
        for broker in self.brokers.values() {
            let names = clusters.entry(broker.cluster.clone()).or_default();
            names.push(broker.broker_name.clone());
        }
        ClusterInfo {
            broker_addr_table: self.brokers.clone(),
            cluster_addr_table: clusters,
        }
    }

    /// All topics.
    pub(super) fn topics(&self) -> Vec<ByteString> {
        self.topics.keys().cloned().collect()
    }

    /// The topics that a broker of `cluster` has.
    pub(super) fn topics_of_cluster(&self, cluster: &str) -> Vec<ByteString> {
        let has = |queues: &BTreeMap<ByteString, QueueData>| {
            queues.keys().any(|name| self.is_in(name, cluster))
        };
        let topics = self.topics.iter().filter(|(_, queues)| has(queues));
        topics.map(|(topic, _)| topic.clone()).collect()
    }

    /// Removes a topic, or only from the brokers of `cluster`.
    pub(super) fn forget_topic(&mut self, topic: &str, cluster: Option<&str>) {
        let Some(mut queues) = self.topics.remove(topic) else {
            return;
        };
        if let Some(cluster) = cluster {
            queues.retain(|name, _| !self.is_in(name, cluster));
            if !queues.is_empty() {
                self.topics.insert(topic.into(), queues);
            }
        }
    }

    /// Adds a topic to the brokers in `queues`, up to the first unknown broker.
    pub(super) fn add_topic(&mut self, topic: &ByteString, queues: Vec<QueueData>) {
        let known = queues
            .into_iter()
            .take_while(|queues| self.brokers.contains_key(&queues.broker_name));
        for queues in known {
            let topic = self.topics.entry(topic.clone()).or_default();
            topic.insert(queues.broker_name.clone(), queues);
        }
    }

    /// Changes the permission of every topic of a broker; returns how many topics it has.
    pub(super) fn change_permission(&mut self, broker: &str, change: fn(i32) -> i32) -> usize {
        let topics = self.topics.values_mut();
        let mut count = 0;
        for queues in topics.filter_map(|queues| queues.get_mut(broker)) {
            queues.perm = change(queues.perm);
            count += 1;
        }
        count
    }

    fn admit(&self, new: &BrokerRegistration) -> Result<(), NotRegistered> {
        // Limit the lengths: the table's texts are logged uncut.
        for (what, text) in [
            ("name of the broker", &new.name),
            ("name of the cluster", &new.key.cluster),
            ("address of the broker", &new.key.address),
        ] {
            if text.len() > MAX_EXCERPT_BYTES {
                let length = text.len();
                return Err(NotRegistered::TooLong { what, length });
            }
        }
        let broker = self.brokers.get(&new.name);
        let holder = broker.and_then(|broker| broker.broker_addrs.get(&new.id));
        let Some(address) = holder else {
            return match new.topics.topic_config_table.len() {
                1 => Err(NotRegistered::SingleTopic),
                _ => Ok(()),
            };
        };
        let held_by = BrokerKey {
            cluster: new.key.cluster.clone(),
            address: address.clone(),
        };
        match self.alive.get(&held_by) {
            Some(alive) if alive.version.state_version > new.topics.data_version.state_version => {
                Err(NotRegistered::Outdated)
            }
            _ => Ok(()),
        }
    }

    fn take_topics(&mut self, broker: &ByteString, topics: &TopicConfigs, changed: bool) {
        for (topic, config) in &topics.topic_config_table {
            let queues = self.topics.entry(topic.clone()).or_default();
            if changed || !queues.contains_key(broker) {
                queues.insert(broker.clone(), queues_of(broker, config));
            }
        }
    }

    fn master_at(&self, cluster: ByteString, address: ByteString) -> Option<Master> {
        let key = BrokerKey { cluster, address };
        let alive = self.alive.get(&key)?;
        Some(Master {
            address: key.address,
            ha_address: alive.ha_address.clone(),
        })
    }

    fn remove_where(&mut self, gone: impl Fn(&LiveBroker) -> bool) -> Vec<BrokerKey> {
        let alive = self.alive.iter();
        let keys: Vec<_> = alive
            .filter(|(_, alive)| gone(alive))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &keys {
            self.remove(key);
        }
        keys
    }

    /// Removes other brokers that are registered at the address of `key`: under another name in
    /// the same cluster, or under the same name in another cluster.
    fn make_room(&mut self, key: &BrokerKey, name: &ByteString) -> Vec<Replaced> {
        let alive = self.alive.iter();
        let others = alive.filter(|(other, alive)| {
            let (same_cluster, same_name) = (other.cluster == key.cluster, alive.name == *name);
            other.address == key.address && same_cluster != same_name
        });
        let others: Vec<_> = others.map(|(other, _)| other.clone()).collect();
        let removed = others.into_iter().filter_map(|other| {
            let name = self.remove(&other)?;
            let cluster = other.cluster;
            Some(Replaced { cluster, name })
        });
        removed.collect()
    }

    /// Removes the broker at `key` and the topics that only it had; returns its name.
    fn remove(&mut self, key: &BrokerKey) -> Option<ByteString> {
        let name = self.alive.remove(key)?.name;
        if let Some(broker) = self.brokers.get_mut(&name) {
            broker
                .broker_addrs
                .retain(|_, address| *address != key.address);
            if broker.broker_addrs.is_empty() {
                self.brokers.remove(&name);
                self.topics.retain(|_, queues| {
                    queues.remove(&name);
                    !queues.is_empty()
                });
            }
        }
        Some(name)
    }

    fn is_in(&self, broker: &str, cluster: &str) -> bool {
        let broker = self.brokers.get(broker);
        broker.is_some_and(|broker| broker.cluster == cluster)
    }
}

/// The permission without the write bit.
pub(super) fn without_write(permissions: i32) -> i32 {
    permissions & !permission::WRITE
}

/// The permission to read and write.
pub(super) fn read_and_write(_permissions: i32) -> i32 {
    permission::READ | permission::WRITE
}

fn queues_of(broker: &ByteString, topic: &TopicConfig) -> QueueData {
    QueueData {
        broker_name: broker.clone(),
        perm: topic.perm,
        read_queue_nums: topic.read_queue_nums,
        topic_sys_flag: topic.topic_sys_flag,
        write_queue_nums: topic.write_queue_nums,
    }
}

#[cfg(test)]
mod tests;
