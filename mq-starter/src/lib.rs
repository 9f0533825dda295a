//! Listeners by annotation, a template to send with, settings in a file.

extern crate self as mq_starter;

mod application;
pub mod config;
mod extract;
mod listener;
mod message;
pub mod payload;
mod state;

#[doc(hidden)]
pub mod __private;

pub use application::{Failure, Problem, StartError};
pub use extract::{FromMessage, Header, HeaderName, Headers, Json, State};
pub use listener::{
    ConsumeError, ConsumeMode, ConsumeResult, Delivery, IntoConsumeResult, MessageModel, Next,
    Origin, RocketMQListener, Selection, SelectorType, UnknownName,
};
pub use message::MessageExt;
pub use mq_macros::{Component, rocketmq_message_listener};
pub use state::{AppState, Assembly, Component, FromApplication, Inject};

/// What `main` returns: any error ends it, printed with its causes.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Everything a listener and its application use, in one import.
pub mod prelude {
    pub use bytes::Bytes;
    pub use serde::{Deserialize, Serialize};

    pub use crate::{
        Component, ConsumeError, ConsumeMode, ConsumeResult, Header, Headers, Inject, Json,
        MessageExt, MessageModel, RocketMQListener, SelectorType, State, header_name, listeners,
        rocketmq_message_listener,
    };
}
