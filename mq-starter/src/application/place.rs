//! Where the cluster is: in this process, or at an address.

use super::ApplicationError;
use super::Problem;
use crate::config::{NameServer, RocketMQConfig};

/// Where the cluster is.
#[derive(Debug)]
pub(crate) enum Place {
    /// Name servers, `HOST:PORT`.
    At(Vec<String>),
}

impl Place {
    /// Finds the cluster.
    pub(super) fn find(config: &RocketMQConfig) -> Result<Self, ApplicationError> {
        match &config.name_server {
            NameServer::At(addresses) => Ok(Self::At(addresses.clone())),
            NameServer::Embedded => Err(ApplicationError::Refused(vec![Problem::new(
                "settings",
                "rocketmq.name-server: is not set, and this program was built without a broker: \
                 set it to HOST:PORT, or turn on the feature `embedded` of mq-starter",
            )])),
        }
    }

    /// The addresses of the name servers.
    pub(crate) fn name_servers(&self) -> Vec<String> {
        match self {
            Self::At(addresses) => addresses.clone(),
        }
    }
}
