//! The administrator itself.

use std::fmt;
use std::sync::Arc;

use crate::client::cluster::ClusterClient;

/// An administrator of a cluster; see [`Client::admin`](crate::client::Client::admin).
///
/// ```no_run
/// # use mq_core::{client::*, message::*};
/// # async fn example(client: Client) -> Result<(), AdminError> {
/// let admin = client.admin();
/// for group in admin.groups().await?.value {
///     println!("{} lags {} messages behind", group.name, group.lag);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Admin {
    pub(super) cluster: Arc<ClusterClient>,
    /// The cluster whose brokers are asked; `None`: those of all clusters that the name server knows.
    pub(super) only: Option<String>,
}

impl Admin {
    pub(in crate::client) fn of(cluster: &Arc<ClusterClient>) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            only: None,
        }
    }

    /// The same for the brokers of the cluster `name` only.
    #[must_use]
    pub fn of_cluster(self, name: impl Into<String>) -> Self {
        Self {
            only: Some(name.into()),
            ..self
        }
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admin")
            .field("only", &self.only)
            .finish_non_exhaustive()
    }
}
