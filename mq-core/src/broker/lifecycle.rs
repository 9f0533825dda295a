//! A broker from its opening to its end.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::admit::Admit;
use super::advertised::Advertised;
use super::background::delay::{DelayService, Leaving, Schedule};
use super::background::delivery::Targets;
use super::background::registration::Registration;
use super::background::timer::{Renewal, TimerService, TimerTable};
use super::background::transactions::{Transactions, TransactionsOf};
use super::config::BrokerConfig;
use super::housekeeping;
use super::parts::Parts;
use super::processors::{Clients, routes};
use super::state::delay_offsets::DelayOffsets;
use super::state::delivery_statistics::DeliveryStatistics;
use super::state::groups::Groups;
use super::state::live_rules::LiveRules;
use super::state::offsets::Offsets;
use super::state::peers::Peers;
use super::state::queue_locks::QueueLocks;
use super::state::topics::Topics;
use super::state::waiting::WaitingPulls;
use crate::clock::Clock;
use crate::message::{QueueOffset, TopicName};
use crate::remoting::{LocalServer, PeerWatcher, RemotingClient, RemotingServer, Router};
use crate::saved_file::FileError;
use crate::stopping::{StopError, StopProblem};
use crate::store::{Arrival, MessageStore, SCHEDULE_TOPIC, TIMER_TOPIC};
use crate::tasks::{Tasks, Unfinished};
use crate::troubles::Troubles;

/// A broker over an open store.
pub struct Broker {
    parts: Parts,
    delays: DelayService,
    timers: TimerService,
    renewal: Arc<Renewal>,
    router: Arc<Router>,
    clients: Arc<Clients>,
    /// What goes on whether anybody is connected or not.
    behind: Tasks,
    /// What keeps the name servers told.
    telling: Tasks,
}

impl Broker {
    /// Starts a broker that keeps its messages in `store` and is reached at `advertised`; `client` is
    /// what it reaches name servers with. Waits a little until the name servers have heard of it.
    ///
    /// # Errors
    ///
    /// [`FileError`] when a file of `config/` cannot be read; nothing was started then.
    pub async fn start(
        config: BrokerConfig,
        store: MessageStore,
        advertised: Advertised,
        client: RemotingClient,
        clock: Clock,
    ) -> Result<Self, FileError> {
        let broker = Self::open(config, store, advertised, client, clock)?;
        broker.run().await;
        Ok(broker)
    }

    fn open(
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
        let live = Arc::new(LiveRules::new(rules, clock.clone()));
        let registration = Registration::new(
            &config,
            &live,
            advertised.clone(),
            &topics,
            client,
            clock.clone(),
        );
        let targets = Targets(Arc::clone(&topics));
        let delay_offsets = Arc::new(DelayOffsets::open(&disk, &root, clock.clone())?);
        // Nothing new is stored yet.
        let end = |topic: &str, queue| store.max_offset(topic, queue).to_wire();
        delay_offsets.correct(|level| end(SCHEDULE_TOPIC, level.saturating_sub(1)));
        offsets.correct(end);
        let schedule = Schedule::new(&rules.delay_levels, &store, &delay_offsets);
        let delays = DelayService {
            store: store.clone(),
            offsets: delay_offsets,
            schedule: Arc::new(schedule),
            stuck: Arc::new(Troubles::new(clock.clone())),
            targets: targets.clone(),
            clock: clock.clone(),
        };
        let timers = TimerService::open(&store, targets, &clock)?;
        let renewal = Arc::new(Renewal::new(&store, timers.table(), &clock));
        let peers = Arc::new(Peers::new(clock.clone()));
        let front = Tasks::new(clock.clone());
        let transactions = Transactions::of(TransactionsOf {
            rules: rules.transactions,
            store: &store,
            offsets: &offsets,
            topics: &topics,
            peers: &peers,
            store_host: advertised.socket,
            tasks: &front,
            clock: &clock,
        });
        let parts = Parts {
            admit: Admit {
                config,
                rules: live,
                topics,
                groups,
                registration,
            },
            advertised,
            store,
            offsets,
            peers,
            locks: Arc::new(QueueLocks::new(clock.clone())),
            waiting: Arc::default(),
            delays: Arc::clone(&delays.offsets),
            timers: Arc::clone(timers.table()),
            transactions,
            deliveries: Arc::new(DeliveryStatistics::new(clock.clone())),
            unanswered: Arc::default(),
            unsupported: Arc::default(),
            front,
            clock: clock.clone(),
        };
        Ok(Self {
            router: Arc::new(routes(&parts)),
            clients: Arc::new(Clients::new(&parts)),
            delays,
            timers,
            renewal,
            behind: Tasks::new(clock.clone()),
            telling: Tasks::new(clock),
            parts,
        })
    }

    /// Starts everything that goes on by itself.
    async fn run(&self) {
        let parts = &self.parts;
        // What was corrected at the start would look right again once new messages have come. An
        // error has been told already.
        drop(parts.offsets.save().await);
        drop(parts.delays.save(parts.store.sync()).await);
        parts.store.on_arrival(Arc::new(Arrivals {
            waiting: Arc::clone(&parts.waiting),
            schedule: Arc::clone(&self.delays.schedule),
            timers: Arc::clone(self.timers.table()),
            transactions: parts.transactions.clone(),
        }));
        parts
            .store
            .ask_before_removal(Arc::<Renewal>::clone(&self.renewal));
        parts.store.ask_before_removal(Arc::new(Leaving {
            store: parts.store.clone(),
            schedule: Arc::clone(&self.delays.schedule),
            offsets: Arc::clone(&parts.delays),
        }));
        parts
            .store
            .ask_before_removal(Arc::new(parts.transactions.clone()));
        parts.store.run(&self.behind);
        self.delays
            .run(&parts.admit.config.rules.delay_levels, &self.behind);
        self.timers.run(&self.behind);
        self.renewal.run(&self.behind);
        parts.transactions.run(&self.behind);
        housekeeping::save_regularly(parts, &self.behind);
        housekeeping::sweep_regularly(parts, &self.clients, &self.behind);
        parts.admit.registration.run(&self.telling);
        parts.admit.registration.first_round().await;
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
    /// [`StopError`] has all that did not end as it should.
    pub async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        let parts = &self.parts;
        let deadline = parts.clock.moment().plus(limit);
        let left = || deadline.since(parts.clock.moment());
        let mut problems = Vec::new();
        // First what registers: it would register again after the broker has left the name servers.
        problems.extend(late(self.telling.stop(left()).await));
        parts.admit.registration.unregister().await;
        problems.extend(late(parts.front.stop(left()).await));
        problems.extend(late(self.behind.stop(left()).await));
        let mut unsaved = parts.admit.save_pending().await;
        unsaved.extend(parts.offsets.save().await.err());
        unsaved.extend(parts.delays.save(parts.store.sync()).await.err());
        problems.extend(unsaved.into_iter().map(StopProblem::Save));
        problems.extend(self.timers.save().await.err());
        problems.extend(close(parts.store.clone()).await.err());
        StopError::of(problems)
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

fn late(stopped: Result<(), Unfinished>) -> Option<StopProblem> {
    StopProblem::late("broker", stopped)
}

/// Closes the store; closing waits for the disk, so it does not run on an async thread.
async fn close(store: MessageStore) -> Result<(), StopProblem> {
    match tokio::task::spawn_blocking(move || store.close()).await {
        Ok(closed) => closed.map_err(|error| StopProblem::Store(error.into())),
        Err(panic) => Err(StopProblem::Interrupted(panic)),
    }
}

/// Who wants to know of new messages.
struct Arrivals {
    waiting: Arc<WaitingPulls>,
    schedule: Arc<Schedule>,
    timers: Arc<TimerTable>,
    transactions: Transactions,
}

impl Arrival for Arrivals {
    fn arrived(&self, topic: &TopicName, queue: i32, next: QueueOffset, tag: i64, _time_ms: i64) {
        if *topic == SCHEDULE_TOPIC {
            self.schedule.arrived(queue);
        }
        if *topic == TIMER_TOPIC
            && let Some(offset) = next.0.checked_sub(1)
        {
            self.timers.arrived(offset, tag);
        }
        self.transactions.arrived(topic);
        self.waiting.arrived(topic, queue, next, tag);
    }
}
