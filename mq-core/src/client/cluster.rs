//! What producers and consumers of one client share: connections, routes, heartbeats.
//!
//! Routes are only ever replaced by newer ones, so sends and consumption go on while no name
//! server answers.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::absent::Absent;
use super::config::{ClientConfig, Timings};
use super::error::{RouteError, StartError};
use super::groups::Groups;
use super::incoming;
use super::name_servers::NameServers;
use super::routes::{RouteTable, TEMPLATE_TOPIC, TopicRoute};
use crate::clock::{Clock, Moment};
use crate::message::{GroupName, TopicName, UniqueIds};
use crate::remoting::{CallError, RemotingClient};
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::body::ClusterInfo;
use crate::wire::header::{HeartBeat, UnregisterClient};
use crate::wire::{Reply, Request, fastjson};

/// The cluster as one client sees it.
#[derive(Debug)]
pub(super) struct Cluster {
    pub(super) client_id: ByteString,
    pub(super) lasting_id: ByteString,
    pub(super) timings: Timings,
    pub(super) clock: Clock,
    pub(super) tasks: Tasks,
    pub(super) remoting: RemotingClient,
    pub(super) groups: Arc<Mutex<Groups>>,
    name_servers: NameServers,
    routes: Mutex<RouteTable>,
    /// Brokers that do not answer, by address.
    silent: Troubles<String>,
    /// Topics that name servers give no usable answer for.
    unclear: Troubles<TopicName>,
    ids: UniqueIds,
    routes_stale: Notify,
    heartbeat_due: Notify,
}

impl Cluster {
    /// Starts the tasks that keep routes fresh and brokers informed.
    pub(super) fn start(config: ClientConfig, clock: Clock) -> Result<Arc<Self>, StartError> {
        let ip = config.ip();
        let unique = random();
        let pid = std::process::id();
        let lasting_id = config.lasting_id();
        let client_id = match &config.instance_name {
            Some(_) => lasting_id.clone(),
            None => config.client_id(&format!("{pid}#{unique}")),
        };
        let tasks = Tasks::new(clock.clone());
        let groups = Arc::<Mutex<Groups>>::default();
        let router = Arc::new(incoming::routes(&groups));
        let remoting = config.remoting;
        let cluster = Arc::new(Self {
            client_id,
            lasting_id,
            timings: config.timings,
            remoting: RemotingClient::new(remoting, router, clock.clone(), tasks.clone()),
            groups,
            name_servers: NameServers::new(config.name_servers)?,
            routes: Mutex::default(),
            silent: Troubles::new(clock.clone()),
            unclear: Troubles::new(clock.clone()),
            ids: unique_ids(ip, pid, unique, &clock),
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

    /// A message id that nobody else has.
    pub(super) fn unique_id(&self) -> String {
        self.ids.next(self.clock.now_ms())
    }

    /// Asks a broker, within the time that an answer may take.
    pub(super) async fn call<R: Request>(
        &self,
        address: &str,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, CallError> {
        let limit = self.timings.api_timeout;
        self.call_within(limit, address, header, body).await
    }

    /// Asks a broker that may take `limit` to answer.
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

    /// The route that is known.
    pub(super) fn known_route(&self, topic: &TopicName) -> Option<Arc<TopicRoute>> {
        self.routes.lock().get(topic)
    }

    /// The route to send by: the topic's own, or the template's when it does not exist yet.
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

    /// Asks where `topic` is and keeps the answer; whether the topic exists.
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

    /// All brokers.
    pub(super) async fn brokers(&self) -> Result<ClusterInfo, RouteError> {
        let limit = self.timings.api_timeout;
        self.name_servers.brokers(&self.remoting, limit).await
    }

    /// The address of the broker `name` with `id`, or else of any of that name.
    pub(super) fn address(&self, name: &str, id: i64) -> Option<ByteString> {
        self.routes.lock().address(name, id)
    }

    /// The address of the master `name`.
    pub(super) fn master(&self, name: &str) -> Option<ByteString> {
        self.routes.lock().master(name)
    }

    /// Something failed that a newer route may cure.
    pub(super) fn routes_are_stale(&self) {
        self.routes_stale.notify_one();
    }

    /// A broker does not know us (any more).
    pub(super) fn heartbeat_is_due(&self) {
        self.heartbeat_due.notify_one();
    }

    /// Tells every broker that we are there, and what we want.
    pub(super) async fn heartbeat(&self) {
        let (beat, slaves_too) = {
            let groups = self.groups.lock();
            if groups.is_empty() {
                return;
            }
            (
                groups.heartbeat(self.client_id.clone()),
                groups.has_consumers(),
            )
        };
        let body = &fastjson::write(&beat);
        let addresses = self.routes.lock().addresses(slaves_too);
        let beats = addresses.iter().map(|address| async move {
            if let Err(error) = self.call(address, HeartBeat, body.clone()).await {
                tracing::debug!(%address, %error, "the broker does not take the heartbeat");
            }
        });
        join_all(beats).await;
    }

    /// Tells every broker that a producer or consumer is gone.
    pub(super) async fn unregister(
        &self,
        producer: Option<&GroupName>,
        consumer: Option<&GroupName>,
    ) {
        let header = UnregisterClient {
            client_id: self.client_id.clone(),
            producer_group: producer.map(GroupName::to_text),
            consumer_group: consumer.map(GroupName::to_text),
        };
        let addresses = self.routes.lock().addresses(true);
        let calls = addresses.iter().map(|address| {
            let header = header.clone();
            async move {
                if let Err(error) = self.call(address, header, Bytes::new()).await {
                    tracing::debug!(%address, %error, "the broker does not hear us leave");
                }
            }
        });
        join_all(calls).await;
    }

    /// Tells every broker that a producer is gone, until `deadline`: a broker that does not answer
    /// forgets it after a while.
    pub(super) async fn leave(&self, producer: &GroupName, deadline: Moment) {
        let limit = deadline.since(self.clock.moment());
        let told = self.unregister(Some(producer), None);
        if self.clock.timeout(limit, told).await.is_err() {
            tracing::debug!(group = %producer, "a broker does not hear us leave in time");
        }
    }

    fn learn(&self, topic: &TopicName, route: TopicRoute) {
        let (changed, new_brokers) = {
            let mut routes = self.routes.lock();
            let before = routes.addresses(true);
            // What a template promises is no news once the topic itself is known.
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

    /// Says that a broker is away, and that it is back: the one place that does, for everybody.
    fn note(&self, address: &str, error: Option<&CallError>) {
        match error {
            // What follows shows whether it is away.
            Some(CallError::Closed { .. }) => {}
            Some(error) if error.is_transport() => {
                if !self.tasks.is_stopping() && self.silent.begin(address.to_owned()) == Some(0) {
                    tracing::warn!(address, %error, "a broker does not answer; it is asked again");
                }
            }
            _ => {
                if self.silent.end(address) {
                    tracing::info!(address, "the broker answers again");
                }
            }
        }
    }

    /// Asks where these topics are; gives those that do not exist.
    async fn refresh_all(
        &self,
        topics: impl IntoIterator<Item = TopicName>,
    ) -> BTreeSet<TopicName> {
        let mut absent = BTreeSet::new();
        for topic in topics {
            match self.refresh(&topic).await {
                Ok(exists) => {
                    if self.unclear.end(&topic) {
                        tracing::info!(%topic, "the name server answers again");
                    }
                    if !exists {
                        absent.insert(topic);
                    }
                }
                Err(error @ RouteError::Unreachable { .. }) => {
                    tracing::debug!(%error, "routes stay as they are");
                    break;
                }
                Err(error) if self.unclear.begin(topic.clone()) == Some(0) => {
                    tracing::warn!(%topic, %error, "the route stays as it is");
                }
                Err(error) => tracing::debug!(%topic, %error, "the route stays as it is"),
            }
        }
        absent
    }
}

async fn keep_routes(cluster: Arc<Cluster>) {
    loop {
        let (every, clock) = (cluster.timings.route_refresh, &cluster.clock);
        if clock
            .timeout(every, cluster.routes_stale.notified())
            .await
            .is_ok()
        {
            // Those who see the same failure a moment later are served by the same round.
            clock.sleep(cluster.timings.missing_route).await;
        }
        let topics = cluster.routes.lock().topics();
        // A topic that was deleted keeps its route, and whoever pulls from it learns why it fails.
        let _deleted = cluster.refresh_all(topics).await;
    }
}

/// Topics that are consumed and do not exist yet are asked for more often.
async fn find_topics(cluster: Arc<Cluster>) {
    let mut absent = Absent::default();
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
        // Retries and dead letters: their topics exist from the first such message on.
        wanted.retain(|(topic, _)| topic.group().is_none());
        absent.look(&wanted, &missing, is_there, cluster.clock.moment());
    }
}

async fn beat(cluster: Arc<Cluster>) {
    loop {
        let due = cluster.heartbeat_due.notified();
        let every = cluster.timings.heartbeat;
        // Due or not, the next one is sent after the time has passed.
        let _due = cluster.clock.timeout(every, due).await;
        cluster.heartbeat().await;
    }
}

fn unique_ids(ip: IpAddr, pid: u32, unique: u64, clock: &Clock) -> UniqueIds {
    let [a, b, c, d, ..] = unique.to_be_bytes();
    let instance = u32::from_be_bytes([a, b, c, d]);
    UniqueIds::new(ip, pid, instance, clock.now_ms())
}

/// A number that differs from client to client, in one process and in all others.
fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
