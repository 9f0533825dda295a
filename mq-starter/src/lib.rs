#![doc = include_str!("../README.md")]

extern crate self as mq_starter;

mod application;
mod bridge;
mod cluster_name;
pub mod config;
#[cfg(feature = "embedded")]
mod embedded;
mod ending;
mod extract;
mod listener;
mod message;
pub mod payload;
mod problem;
mod receiving;
mod state;
mod stopping;
mod template;
mod transaction;

#[doc(hidden)]
pub mod __private;

pub use application::{Application, ListenerGroup, RocketMQApplication, asked_to_stop};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedBroker;
pub use extract::{BatchParameter, FromMessage, Header, HeaderName, Headers, Json, State};
pub use listener::{
    Batch, BatchMessage, BatchOutcomes, BatchResult, ConsumeError, ConsumeFromWhere, ConsumeMode,
    ConsumeResult, Delivery, IntoBatchResult, IntoConsumeResult, MessageModel, Next, OnDecodeError,
    Origin, ReplyResult, RocketMQBatchListener, RocketMQListener, RocketMQReplyListener, Selection,
    SelectorType, UnknownName,
};
pub use message::MessageExt;
pub use mq_core::client::{
    ConsumerStatus, DeadLetter, DeadLetterError, DeadLetters, QueueStatus, ResendTo, Resent,
    SeekError, SeekTo, SentAgain,
};
pub use mq_core::message::{MessageQueue, QueueOffset};
pub use mq_macros::{
    Component, rocketmq_message_listener, rocketmq_reply_listener, rocketmq_transaction_listener,
};
pub use problem::{ApplicationError, Failure, Problem};
pub use receiving::{ReceiveError, Received};
pub use state::{AppState, Assembly, Component, FromApplication, Inject};
pub use stopping::ShutdownProblem;
pub use template::{
    BatchBuilder, BatchEntry, BatchError, MessageBuilder, RequestError, RocketMQTemplate,
    SendError, SendHandle, SendResult, SendStatus, SentPart, Target,
};

pub use transaction::{
    DeclaredTransactionListener, LocalTransactionListener, LocalTransactionState, Message,
    Transaction, TransactionError, TransactionPayload, TransactionSendResult,
};

/// What `main` returns: any error ends it, printed with its causes.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Everything a listener and its application use, in one import.
pub mod prelude {
    pub use bytes::Bytes;
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Batch, BatchOutcomes, BatchResult, Component, ConsumeError, ConsumeFromWhere, ConsumeMode,
        ConsumeResult, Header, Headers, Inject, Json, LocalTransactionListener,
        LocalTransactionState, Message, MessageExt, MessageModel, OnDecodeError, ReplyResult,
        RocketMQApplication, RocketMQBatchListener, RocketMQListener, RocketMQReplyListener,
        RocketMQTemplate, SelectorType, SendResult, State, header_name, listeners,
        rocketmq_message_listener, rocketmq_reply_listener, rocketmq_transaction_listener,
    };
}
