//! Brokers, their liveness and their permissions: 103, 104, 322, 205, 327, 901 and 904.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::own::own;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::namesrv::kv_config::{KvConfig, ORDER_TOPIC_CONFIG};
use crate::namesrv::live_settings::LiveSettings;
use crate::namesrv::route_table::{
    BrokerKey, BrokerRegistration, Registered, Replaced, RouteTable, read_and_write, without_write,
};
use crate::remoting::{Incoming, Peer, PeerWatcher, Processor};
use crate::wire::body::{
    BrokerMemberGroup, BrokerMembers, DataVersion, KvTable, RegisterBrokerBody,
};
use crate::wire::header::{
    AddWritePermOfBroker, AddWritePermOfBrokerReply, BrokerHeartbeat, GetBrokerMemberGroup,
    QueryDataVersion, QueryDataVersionReply, RegisterBroker, RegisterBrokerReply, UnregisterBroker,
    WipeWritePermOfBroker, WipeWritePermOfBrokerReply,
};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// The heartbeat timeout of a broker that does not send its own (`BrokerLiveInfo`).
const DEFAULT_HEARTBEAT_TIMEOUT: Duration = Duration::from_mins(2);

#[derive(Clone, Debug)]
pub(in crate::namesrv) struct BrokerProcessor {
    pub(in crate::namesrv) table: Arc<Mutex<RouteTable>>,
    pub(in crate::namesrv) kv: Arc<KvConfig>,
    pub(in crate::namesrv) settings: Arc<LiveSettings>,
    pub(in crate::namesrv) clock: Clock,
}

impl Processor<RegisterBroker> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<RegisterBroker>,
    ) -> Result<Reply<RegisterBrokerReply>, Refusal> {
        let header = &request.header;
        let body = RegisterBrokerBody::decode(header, request.version, &request.body)
            .map_err(|error| Refusal::system(error.reason))?;
        let registration = registration(header, body);
        let name = registration.name.clone();
        let (now, peer) = (self.clock.moment(), request.peer.clone());
        let outcome = self.table.lock().register(registration, peer, now);
        let Registered { master, replaced } = outcome.map_err(|error| {
            tracing::warn!(broker = %excerpt(&name), address = %excerpt(&header.broker_addr), %error, "a registration was refused");
            Refusal::system(format!("register broker failed: {error}"))
        })?;
        for Replaced { cluster, name: old } in replaced {
            tracing::warn!(
                address = &*header.broker_addr,
                broker = &*name,
                replaced = &*old,
                cluster = &*cluster,
                "a broker has registered at the address of another, which is removed from all \
                 routes; when both are running, give each an address of its own (`brokerIP1`, \
                 `listenPort`)"
            );
        }
        let reply = match master {
            Some(master) => RegisterBrokerReply {
                ha_server_addr: Some(master.ha_address),
                master_addr: Some(master.address),
            },
            None => RegisterBrokerReply::default(),
        };
        let reply = Reply::ok(reply);
        Ok(match self.kv.namespace(ORDER_TOPIC_CONFIG) {
            Some(table) if self.settings.tell_brokers_order() => {
                reply.with_body(fastjson::write(&KvTable { table }))
            }
            _ => reply,
        })
    }
}

impl Processor<UnregisterBroker> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<UnregisterBroker>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let key = BrokerKey {
            cluster: header.cluster_name,
            address: header.broker_addr,
        };
        let broker = &*header.broker_name;
        if self.table.lock().unregister(&key, broker) {
            tracing::debug!(broker, address = &*key.address, "the broker has left");
        }
        Ok(NoFields.into())
    }
}

impl Processor<QueryDataVersion> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<QueryDataVersion>,
    ) -> Result<Reply<QueryDataVersionReply>, Refusal> {
        let theirs: DataVersion =
            fastjson::read(&request.body).map_err(|error| Refusal::system(error.to_string()))?;
        let key = BrokerKey {
            cluster: request.header.cluster_name,
            address: request.header.broker_addr,
        };
        let now = self.clock.moment();
        let name = request.header.broker_name;
        let known = self.table.lock().compare(&key, &name, theirs, now);
        let reply = Reply::ok(QueryDataVersionReply {
            changed: known != Some(theirs),
        });
        Ok(match known {
            Some(known) => reply.with_body(fastjson::write(&known)),
            None => reply,
        })
    }
}

impl Processor<BrokerHeartbeat> for BrokerProcessor {
    /// A broker that is not registered is not registered by it, and answered with success all the same.
    async fn process(
        &self,
        request: Incoming<BrokerHeartbeat>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let key = BrokerKey {
            cluster: header.cluster_name,
            address: header.broker_addr,
        };
        let now = self.clock.moment();
        self.table.lock().hear(&key, &header.broker_name, now);
        Ok(NoFields.into())
    }
}

impl Processor<GetBrokerMemberGroup> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<GetBrokerMemberGroup>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let GetBrokerMemberGroup {
            cluster_name,
            broker_name,
        } = request.header;
        let body = BrokerMembers {
            broker_member_group: BrokerMemberGroup {
                broker_addrs: self.table.lock().addresses(&broker_name),
                broker_name,
                cluster: cluster_name,
            },
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

impl Processor<WipeWritePermOfBroker> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<WipeWritePermOfBroker>,
    ) -> Result<Reply<WipeWritePermOfBrokerReply>, Refusal> {
        let wipe_topic_count = self.change(&request.header.broker_name, without_write);
        Ok(WipeWritePermOfBrokerReply { wipe_topic_count }.into())
    }
}

impl Processor<AddWritePermOfBroker> for BrokerProcessor {
    async fn process(
        &self,
        request: Incoming<AddWritePermOfBroker>,
    ) -> Result<Reply<AddWritePermOfBrokerReply>, Refusal> {
        let add_topic_count = self.change(&request.header.broker_name, read_and_write);
        Ok(AddWritePermOfBrokerReply { add_topic_count }.into())
    }
}

impl BrokerProcessor {
    fn change(&self, broker: &str, change: fn(i32) -> i32) -> i32 {
        let count = self.table.lock().change_permission(broker, change);
        if count > 0 {
            tracing::info!(broker, count, "permission of topics changed");
        }
        i32::try_from(count).unwrap_or(i32::MAX)
    }
}

/// A broker is removed as soon as its connection closes.
impl PeerWatcher for BrokerProcessor {
    fn closed(&self, peer: &Peer) {
        for key in self.table.lock().connection_closed(peer.id()) {
            tracing::warn!(
                address = &*key.address,
                "the connection with a broker has ended"
            );
        }
    }
}

fn registration(header: &RegisterBroker, body: RegisterBrokerBody) -> BrokerRegistration {
    let heartbeat_timeout = header.heartbeat_timeout_millis.map(u64::try_from);
    let heartbeat_timeout = match heartbeat_timeout {
        Some(Ok(milliseconds)) => Duration::from_millis(milliseconds),
        Some(Err(_)) | None => DEFAULT_HEARTBEAT_TIMEOUT,
    };
    BrokerRegistration {
        key: BrokerKey {
            cluster: own(&header.cluster_name),
            address: own(&header.broker_addr),
        },
        name: own(&header.broker_name),
        id: header.broker_id,
        ha_address: own(&header.ha_server_addr),
        heartbeat_timeout,
        enable_acting_master: header.enable_acting_master.unwrap_or(false),
        zone: header.zone_name.as_ref().map(own),
        topics: body.topic_config_serialize_wrapper,
    }
}
