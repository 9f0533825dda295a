//! A broker from its opening to its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::admit::Admit;
use super::advertised::Advertised;
use super::background::delay::{DelayService, Schedule};
use super::background::registration::Registration;
use super::config::BrokerConfig;
use super::housekeeping;
use super::parts::Parts;
use super::processors::{Clients, routes};
use super::state::delay_offsets::DelayOffsets;
use super::state::given::Given;
use super::state::groups::Groups;
use super::state::offsets::Offsets;
use super::state::peers::Peers;
use super::state::queue_locks::QueueLocks;
use super::state::topics::Topics;
use super::state::waiting::Waiting;
use super::stopping::{StopError, Stopped};
use crate::clock::Clock;
use crate::message::{QueueOffset, TopicName};
use crate::remoting::{LocalServer, PeerWatcher, RemotingClient, RemotingServer, Router};
use crate::saved_file::FileError;
use crate::store::{Arrival, MessageStore, SCHEDULE_TOPIC};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// A broker over an open store.
pub struct Broker {
    parts: Parts,
    delays: DelayService,
    router: Arc<Router>,
    clients: Arc<Clients>,
    /// What goes on whether anybody is connected or not.
    behind: Tasks,
    /// What keeps the name servers told.
    telling: Tasks,
}

impl Broker {
    /// A broker that keeps its messages in `store` and is reached at `advertised`; `client` is what
    /// it reaches name servers with.
    ///
    /// # Errors
    ///
    /// [`FileError`] when a file of `config/` cannot be read.
    pub fn open(
        config: BrokerConfig,
        store: MessageStore,
        advertised: Advertised,
        client: RemotingClient,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let config = Arc::new(config);
        let (disk, root) = (Arc::clone(store.disk()), store.config().root.clone());
        let (identity, rules) = (&config.identity, &config.rules);
        let topics = Arc::new(Topics::open(&disk, &root, identity, rules, clock.clone())?);
        let groups = Arc::new(Groups::open(&disk, &root, clock.clone())?);
        let offsets = Arc::new(Offsets::open(&disk, &root, clock.clone())?);
        let registration =
            Registration::new(&config, advertised.clone(), &topics, client, clock.clone());
        let delays = DelayService {
            store: store.clone(),
            offsets: Arc::new(DelayOffsets::open(&disk, &root, clock.clone())?),
            schedule: Arc::new(Schedule::new(&rules.delay_levels)),
            stuck: Arc::new(Troubles::new(clock.clone())),
            clock: clock.clone(),
        };
        // Nothing new is stored yet.
        let end = |topic: &str, queue| store.max_offset(topic, queue).to_wire();
        offsets.correct(end);
        delays
            .offsets
            .correct(|level| end(SCHEDULE_TOPIC, level.saturating_sub(1)));
        let parts = Parts {
            admit: Admit {
                config,
                topics,
                groups,
                registration,
            },
            advertised,
            store,
            offsets,
            peers: Arc::new(Peers::new(clock.clone())),
            locks: Arc::new(QueueLocks::new(clock.clone())),
            waiting: Arc::default(),
            delays: Arc::clone(&delays.offsets),
            given: Arc::new(Given::new(clock.clone())),
            unanswered: Arc::default(),
            unsupported: Arc::default(),
            front: Tasks::new(clock.clone()),
            clock: clock.clone(),
        };
        Ok(Self {
            router: Arc::new(routes(&parts)),
            clients: Arc::new(Clients::new(&parts)),
            delays,
            behind: Tasks::new(clock.clone()),
            telling: Tasks::new(clock),
            parts,
        })
    }

    /// Starts everything that goes on by itself, and waits a little until the name servers have
    /// heard of the broker.
    ///
    /// # Errors
    ///
    /// [`Stopped`] after [`stop`](Self::stop).
    pub async fn start(&self) -> Result<(), Stopped> {
        if self.behind.is_stopping() {
            return Err(Stopped);
        }
        let parts = &self.parts;
        // What was corrected at the start would look right again once new messages have come. An
        // error has been told already.
        drop(parts.offsets.save().await);
        drop(parts.delays.save().await);
        parts.store.on_arrival(Arc::new(Arrivals {
            waiting: Arc::clone(&parts.waiting),
            schedule: Arc::clone(&self.delays.schedule),
        }));
        parts.store.run(&self.behind);
        self.delays
            .run(&parts.admit.config.rules.delay_levels, &self.behind);
        housekeeping::save_regularly(parts, &self.behind);
        housekeeping::sweep_regularly(parts, &self.clients, &self.behind);
        parts.admit.registration.run(&self.telling);
        parts.admit.registration.first_round().await;
        Ok(())
    }

    /// Lets the clients in that `server` listens for.
    pub fn serve(&self, server: RemotingServer) {
        server.serve(Arc::clone(&self.router), self.watcher(), &self.parts.front);
    }

    /// The way in for clients of the same process.
    pub fn local(&self) -> LocalServer {
        let router = Arc::clone(&self.router);
        let Parts {
            front,
            clock,
            advertised,
            ..
        } = &self.parts;
        LocalServer::new(
            router,
            self.watcher(),
            advertised.socket,
            front,
            clock.clone(),
        )
    }

    /// Where the broker is reached.
    pub fn advertised(&self) -> &Advertised {
        &self.parts.advertised
    }

    /// How many pulls wait for a message.
    pub fn waiting_pulls(&self) -> usize {
        self.parts.waiting.count()
    }

    /// Ends in order, within `limit` for all steps that wait for others: leaves the name servers, lets requests under
    /// way end, saves, closes the store. Everything is tried, whatever fails.
    ///
    /// # Errors
    ///
    /// [`StopError`], the first of them.
    pub async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        let parts = &self.parts;
        let deadline = parts.clock.moment().plus(limit);
        let left = || deadline.since(parts.clock.moment());
        // Nobody registers again behind the farewell.
        let telling = self
            .telling
            .stop(left())
            .await
            .map_err(StopError::Unfinished);
        parts.admit.registration.unregister().await;
        let front = parts
            .front
            .stop(left())
            .await
            .map_err(StopError::Unfinished);
        let behind = self
            .behind
            .stop(left())
            .await
            .map_err(StopError::Unfinished);
        let settings = parts.admit.save_rest().await.map_err(StopError::Save);
        let offsets = parts.offsets.save().await.map_err(StopError::Save);
        let delays = self.parts.delays.save().await.map_err(StopError::Save);
        let store = parts.store.clone();
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        let closed = closed.map_or_else(
            |panic| Err(StopError::Interrupted(panic)),
            |outcome| outcome.map_err(StopError::Store),
        );
        telling
            .and(front)
            .and(behind)
            .and(settings)
            .and(offsets)
            .and(delays)
            .and(closed)
    }

    fn watcher(&self) -> Arc<dyn PeerWatcher> {
        Arc::<Clients>::clone(&self.clients)
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker")
            .field("advertised", &self.parts.advertised.text)
            .field("codes", &self.router.codes())
            .finish_non_exhaustive()
    }
}

/// Who wants to know of new messages.
struct Arrivals {
    waiting: Arc<Waiting>,
    schedule: Arc<Schedule>,
}

impl Arrival for Arrivals {
    fn arrived(&self, topic: &TopicName, queue: i32, next: QueueOffset, tag: i64, _time_ms: i64) {
        if *topic == SCHEDULE_TOPIC {
            self.schedule.arrived(queue);
        }
        self.waiting.arrived(topic, queue, next, tag);
    }
}
