//! What the producers and consumers of one client share: connections, routes, heartbeats.
//!
//! Invariant: a route is replaced by a newer one but never removed, so that sending and consuming
//! go on while no name server answers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::absent::AbsentTopics;
use super::broker_delays::{BrokerDelays, KnownDelays};
use super::config::{ClientConfig, Timings};
use super::error::{RouteError, StartError};
use super::groups::ClientGroups;
use super::incoming;
use super::lost_traces::LostTraces;
use super::name_servers::NameServerList;
use super::replies::Replies;
use super::routes::{MASTER_ID, RouteCache, TEMPLATE_TOPIC, TopicRoute};
use super::transaction_checks::TransactionChecks;
use crate::clock::{Clock, Moment};
use crate::message::{GroupName, TopicName, UniqueIds};
use crate::remoting::{CallError, PeerId, RemotingClient};
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::body::ClusterInfo;
use crate::wire::header::{GetBrokerConfig, HeartBeat, UnregisterClient};
use crate::wire::{Reply, Request, fastjson};

/// One client's access to its cluster (`MQClientInstance`).
#[derive(Debug)]
pub(super) struct ClusterClient {
    pub(super) client_id: ByteString,
    pub(super) stable_id: ByteString,
    pub(super) unit_mode: bool,
    pub(super) timings: Timings,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) remoting: RemotingClient,
    pub(super) groups: Arc<Mutex<ClientGroups>>,
    pub(super) replies: Arc<Replies>,
    pub(super) lost_traces: LostTraces,
    delays: KnownDelays,
    name_servers: NameServerList,
    routes: Mutex<RouteCache>,
    /// Who knows this client, and who has to.
    acquaintance: Mutex<Acquaintance>,
    /// Brokers that do not respond, by address.
    silent_brokers: Troubles<String>,
    /// Topics whose route could not be read from a name server's response.
    unreadable_routes: Troubles<TopicName>,
    ids: UniqueIds,
    /// Held while a dead letter is sent again, so that a second call for it finds the first one's message.
    pub(super) resends: tokio::sync::Mutex<()>,
    routes_stale: Notify,
    heartbeat_due: Notify,
}

/// What leaves a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Producer,
    Consumer,
}

/// The brokers that know this client, by address.
#[derive(Debug, Default)]
struct Acquaintance {
    /// The connections over which they took the last heartbeat.
    known_by: BTreeMap<ByteString, PeerId>,
    /// Masters that get heartbeats although perhaps no route names them, because each may have a reply
    /// for this client.
    everybody: BTreeSet<ByteString>,
    /// When the name server was asked for them.
    asked: Option<Moment>,
}

impl ClusterClient {
    /// Starts the tasks that refresh routes and send heartbeats.
    pub(super) fn start(config: ClientConfig, clock: Clock) -> Result<Arc<Self>, StartError> {
        let ip = config.ip();
        let unique = random();
        let pid = std::process::id();
        let stable_id = config.stable_id();
        let client_id = match &config.instance_name {
            Some(_) => stable_id.clone(),
            None => config.client_id(&format!("{pid}#{unique}")),
        };
        let tasks = Tasks::new(clock.clone());
        let groups = Arc::<Mutex<ClientGroups>>::default();
        let replies = Arc::new(Replies::new(clock.clone()));
        let checks = TransactionChecks::new(&groups, &tasks, &clock);
        let router = Arc::new(incoming::routes(&groups, &replies, checks, &clock));
        let remoting = config.remoting;
        let cluster = Arc::new(Self {
            client_id,
            stable_id,
            unit_mode: config.unit_mode,
            timings: config.timings,
            remoting: RemotingClient::new(remoting, router, clock.clone(), tasks.clone()),
            groups,
            replies,
            lost_traces: LostTraces::new(clock.clone()),
            delays: KnownDelays::default(),
            name_servers: NameServerList::new(config.name_servers)?,
            routes: Mutex::default(),
            acquaintance: Mutex::default(),
            silent_brokers: Troubles::new(clock.clone()),
            unreadable_routes: Troubles::new(clock.clone()),
            ids: unique_ids(ip, pid, unique, &clock),
            resends: tokio::sync::Mutex::default(),
            routes_stale: Notify::new(),
            heartbeat_due: Notify::new(),
            clock,
            tasks,
        });
        let tasks = &cluster.tasks;
        tasks.spawn_until_stop("refreshing routes", keep_routes(Arc::clone(&cluster)));
        tasks.spawn_until_stop("finding topics", find_topics(Arc::clone(&cluster)));
        tasks.spawn_until_stop("heartbeats", beat(Arc::clone(&cluster)));
        Ok(cluster)
    }

    /// A unique message id.
    pub(super) fn unique_id(&self) -> String {
        self.ids.next(self.clock.now_ms())
    }

    /// Sends a request to a broker, with the timeout of ordinary requests.
    pub(super) async fn call<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, CallError> {
        let limit = self.timings.api_timeout;
        self.call_within(limit, address, header, body).await
    }

    /// Sends a request to a broker, with the timeout `limit`.
    pub(super) async fn call_within<R: Request>(
        &self,
        limit: Duration,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, CallError> {
        let answer = self.remoting.call(address, header, body, limit).await;
        self.note(address, answer.as_ref().err());
        answer
    }

    /// What the broker at `address` makes of messages for a later time; asks it, within `limit`, unless
    /// that is known.
    pub(super) async fn delays_of(
        &self,
        address: &ByteString,
        limit: Duration,
    ) -> Result<Arc<BrokerDelays>, CallError> {
        let connection = self.remoting.connection(address);
        if let Some(known) = self.delays.of(address, connection) {
            return Ok(known);
        }
        let settings = self.call_within(limit, address, GetBrokerConfig, Bytes::new());
        let settings = settings.await?;
        let connection = self.remoting.connection(address);
        Ok(self.delays.learn(address, connection, &settings.body))
    }

    /// The cached route.
    pub(super) fn known_route(&self, topic: &TopicName) -> Option<Arc<TopicRoute>> {
        self.routes.lock().get(topic)
    }

    /// The route for sending: the topic's own, or that of the template topic when the topic does
    /// not exist yet.
    pub(super) async fn publish_route(
        &self,
        topic: &TopicName,
        queue_nums: u16,
    ) -> Result<Option<Arc<TopicRoute>>, RouteError> {
        let usable = |route: &Arc<TopicRoute>| !route.publish.is_empty();
        if let Some(route) = self.known_route(topic).filter(usable) {
            return Ok(Some(route));
        }
        if self.refresh(topic).await? {
            return Ok(self.known_route(topic).filter(usable));
        }
        let Ok(template) = TopicName::new(TEMPLATE_TOPIC) else {
            return Ok(None);
        };
        let limit = self.timings.api_timeout;
        let found = self
            .name_servers
            .route(&self.remoting, &template, limit)
            .await?;
        if let Some(data) = found {
            self.learn(topic, TopicRoute::from_template(topic, data, queue_nums));
        }
        Ok(self.known_route(topic).filter(usable))
    }

    /// Asks a name server for the route of `topic` and caches it. Returns whether the topic exists.
    pub(super) async fn refresh(&self, topic: &TopicName) -> Result<bool, RouteError> {
        let limit = self.timings.api_timeout;
        match self
            .name_servers
            .route(&self.remoting, topic, limit)
            .await?
        {
            Some(data) => {
                self.learn(topic, TopicRoute::of(topic, &data));
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// All brokers of the cluster.
    pub(super) async fn brokers(&self) -> Result<ClusterInfo, RouteError> {
        let limit = self.timings.api_timeout;
        self.name_servers.brokers(&self.remoting, limit).await
    }

    /// Has every name server forget `topic`, or only its queues on the brokers of `cluster`. Why some did
    /// not, if any.
    pub(super) async fn forget_topic(
        &self,
        topic: &TopicName,
        cluster: Option<&str>,
    ) -> Vec<RouteError> {
        let limit = self.timings.api_timeout;
        self.name_servers
            .forget_topic(&self.remoting, topic, cluster, limit)
            .await
    }

    /// The address of the broker with this name and id, or of another one with the name.
    pub(super) fn address(&self, name: &str, id: i64) -> Option<ByteString> {
        self.routes.lock().address(name, id)
    }

    /// The address of the master with this name.
    pub(super) fn master(&self, name: &str) -> Option<ByteString> {
        self.routes.lock().master(name)
    }

    /// Requests a refresh of all routes, after a failure that a newer route may cure.
    pub(super) fn routes_are_stale(&self) {
        self.routes_stale.notify_one();
    }

    /// Requests a heartbeat, because a broker does not know this client.
    pub(super) fn heartbeat_is_due(&self) {
        self.heartbeat_due.notify_one();
    }

    /// Sends this client's groups and subscriptions to every broker.
    pub(super) async fn heartbeat(&self) {
        let (beat, slaves_too) = {
            let groups = self.groups.lock();
            if groups.is_empty() {
                return;
            }
            (
                groups.heartbeat(self.client_id.clone(), self.unit_mode),
                groups.has_consumers(),
            )
        };
        let body = &fastjson::write(&beat);
        let addresses = self.known_brokers(slaves_too);
        let beats = addresses.iter().map(|address| async move {
            if let Err(error) = self.call(address, HeartBeat, body.clone()).await {
                tracing::debug!(%address, %error, "the heartbeat failed");
            } else if let Some(connection) = self.remoting.connection(address) {
                let mut acquaintance = self.acquaintance.lock();
                acquaintance.known_by.insert(address.clone(), connection);
            }
        });
        join_all(beats).await;
    }

    /// Makes this client known to every broker, so that each can push replies to it. Brokers that do not
    /// answer are left out: no reply can come from them either.
    pub(super) async fn introduce(&self) {
        self.find_everybody().await;
        let is_known = self.known_brokers(false).iter().all(|broker| {
            let connection = self.remoting.connection(broker);
            let known_over = self.acquaintance.lock().known_by.get(broker).copied();
            connection.is_some() && connection == known_over
        });
        if !is_known {
            self.heartbeat().await;
        }
    }

    /// The brokers that know this client, or shall know it: those of the routes, masters only or slaves too,
    /// and those that may have a reply for it.
    fn known_brokers(&self, slaves_too: bool) -> BTreeSet<ByteString> {
        let mut addresses = self.routes.lock().addresses(slaves_too);
        addresses.extend(self.acquaintance.lock().everybody.iter().cloned());
        addresses
    }

    /// Asks a name server for all masters, unless that was done a moment ago.
    async fn find_everybody(&self) {
        let now = self.clock.moment();
        let asked = self.acquaintance.lock().asked;
        let is_new = |asked| now.since(asked) < self.timings.route_refresh;
        if !asked.is_some_and(is_new)
            && let Ok(info) = self.brokers().await
        {
            let brokers = info.broker_addr_table.into_values();
            let masters = brokers.filter_map(|mut broker| broker.broker_addrs.remove(&MASTER_ID));
            let mut acquaintance = self.acquaintance.lock();
            acquaintance.everybody = masters.collect();
            acquaintance.asked = Some(now);
        }
    }

    /// Tells every broker that a producer or a consumer of `group` has left. Gives up at `deadline`: a
    /// broker removes by itself who sends no heartbeats.
    pub(super) async fn leave(&self, group: &GroupName, role: Role, deadline: Moment) {
        let (producer, consumer) = match role {
            Role::Producer => (Some(group), None),
            Role::Consumer => (None, Some(group)),
        };
        let header = UnregisterClient {
            client_id: self.client_id.clone(),
            producer_group: producer.map(GroupName::to_text),
            consumer_group: consumer.map(GroupName::to_text),
        };
        let addresses = self.known_brokers(true);
        let calls = addresses.iter().map(|address| {
            let header = header.clone();
            async move {
                if let Err(error) = self.call(address, header, Bytes::new()).await {
                    tracing::debug!(%address, %error, "the broker could not be told that the group has left");
                }
            }
        });
        if self
            .clock
            .timeout_at(deadline, join_all(calls))
            .await
            .is_err()
        {
            tracing::debug!(%group, "not every broker could be told in time that the group has left");
        }
    }

    fn learn(&self, topic: &TopicName, route: TopicRoute) {
        let (changed, new_brokers) = {
            let mut routes = self.routes.lock();
            let before = routes.addresses(true);
            // A template's route never replaces the topic's own.
            let known = routes.get(topic).is_some_and(|known| !known.from_template);
            let changed = !(route.from_template && known) && routes.put(topic, route);
            (
                changed,
                changed && !routes.addresses(true).is_subset(&before),
            )
        };
        if new_brokers {
            self.heartbeat_is_due();
        }
        if changed {
            tracing::debug!(%topic, "the route has changed");
            self.groups.lock().route_changed(topic);
        }
    }

    /// Logs that a broker does not respond, and that it responds again: once per broker, whoever
    /// called it.
    fn note(&self, address: &str, error: Option<&CallError>) {
        match error {
            // The next call shows whether the broker is away.
            Some(CallError::Closed { .. }) => {}
            Some(error) if error.is_transport() => {
                if !self.tasks.is_stopping()
                    && self.silent_brokers.begin(address.to_owned()) == Some(0)
                {
                    tracing::warn!(address, %error, "a broker does not respond; requests to it are retried");
                }
            }
            _ => {
                if self.silent_brokers.end(address) {
                    tracing::info!(address, "the broker responds again");
                }
            }
        }
    }

    /// Refreshes the routes of `topics`; returns the topics that do not exist.
    async fn refresh_all(
        &self,
        topics: impl IntoIterator<Item = TopicName>,
    ) -> BTreeSet<TopicName> {
        let mut absent = BTreeSet::new();
        for topic in topics {
            match self.refresh(&topic).await {
                Ok(exists) => {
                    if self.unreadable_routes.end(&topic) {
                        tracing::info!(%topic, "the name server's response for the topic can be read again");
                    }
                    if !exists {
                        absent.insert(topic);
                    }
                }
                Err(error @ RouteError::Unreachable { .. }) => {
                    tracing::debug!(%error, "no name server responds: the cached routes stay in use");
                    break;
                }
                Err(error) if self.unreadable_routes.begin(topic.clone()) == Some(0) => {
                    tracing::warn!(%topic, %error, "the route could not be refreshed: the cached one stays in use");
                }
                Err(error) => {
                    tracing::debug!(%topic, %error, "the route could not be refreshed: the cached one stays in use");
                }
            }
        }
        absent
    }
}

/// Refreshes the routes now and then, and soon after a failure. A broker that failed may be missing in the
/// answer and come back a moment later, so from then on the pauses grow from the shortest to the usual one.
async fn keep_routes(cluster: Arc<ClusterClient>) {
    let (usual, soon) = (cluster.timings.route_refresh, cluster.timings.missing_route);
    let clock = &cluster.clock;
    let mut pause = usual;
    loop {
        let stale = clock.timeout(pause, cluster.routes_stale.notified()).await;
        if stale.is_ok() {
            // Wait a moment, so that one refresh serves all who see the same failure.
            clock.sleep(soon).await;
            pause = soon;
        } else {
            pause = (2 * pause).min(usual);
        }
        let topics = cluster.routes.lock().topics();
        // A deleted topic keeps its route, so that pulls from it fail with the broker's reason.
        let _deleted = cluster.refresh_all(topics).await;
    }
}

/// Looks up the subscribed topics that do not exist yet, more often than routes are refreshed.
async fn find_topics(cluster: Arc<ClusterClient>) {
    let mut absent = AbsentTopics::default();
    let is_there = |topic: &TopicName| {
        let known = cluster.known_route(topic);
        known.is_some_and(|route| !route.from_template)
    };
    loop {
        cluster.clock.sleep(cluster.timings.missing_route).await;
        let mut wanted = cluster.groups.lock().subscribed();
        let topics: BTreeSet<_> = wanted.iter().map(|(topic, _)| topic.clone()).collect();
        let missing = topics.into_iter().filter(|topic| !is_there(topic));
        let missing = cluster.refresh_all(missing).await;
        // Retry and dead-letter topics are created by their first message, so their absence is
        // normal.
        wanted.retain(|(topic, _)| topic.group().is_none());
        absent.update(&wanted, &missing, is_there, cluster.clock.moment());
    }
}

async fn beat(cluster: Arc<ClusterClient>) {
    loop {
        let due = cluster.heartbeat_due.notified();
        let every = cluster.timings.heartbeat;
        // A timeout means that the regular interval is over.
        let _due = cluster.clock.timeout(every, due).await;
        // Each broker may have a half message of the group, also one to which nothing was sent since
        // this program started.
        if cluster.groups.lock().has_checkers() {
            cluster.find_everybody().await;
        }
        cluster.heartbeat().await;
    }
}

fn unique_ids(ip: IpAddr, pid: u32, unique: u64, clock: &Clock) -> UniqueIds {
    let [a, b, c, d, ..] = unique.to_be_bytes();
    let instance = u32::from_be_bytes([a, b, c, d]);
    UniqueIds::new(ip, pid, instance, clock.now_ms())
}

/// A random number that tells clients apart, within one process and across processes.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
