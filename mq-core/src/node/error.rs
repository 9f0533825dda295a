//! Why a node did not start.

use tokio::task::JoinError;

use crate::broker::AdvertiseError;
use crate::remoting::BindError;
use crate::saved_file::FileError;
use crate::store::StoreError;

/// Why a node did not start; what had been started by then was stopped again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NodeError {
    /// The name server's address cannot be listened on.
    #[error("the name server cannot listen: {0}")]
    NameServerAddress(#[source] BindError),
    /// What people left with the name server cannot be read.
    #[error("the name server cannot read its key-value table: {0}")]
    KvConfig(#[source] FileError),
    /// The broker's address cannot be listened on.
    #[error(transparent)]
    BrokerAddress(BindError),
    /// The address that the broker is to tell others does not lead to it.
    #[error(transparent)]
    Advertise(AdvertiseError),
    /// The store does not open.
    #[error(transparent)]
    Store(StoreError),
    /// A file of the broker's `config/` cannot be read.
    #[error(transparent)]
    Config(FileError),
    /// Opening the store was cut short, by a panic or because the runtime ends.
    #[error("opening the store was cut short: {0}")]
    Interrupted(#[source] JoinError),
}
