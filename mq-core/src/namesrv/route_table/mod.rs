//! Which brokers there are and which topics they have. Pure data: the time is handed in.
//!
//! A broker stands here as long as it is alive; a topic, as long as a broker that has it. An address
//! is one broker: whoever registers there takes the place of the one that was there before.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use bytestring::ByteString;

use crate::clock::Moment;
use crate::excerpt::LONGEST;
use crate::remoting::{Peer, PeerId};
use crate::wire::body::{
    BrokerData, ClusterInfo, DataVersion, QueueData, TopicConfig, TopicConfigs, TopicRouteData,
    permission,
};

const MASTER: i64 = 0;

/// Which brokers there are and which topics they have (`RouteInfoManager`).
#[derive(Debug, Default)]
pub(super) struct RouteTable {
    /// By name, which a master shares with its slaves.
    brokers: BTreeMap<ByteString, BrokerData>,
    /// By topic, then by name of the broker.
    topics: BTreeMap<ByteString, BTreeMap<ByteString, QueueData>>,
    alive: HashMap<BrokerPlace, Alive>,
}

/// Which process a broker is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct BrokerPlace {
    pub(super) cluster: ByteString,
    /// `ip:port`.
    pub(super) address: ByteString,
}

#[derive(Debug)]
struct Alive {
    name: ByteString,
    heard: Moment,
    silence: Duration,
    version: DataVersion,
    /// The connection whose end is the end of the broker.
    peer: Peer,
    ha_address: ByteString,
}

/// What a broker says of itself.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    pub(super) place: BrokerPlace,
    pub(super) name: ByteString,
    /// 0 is the master.
    pub(super) id: i64,
    pub(super) ha_address: ByteString,
    /// It is gone when nothing was heard of it for so long.
    pub(super) silence: Duration,
    pub(super) enable_acting_master: bool,
    pub(super) zone: Option<ByteString>,
    pub(super) topics: TopicConfigs,
}

/// What follows from a registration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Registered {
    /// For a slave whose master is known.
    pub(super) master: Option<Master>,
    /// The brokers that were registered at the same address before and are now gone from the routes.
    pub(super) replaced: Vec<Replaced>,
}

/// A broker that is gone because another one registered at its address.
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

/// Why a registration does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotRegistered {
    #[error("another broker has this id and has seen a later master")]
    Outdated,
    #[error("a broker that is not known yet registers all its topics first")]
    SingleTopic,
    #[error("the {what} has {length} bytes, at most {LONGEST} are allowed")]
    TooLong { what: &'static str, length: usize },
}

impl RouteTable {
    /// Takes in what a broker says of itself.
    ///
    /// A broker that died without closing its connection, or whose host was replaced by one of
    /// another name, leaves its old name at the address; that name is removed here.
    pub(super) fn register(
        &mut self,
        registration: Registration,
        peer: Peer,
        now: Moment,
    ) -> Result<Registered, NotRegistered> {
        self.admit(&registration)?;
        let replaced = self.make_room(&registration.place, &registration.name);
        let Registration {
            place,
            name,
            id,
            topics,
            ..
        } = registration;
        let broker = self.brokers.entry(name.clone()).or_default();
        broker.broker_name = name.clone();
        broker.cluster = place.cluster.clone();
        broker.enable_acting_master = registration.enable_acting_master;
        broker.zone_name = registration.zone;
        // A slave that has become master still stands under its old id.
        broker
            .broker_addrs
            .retain(|other, address| *other == id || *address != place.address);
        let before = broker.broker_addrs.insert(id, place.address.clone());
        let master = broker.broker_addrs.get(&MASTER).cloned();
        if id == MASTER {
            let known = self.alive.get(&place).map(|alive| alive.version);
            let same = before.as_ref() == Some(&place.address);
            let changed = !same || known != Some(topics.data_version);
            self.take_topics(&name, &topics, changed);
        }
        let cluster = place.cluster.clone();
        let alive = Alive {
            name,
            heard: now,
            silence: registration.silence,
            version: topics.data_version,
            peer,
            ha_address: registration.ha_address,
        };
        self.alive.insert(place, alive);
        let master = master.filter(|_| id != MASTER);
        Ok(Registered {
            master: master.and_then(|address| self.master_at(cluster, address)),
            replaced,
        })
    }

    /// A broker leaves. One that another has replaced at its address is gone already, and its
    /// farewell does not concern the other.
    ///
    /// Says whether it was registered.
    pub(super) fn unregister(&mut self, place: &BrokerPlace, name: &str) -> bool {
        let alive = self.alive.get(place);
        let known = alive.is_some_and(|alive| alive.name == name);
        if known {
            self.remove(place);
        }
        known
    }

    /// The connection with `peer` has ended, and with it the brokers that registered over it.
    pub(super) fn hung_up(&mut self, peer: PeerId) -> Vec<BrokerPlace> {
        self.remove_where(|alive| alive.peer.id() == peer)
    }

    /// Removes the brokers that have been silent for too long and ends their connections.
    pub(super) fn expire(&mut self, now: Moment) -> Vec<BrokerPlace> {
        self.remove_where(|alive| {
            let silent = now.since(alive.heard) > alive.silence;
            if silent {
                alive.peer.close();
            }
            silent
        })
    }

    /// The version that is known of the topics of the broker `name`; a broker whose version is
    /// `version` has been heard of `now`.
    pub(super) fn compare(
        &mut self,
        place: &BrokerPlace,
        name: &str,
        version: DataVersion,
        now: Moment,
    ) -> Option<DataVersion> {
        let alive = self.alive.get_mut(place)?;
        // Of a broker that is new at the address of another nothing is known yet.
        if alive.name != name {
            return None;
        }
        if alive.version == version {
            alive.heard = now;
        }
        Some(alive.version)
    }

    /// Where a topic is.
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

    /// Forgets a topic, or only that the brokers of `cluster` have it.
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

    /// Makes a topic known, up to the first broker that is not.
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

    fn admit(&self, new: &Registration) -> Result<(), NotRegistered> {
        // What stands in the table is shown in the log as it is.
        for (what, text) in [
            ("name of the broker", &new.name),
            ("name of the cluster", &new.place.cluster),
            ("address of the broker", &new.place.address),
        ] {
            if text.len() > LONGEST {
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
        let held_by = BrokerPlace {
            cluster: new.place.cluster.clone(),
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
        let place = BrokerPlace { cluster, address };
        let alive = self.alive.get(&place)?;
        Some(Master {
            address: place.address,
            ha_address: alive.ha_address.clone(),
        })
    }

    fn remove_where(&mut self, gone: impl Fn(&Alive) -> bool) -> Vec<BrokerPlace> {
        let alive = self.alive.iter();
        let places: Vec<_> = alive
            .filter(|(_, alive)| gone(alive))
            .map(|(place, _)| place.clone())
            .collect();
        for place in &places {
            self.remove(place);
        }
        places
    }

    /// Removes whoever else is registered at the address of `place`: under another name in the same
    /// cluster, or under the same name in another cluster.
    fn make_room(&mut self, place: &BrokerPlace, name: &ByteString) -> Vec<Replaced> {
        let alive = self.alive.iter();
        let others = alive.filter(|(other, alive)| {
            let (same_cluster, same_name) = (other.cluster == place.cluster, alive.name == *name);
            other.address == place.address && same_cluster != same_name
        });
        let others: Vec<_> = others.map(|(other, _)| other.clone()).collect();
        let removed = others.into_iter().filter_map(|other| {
            let name = self.remove(&other)?;
            let cluster = other.cluster;
            Some(Replaced { cluster, name })
        });
        removed.collect()
    }

    /// Removes the broker at `place`, and the topics that only it had; says its name.
    fn remove(&mut self, place: &BrokerPlace) -> Option<ByteString> {
        let name = self.alive.remove(place)?.name;
        if let Some(broker) = self.brokers.get_mut(&name) {
            broker
                .broker_addrs
                .retain(|_, address| *address != place.address);
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

/// Nobody may write.
pub(super) fn without_write(permissions: i32) -> i32 {
    permissions & !permission::WRITE
}

/// Everybody may read and write.
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
