//! Registers the broker and its topics with the name servers (`BrokerOuterAPI`).
//!
//! Invariant: each name server has its own task, so that one that is down does not delay the
//! others. Registration is retried, and every registration carries all topics.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;
use tokio::sync::watch;

use crate::broker::advertised::Advertised;
use crate::broker::config::BrokerConfig;
use crate::broker::state::live_rules::LiveRules;
use crate::broker::state::topics::Topics;
use crate::clock::Clock;
use crate::remoting::{CallError, RemotingClient};
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::body::{RegisterBrokerBody, body_checksum};
use crate::wire::header::{RegisterBroker, UnregisterBroker};

/// The timeout of a registration (`registerBrokerTimeoutMills` is longer; no request waits for it).
const REGISTER_TIMEOUT: Duration = Duration::from_secs(6);
/// The delay before a failed registration is retried.
const REGISTER_RETRY_DELAY: Duration = Duration::from_secs(2);
/// How long the response to a send that created its topic waits for the name servers.
const ANNOUNCE_TIMEOUT: Duration = Duration::from_secs(2);
/// The timeout of unregistering.
const UNREGISTER_TIMEOUT: Duration = Duration::from_secs(2);

/// What is registered.
#[derive(Debug)]
struct RegistrationContent {
    config: Arc<BrokerConfig>,
    rules: Arc<LiveRules>,
    advertised: Advertised,
    topics: Arc<Topics>,
    client: RemotingClient,
}

impl RegistrationContent {
    async fn register(&self, server: &str) -> Result<(), CallError> {
        let body = self.body();
        let port = self.advertised.socket.port().wrapping_add(1);
        let header = RegisterBroker {
            broker_name: self.name(),
            broker_addr: self.address(),
            cluster_name: self.cluster(),
            ha_server_addr: SocketAddr::new(self.advertised.socket.ip(), port)
                .to_string()
                .into(),
            body_crc32: body_checksum(&body),
            ..RegisterBroker::default()
        };
        self.client
            .call(server, header, body, REGISTER_TIMEOUT)
            .await
            .map(|_| ())
    }

    async fn unregister(&self, server: &str) -> Result<(), CallError> {
        let header = UnregisterBroker {
            broker_name: self.name(),
            broker_addr: self.address(),
            cluster_name: self.cluster(),
            broker_id: 0,
        };
        self.client
            .call(server, header, Bytes::new(), UNREGISTER_TIMEOUT)
            .await
            .map(|_| ())
    }

    /// All topics; the permission of each is limited to the broker's own.
    fn body(&self) -> Bytes {
        let mut topics = self.topics.to_body();
        let permission = i32::try_from(self.rules.permission()).unwrap_or(0);
        if permission != 6 {
            for topic in topics.topic_config_table.values_mut() {
                topic.perm &= permission;
            }
        }
        let body = RegisterBrokerBody {
            topic_config_serialize_wrapper: topics,
            ..RegisterBrokerBody::default()
        };
        body.encode()
    }

    fn name(&self) -> ByteString {
        self.config.identity.name.as_str().into()
    }

    fn cluster(&self) -> ByteString {
        self.config.identity.cluster.as_str().into()
    }

    fn address(&self) -> ByteString {
        self.advertised.text.as_str().into()
    }
}

/// A name server, and the last change with which a registration was tried there.
struct NameServerState {
    address: String,
    tried: watch::Sender<u64>,
}

/// The registration with all name servers.
pub(in crate::broker) struct Registration {
    content: RegistrationContent,
    servers: Vec<Arc<NameServerState>>,
    changes: watch::Sender<u64>,
    /// A registration of new topics takes longer than [`ANNOUNCE_TIMEOUT`].
    late: Troubles<()>,
    /// Name servers with which registration fails.
    away: Troubles<String>,
    clock: Clock,
}

impl Registration {
    pub(in crate::broker) fn new(
        config: &Arc<BrokerConfig>,
        rules: &Arc<LiveRules>,
        advertised: Advertised,
        topics: &Arc<Topics>,
        client: RemotingClient,
        clock: Clock,
    ) -> Arc<Self> {
        let server = |address: &String| {
            Arc::new(NameServerState {
                address: address.clone(),
                tried: watch::Sender::new(0),
            })
        };
        Arc::new(Self {
            servers: config.network.name_servers.iter().map(server).collect(),
            content: RegistrationContent {
                config: Arc::clone(config),
                rules: Arc::clone(rules),
                advertised,
                topics: Arc::clone(topics),
                client,
            },
            // The first registration counts as the first change.
            changes: watch::Sender::new(1),
            late: Troubles::new(clock.clone()),
            away: Troubles::new(clock.clone()),
            clock,
        })
    }

    /// Registers with every name server, at once and then at intervals, until the owner stops.
    pub(in crate::broker) fn run(self: &Arc<Self>, tasks: &Tasks) {
        for server in &self.servers {
            let (this, server) = (Arc::clone(self), Arc::clone(server));
            tasks.spawn_until_stop("registration", async move {
                this.keep_registered(&server).await;
            });
        }
    }

    /// Requests a registration with all name servers, because topics have changed.
    pub(in crate::broker) fn announce(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// The latest change that was announced.
    pub(in crate::broker) fn latest(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Waits, at most [`ANNOUNCE_TIMEOUT`], until registration of the changes announced after
    /// `before` was tried with every name server. Ready at once when there are none.
    pub(in crate::broker) fn heard_since(&self, before: u64) -> impl Future<Output = ()> {
        let latest = self.latest();
        async move {
            if latest > before {
                // Boxed, because nearly every send has nothing to wait for.
                Box::pin(self.wait_until_tried(latest)).await;
            }
        }
    }

    /// Waits, at most [`ANNOUNCE_TIMEOUT`], until registration was tried once with every name
    /// server.
    pub(in crate::broker) async fn first_round(&self) {
        self.wait_until_tried(1).await;
    }

    /// Unregisters from all name servers.
    pub(in crate::broker) async fn unregister(&self) {
        let unregistrations = self.servers.iter().map(async |server| {
            if let Err(error) = self.content.unregister(&server.address).await {
                tracing::debug!(server = server.address, %error, "could not unregister from the name server");
            }
        });
        join_all(unregistrations).await;
    }

    async fn wait_until_tried(&self, change: u64) {
        let tried = self.servers.iter().map(async |server| {
            let mut tried = server.tried.subscribe();
            // The sender lives as long as `self`.
            tried.wait_for(|tried| *tried >= change).await.is_ok()
        });
        match self.clock.timeout(ANNOUNCE_TIMEOUT, join_all(tried)).await {
            Ok(_) if self.late.end(&()) => {
                tracing::info!("every name server has the latest topics again");
            }
            Ok(_) => {}
            Err(_) => {
                if let Some(unlogged) = self.late.begin(()) {
                    tracing::warn!(unlogged, "not every name server has the latest topics yet");
                }
            }
        }
    }

    async fn keep_registered(&self, server: &NameServerState) {
        let mut changes = self.changes.subscribe();
        loop {
            let change = *changes.borrow_and_update();
            let outcome = self.content.register(&server.address).await;
            server.tried.send_modify(|tried| *tried = change);
            let pause = match outcome {
                Ok(()) => {
                    if self.away.end(&server.address) {
                        tracing::info!(
                            server = server.address,
                            "registered with the name server again"
                        );
                    }
                    self.content.config.network.register_every
                }
                Err(error) => {
                    if let Some(unlogged) = self.away.begin(server.address.clone()) {
                        let server = &server.address;
                        tracing::warn!(server, %error, unlogged, "could not register with the name server");
                    }
                    REGISTER_RETRY_DELAY
                }
            };
            tokio::select! {
                more = changes.changed() => if more.is_err() { return },
                () = self.clock.sleep(pause) => {}
            }
        }
    }
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.servers.iter().map(|server| &server.address);
        f.debug_list().entries(servers).finish()
    }
}
