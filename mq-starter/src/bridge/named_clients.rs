//! Clients with an instance name of their own, which listeners and the pull consumer may ask for.

use std::collections::BTreeMap;

use mq_core::client::Client;
use mq_core::clock::Clock;
use parking_lot::Mutex;

use super::location::ClusterLocation;
use crate::ending::Ending;
use crate::problem::ApplicationError;
use crate::stopping::ShutdownProblem;

/// The clients of a cluster by instance name. Whoever asks for one name gets one client, as in Java.
#[derive(Debug, Default)]
pub(super) struct NamedClients(Mutex<BTreeMap<String, Client>>);

impl NamedClients {
    /// The client of this name, which is made when it is asked for first.
    pub(super) fn get(
        &self,
        name: &str,
        location: &ClusterLocation,
        clock: &Clock,
    ) -> Result<Client, ApplicationError> {
        let mut clients = self.0.lock();
        if let Some(client) = clients.get(name) {
            return Ok(client.clone());
        }
        let client = location.client(Some(name), clock)?;
        clients.insert(name.to_owned(), client.clone());
        Ok(client)
    }

    /// Ends their connections; gives what did not end as it should.
    pub(super) async fn stop(&self, ending: &Ending) -> Vec<ShutdownProblem> {
        let clients = std::mem::take(&mut *self.0.lock());
        let mut problems = Vec::new();
        for client in clients.into_values() {
            let stopped = client.shutdown(ending.left()).await;
            problems.extend(ShutdownProblem::tasks(stopped, None));
        }
        problems
    }
}
