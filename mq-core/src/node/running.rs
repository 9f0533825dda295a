//! A node that runs, and its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::broker::Broker;
use crate::clock::Clock;
use crate::namesrv::NameServer;
use crate::remoting::{Listening, LocalServer};
use crate::stopping::{StopError, StopProblem};
use crate::tasks::Tasks;

/// A name server, a broker, or both, that run until they are [stopped](Self::stop).
#[derive(Debug)]
pub struct Node {
    name_server: Option<RunningNameServer>,
    broker: Option<RunningBroker>,
    stopped: AtomicBool,
    clock: Clock,
}

#[derive(Debug)]
pub(super) struct RunningNameServer {
    pub(super) server: NameServer,
    pub(super) listening: Option<Listening>,
    /// What clients of this process call it.
    pub(super) name: String,
}

#[derive(Debug)]
pub(super) struct RunningBroker {
    pub(super) broker: Broker,
    /// The broker's connections to name servers.
    pub(super) outward: Tasks,
}

impl Node {
    pub(super) fn new(
        name_server: Option<RunningNameServer>,
        broker: Option<RunningBroker>,
        clock: Clock,
    ) -> Self {
        Self {
            name_server,
            broker,
            stopped: AtomicBool::new(false),
            clock,
        }
    }

    /// Where its name server listens; `None` when it has none, or none that listens.
    pub fn name_server(&self) -> Option<Listening> {
        self.name_server.as_ref()?.listening
    }

    /// Its broker.
    pub fn broker(&self) -> Option<&Broker> {
        self.broker.as_ref().map(|running| &running.broker)
    }

    /// What its time is taken from.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The ways to its servers without a socket, the name server's first, each with the address under
    /// which clients of this process know the server: for
    /// [`RemotingClient::attach`](crate::remoting::RemotingClient::attach).
    pub fn within(&self) -> impl Iterator<Item = (&str, LocalServer)> {
        let name_server = self.name_server.iter();
        let name_server =
            name_server.map(|running| (&*running.name, running.server.local().clone()));
        let broker = self.broker();
        name_server.chain(broker.map(|broker| (&*broker.advertised().text, broker.local())))
    }

    /// Whether [`stop`](Self::stop) was called.
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// Stops it, the broker first, which takes its leave of the name server: requests under way end,
    /// everything is saved, the store is closed; at most `limit` for all that is waited for. It does
    /// not start again; a second call does nothing.
    ///
    /// # Errors
    ///
    /// [`StopError`] has all that did not end as it should.
    pub async fn stop(&self, limit: Duration) -> Result<(), StopError> {
        if self.stopped.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let deadline = self.clock.moment().plus(limit);
        let left = || deadline.since(self.clock.moment());
        let mut problems = Vec::new();
        if let Some(RunningBroker { broker, outward }) = &self.broker {
            let stopped = broker.stop(left()).await;
            problems.extend(stopped.err().into_iter().flat_map(StopError::into_problems));
            problems.extend(StopProblem::late("broker", outward.stop(left()).await));
        }
        if let Some(RunningNameServer { server, .. }) = &self.name_server {
            let stopped = server.stop(left()).await;
            problems.extend(stopped.err().into_iter().flat_map(StopError::into_problems));
        }
        StopError::of(problems)
    }
}
