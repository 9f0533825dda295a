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
mod state;
mod stopping;
mod template;
mod transaction;

#[doc(hidden)]
pub mod __private;

pub use application::{Application, RocketMQApplication, asked_to_stop};
#[cfg(feature = "embedded")]
pub use embedded::EmbeddedBroker;
pub use extract::{FromMessage, Header, HeaderName, Headers, Json, State};
pub use listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Delivery, IntoConsumeResult, MessageModel, Next,
    OnDecodeError, Origin, ReplyResult, RocketMQListener, RocketMQReplyListener, Selection,
    SelectorType, UnknownName,
};
pub use message::MessageExt;
pub use mq_core::client::{DeadLetter, DeadLetterError, DeadLetters, ResendTo, Resent, SentAgain};
pub use mq_macros::{
    Component, rocketmq_message_listener, rocketmq_reply_listener, rocketmq_transaction_listener,
};
pub use problem::{ApplicationError, Failure, Problem};
pub use state::{AppState, Assembly, Component, FromApplication, Inject};
pub use stopping::ShutdownProblem;
pub use template::{
    MessageBuilder, RequestError, RocketMQTemplate, SendError, SendHandle, SendResult, SendStatus,
};

pub use transaction::{
    DeclaredTransactionListener, LocalTransactionListener, LocalTransactionState, Message,
    Transaction, TransactionError, TransactionSendResult,
};

/// What `main` returns: any error ends it, printed with its causes.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Everything a listener and its application use, in one import.
pub mod prelude {
    pub use bytes::Bytes;
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Component, ConsumeError, ConsumeMode, ConsumeResult, Header, Headers, Inject, Json,
        LocalTransactionListener, LocalTransactionState, Message, MessageExt, MessageModel,
        OnDecodeError, ReplyResult, RocketMQApplication, RocketMQListener, RocketMQReplyListener,
        RocketMQTemplate, SelectorType, SendResult, State, header_name, listeners,
        rocketmq_message_listener, rocketmq_reply_listener, rocketmq_transaction_listener,
    };
}
