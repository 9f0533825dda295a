//! An application that is built: it sends, listens once started, and stops in order.
//!
//! Stopping, with one deadline for the whole: no new messages and requests, what was taken is finished
//! and its offsets are committed, sends in the background end, the client closes, and last the
//! broker, when it is this application's own.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use mq_core::client::DeadLetters;
use mq_core::clock::Clock;
use mq_core::message::GroupName;
use mq_core::tasks::Tasks;
use parking_lot::Mutex;

use super::checked::CheckedApplication;
use super::listener_group::ListenerGroup;
use super::signal::asked_to_stop;
use crate::bridge::{ClusterLocation, JoinedCluster, RunningConsumer, RunningReceiver};
use crate::cluster_name::ClusterName;
use crate::config::Settings;
use crate::ending::Ending;
use crate::listener::Plan;
use crate::problem::ApplicationError;
use crate::state::AppState;
use crate::stopping::ShutdownProblem;
use crate::template::RocketMQTemplate;

/// An application that is connected and can send; it listens once it is started.
pub struct Application {
    settings: Arc<Settings>,
    state: AppState,
    template: RocketMQTemplate,
    plan: Plan,
    /// None when `rocketmq.enabled` is false.
    clusters: BTreeMap<ClusterName, JoinedCluster>,
    consuming: tokio::sync::Mutex<Vec<RunningConsumer>>,
    /// The pull consumer of the template.
    receiving: Mutex<Option<RunningReceiver>>,
    stopped: AtomicBool,
    /// How long everything together may take to end.
    shutdown_timeout: Duration,
    tasks: Tasks,
    clock: Clock,
}

impl Application {
    pub(super) async fn connect(
        checked: CheckedApplication,
        location: Option<ClusterLocation>,
        clock: Clock,
        tasks: Tasks,
    ) -> Result<Self, ApplicationError> {
        let CheckedApplication { config, group, .. } = &checked;
        let mut clusters = BTreeMap::new();
        let mut receiving = None;
        if let Some(location) = location {
            let cluster = JoinedCluster::connect(location, config, group, &clock).await?;
            let transactions = &checked.plan.transactions;
            checked.producer.open(cluster.producer(), transactions);
            if !transactions.is_empty() {
                cluster.producer().answer_checks(transactions.clone());
            }
            cluster.declare(config, &tasks).await?;
            if let Some(settings) = &config.pull_consumer {
                let running = cluster.receive(settings).await?;
                checked.receiver.open(running.consumer());
                receiving = Some(running);
            }
            clusters.insert(ClusterName::DEFAULT, cluster);
        }
        Ok(Self {
            shutdown_timeout: checked.config.shutdown_timeout,
            settings: checked.settings,
            state: checked.state,
            template: checked.template,
            plan: checked.plan,
            clusters,
            consuming: tokio::sync::Mutex::default(),
            receiving: Mutex::new(receiving),
            stopped: AtomicBool::new(false),
            tasks,
            clock,
        })
    }

    /// What the application provides; also the state of an axum router.
    pub fn state(&self) -> AppState {
        self.state.clone()
    }

    /// Sends messages.
    pub fn template(&self) -> &RocketMQTemplate {
        &self.template
    }

    /// The dead letters of a group: a web page can list them and send them again, also when the broker
    /// runs in this process and has no port for `mq dlq`.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Cluster`] when no group may be called `group`, or when there is no cluster
    /// because `rocketmq.enabled` is false.
    pub fn dead_letters(&self, group: &str) -> Result<DeadLetters, ApplicationError> {
        let none = |source| ApplicationError::Cluster {
            action: format!("look for the dead letters of group `{group}`"),
            source,
        };
        let name = GroupName::new(group.to_owned()).map_err(|error| none(error.into()))?;
        let cluster = self.clusters.get(&ClusterName::DEFAULT);
        let cluster = cluster.ok_or_else(|| none("`rocketmq.enabled` is false".into()))?;
        Ok(cluster.dead_letters(name))
    }

    /// The settings of every source.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The names of all listeners, ordered by group: for a test that asserts that none is missing.
    pub fn listeners(&self) -> Vec<&'static str> {
        self.plan.names()
    }

    /// The running listeners of a group; `None` when the application has none, or has not started them.
    pub async fn listener_group(&self, group: &str) -> Option<ListenerGroup> {
        let consuming = self.consuming.lock().await;
        let mut consumers = consuming.iter().map(RunningConsumer::consumer);
        let consumer = consumers.find(|consumer| consumer.group().as_str() == group);
        consumer.map(ListenerGroup::new)
    }

    /// Starts the listeners. A second call does nothing, except that after an error it starts those
    /// that are missing.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Cluster`] when a consumer cannot start, [`ApplicationError::ShutDown`]
    /// after [`shutdown`](Self::shutdown).
    pub async fn start(&self) -> Result<(), ApplicationError> {
        let mut consuming = self.consuming.lock().await;
        // Looked at under the lock, which `shutdown` takes after it has set the mark: what is
        // started here is stopped there.
        if self.stopped.load(Ordering::Relaxed) {
            return Err(ApplicationError::ShutDown("the application"));
        }
        let started = consuming.len();
        for consumer in self.plan.consumers.iter().skip(started) {
            if let Some(cluster) = self.clusters.get(&consumer.cluster) {
                consuming.push(cluster.consume(consumer, &self.state).await?);
            }
        }
        Ok(())
    }

    /// Starts the listeners and runs until Ctrl-C or SIGTERM.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) and [`shutdown`](Self::shutdown).
    pub async fn run(&self) -> Result<(), ApplicationError> {
        self.run_until(asked_to_stop()).await
    }

    /// Starts the listeners and runs until `stop` resolves.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start) and [`shutdown`](Self::shutdown).
    pub async fn run_until(&self, stop: impl Future<Output = ()>) -> Result<(), ApplicationError> {
        let started = self.start().await;
        if started.is_ok() {
            stop.await;
        }
        first_of(started, self.shutdown().await)
    }

    /// Stops: listeners finish what they have, offsets are committed, sends end, connections close,
    /// and the broker in the process, when it is this application's own. A second call does nothing.
    ///
    /// All this has the time of `rocketmq.shutdown-timeout`, and listeners four fifths of it. An
    /// async listener that has not ended then is dropped where it awaits. Its message comes again.
    ///
    /// # Errors
    ///
    /// [`ApplicationError::Stop`] lists what did not end in time: which listener has had which message
    /// for how long.
    pub async fn shutdown(&self) -> Result<(), ApplicationError> {
        let ending = self.begin_ending();
        let nothing = std::future::ready(((), Vec::new()));
        let ((), stopped) = self.end(&ending, nothing).await;
        stopped
    }

    /// The deadline for the whole shutdown, counted from now.
    pub(super) fn begin_ending(&self) -> Ending {
        Ending::begin(&self.clock, self.shutdown_timeout)
    }

    #[cfg(feature = "axum")]
    pub(super) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Stops the listeners while `requests` end, and then everything that both may send with.
    pub(super) async fn end<T>(
        &self,
        ending: &Ending,
        requests: impl Future<Output = (T, Vec<ShutdownProblem>)>,
    ) -> (T, Result<(), ApplicationError>) {
        let (ended, problems) = if self.stopped.swap(true, Ordering::Relaxed) {
            requests.await
        } else {
            let ((ended, mut problems), listeners) =
                tokio::join!(requests, self.stop_listening(ending));
            problems.extend(listeners);
            problems.extend(self.close(ending).await);
            (ended, problems)
        };
        let stopped = if problems.is_empty() {
            Ok(())
        } else {
            Err(ApplicationError::Stop(problems))
        };
        (ended, stopped)
    }

    /// Stops the listeners and the template's receiving; gives what did not end in time.
    async fn stop_listening(&self, ending: &Ending) -> Vec<ShutdownProblem> {
        let consuming = std::mem::take(&mut *self.consuming.lock().await);
        let stopped = consuming.into_iter().map(|one| one.stop(ending));
        let receiving = self.receiving.lock().take();
        let received = async {
            match receiving {
                Some(running) => running.stop(ending).await,
                None => Vec::new(),
            }
        };
        let (stopped, received) = tokio::join!(join_all(stopped), received);
        stopped.into_iter().flatten().chain(received).collect()
    }

    /// Ends sends in the background, connections, and the broker when it is our own; gives what did
    /// not end as it should.
    async fn close(&self, ending: &Ending) -> Vec<ShutdownProblem> {
        let stopped = self.tasks.stop(ending.left()).await;
        let mut problems: Vec<_> = ShutdownProblem::tasks(stopped, None).collect();
        let stopped = self.clusters.values().map(|cluster| cluster.stop(ending));
        problems.extend(join_all(stopped).await.into_iter().flatten());
        problems
    }
}

/// The error that ended an application, or else the errors of shutting it down. When there are both,
/// those of shutting down are logged, because the other says why the application ends.
pub(super) fn first_of(
    ran: Result<(), ApplicationError>,
    stopped: Result<(), ApplicationError>,
) -> Result<(), ApplicationError> {
    if let (Err(_), Err(stopped)) = (&ran, &stopped) {
        tracing::error!("{stopped}");
    }
    ran.and(stopped)
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("listeners", &self.listeners())
            .finish_non_exhaustive()
    }
}
