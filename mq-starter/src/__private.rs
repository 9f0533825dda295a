//! The only names that an expansion may use. Not for people: anything here may change.

pub use inventory;

pub use crate::cluster_name::ClusterName;
pub use crate::extract::{BatchParameter, FromMessage, batch_extractor, extractor};
pub use crate::listener::any_handler::AnyHandler;
pub use crate::listener::attributes::{Attributes, LiteralOrPlaceholder};
pub use crate::listener::batch::handler::BatchHandler;
pub use crate::listener::batch::listener::assemble_batch_struct;
pub use crate::listener::batch::outcomes::batch_result;
pub use crate::listener::declaration::{
    Declaration, DeclarationKind, MessageListener, TransactionListener,
};
pub use crate::listener::handler::Handler;
pub use crate::listener::outcome::outcome;
pub use crate::listener::reply_listener::{Replier, assemble_replying_struct, replied};
pub use crate::listener::rocketmq_listener::assemble_struct;
pub use crate::listener::{
    ConsumeError, ConsumeFromWhere, ConsumeMode, ConsumeResult, Delivery, MessageModel,
    OnDecodeError, Origin, SelectorType,
};
pub use crate::state::{AppState, Assembly, FromApplication};
pub use crate::transaction::{AnyTransactionListener, DeclaredTransactionListener};
