//! The only names that an expansion may use. Not for people: anything here may change.

pub use inventory;

pub use crate::cluster_name::ClusterName;
pub use crate::extract::{FromMessage, extractor};
pub use crate::listener::attributes::{Attributes, LiteralOrPlaceholder};
pub use crate::listener::declaration::{
    Declaration, DeclarationKind, MessageListener, TransactionListener,
};
pub use crate::listener::handler::Handler;
pub use crate::listener::outcome::outcome;
pub use crate::listener::reply_listener::{Replier, assemble_replying_struct, replied};
pub use crate::listener::rocketmq_listener::assemble_struct;
pub use crate::listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Delivery, MessageModel, OnDecodeError, Origin,
    SelectorType,
};
pub use crate::state::{Assembly, FromApplication};
pub use crate::transaction::{AnyTransactionListener, DeclaredTransactionListener};
