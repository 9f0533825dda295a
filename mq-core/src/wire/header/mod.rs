//! A typed header for every request and its answer, a file per request.

mod pull_message;
mod send_message;

pub use pull_message::{LitePullMessage, PullMessage, PullMessageReply};
pub use send_message::{SendBatchMessage, SendMessage, SendMessageReply, SendMessageV1};
