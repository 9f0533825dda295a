//! Tells the name servers which topics are here (`BrokerOuterAPI`).
//!
//! Invariant: each name server has a task of its own, so that one which is away neither delays nor
//! spoils the others; it is tried again soon, and hears everything when it is back.

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
use crate::broker::state::topics::Topics;
use crate::clock::Clock;
use crate::remoting::{CallError, RemotingClient};
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::body::{RegisterBrokerBody, body_checksum};
use crate::wire::header::{RegisterBroker, UnregisterBroker};

/// How long a name server may take (`registerBrokerTimeoutMills` is longer; nobody waits for it).
const LIMIT: Duration = Duration::from_secs(6);
/// A name server that did not answer is tried again after this.
const AGAIN: Duration = Duration::from_secs(2);
/// The answer to a send that made its topic waits for the name servers so long.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a name server may take when the broker leaves.
const FAREWELL: Duration = Duration::from_secs(2);

/// What name servers are told.
#[derive(Debug)]
struct Notice {
    config: Arc<BrokerConfig>,
    advertised: Advertised,
    topics: Arc<Topics>,
    client: RemotingClient,
}

impl Notice {
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
            .call(server, header, body, LIMIT)
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
            .call(server, header, Bytes::new(), FAREWELL)
            .await
            .map(|_| ())
    }

    /// All topics, none of them with more rights than the broker has.
    fn body(&self) -> Bytes {
        let mut topics = self.topics.to_body();
        let permission = i32::try_from(self.config.rules.permission).unwrap_or(0);
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

/// One name server, and up to which change it was told, successfully or not.
struct Server {
    address: String,
    told: watch::Sender<u64>,
}

/// The name servers and what they are told.
pub(in crate::broker) struct Registration {
    notice: Notice,
    servers: Vec<Arc<Server>>,
    changes: watch::Sender<u64>,
    /// A name server does not hear of new topics at once.
    late: Troubles<()>,
    /// Name servers that do not answer.
    away: Troubles<String>,
    clock: Clock,
}

impl Registration {
    pub(in crate::broker) fn new(
        config: &Arc<BrokerConfig>,
        advertised: Advertised,
        topics: &Arc<Topics>,
        client: RemotingClient,
        clock: Clock,
    ) -> Arc<Self> {
        let server = |address: &String| {
            Arc::new(Server {
                address: address.clone(),
                told: watch::Sender::new(0),
            })
        };
        Arc::new(Self {
            servers: config.network.name_servers.iter().map(server).collect(),
            notice: Notice {
                config: Arc::clone(config),
                advertised,
                topics: Arc::clone(topics),
                client,
            },
            // The first round counts as the first change.
            changes: watch::Sender::new(1),
            late: Troubles::new(clock.clone()),
            away: Troubles::new(clock.clone()),
            clock,
        })
    }

    /// Registers with every name server now and again and again, until the owner stops.
    pub(in crate::broker) fn run(self: &Arc<Self>, tasks: &Tasks) {
        for server in &self.servers {
            let (this, server) = (Arc::clone(self), Arc::clone(server));
            tasks.spawn_until_stop("registration", async move { this.keep_told(&server).await });
        }
    }

    /// Lets all name servers be told of a change.
    pub(in crate::broker) fn announce(&self) {
        self.changes.send_modify(|changes| *changes += 1);
    }

    /// The latest change that was announced, whether anybody has heard of it or not.
    pub(in crate::broker) fn latest(&self) -> u64 {
        *self.changes.borrow()
    }

    /// Waits a little until all name servers have heard of what was announced after `before` and up
    /// to this call. Ready at once when nothing was.
    pub(in crate::broker) fn heard_since(&self, before: u64) -> impl Future<Output = ()> {
        let latest = self.latest();
        async move {
            if latest > before {
                self.wait_until_told(latest).await;
            }
        }
    }

    /// Waits a little until all name servers have been tried once.
    pub(in crate::broker) async fn first_round(&self) {
        self.wait_until_told(1).await;
    }

    /// Tells all name servers that the broker leaves.
    pub(in crate::broker) async fn unregister(&self) {
        let farewells = self.servers.iter().map(async |server| {
            if let Err(error) = self.notice.unregister(&server.address).await {
                tracing::debug!(server = server.address, %error, "could not take leave");
            }
        });
        join_all(farewells).await;
    }

    async fn wait_until_told(&self, change: u64) {
        let told = self.servers.iter().map(async |server| {
            let mut told = server.told.subscribe();
            // The sender lives as long as `self`.
            told.wait_for(|told| *told >= change).await.is_ok()
        });
        match self.clock.timeout(PATIENCE, join_all(told)).await {
            Ok(_) if self.late.end(&()) => {
                tracing::info!("every name server has heard of the latest topics");
            }
            Ok(_) => {}
            Err(_) => {
                if let Some(untold) = self.late.begin(()) {
                    tracing::warn!(
                        untold,
                        "not every name server has heard of the latest topics yet"
                    );
                }
            }
        }
    }

    async fn keep_told(&self, server: &Server) {
        let mut changes = self.changes.subscribe();
        loop {
            let change = *changes.borrow_and_update();
            let outcome = self.notice.register(&server.address).await;
            server.told.send_modify(|told| *told = change);
            let pause = match outcome {
                Ok(()) => {
                    if self.away.end(&server.address) {
                        tracing::info!(server = server.address, "the name server is back");
                    }
                    self.notice.config.network.register_every
                }
                Err(error) => {
                    if let Some(untold) = self.away.begin(server.address.clone()) {
                        let server = &server.address;
                        tracing::warn!(server, %error, untold, "could not register");
                    }
                    AGAIN
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
