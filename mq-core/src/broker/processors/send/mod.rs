//! Stores messages: 10, 310, 320, 36 for messages that consumers send back, 324 and 325 for replies,
//! which are pushed first, and 370 for what is called back (`SendMessageProcessor`,
//! `ReplyMessageProcessor`, `RecallMessageProcessor`).
//!
//! Invariant: success is answered only after the store reports the configured durability. No thread
//! only writes: the messages of a send are written by its own task, or by that of another send whose
//! message is in the same write group. A send to an existing topic waits for nothing else. A send that
//! has to wait before its message joins a group is not overtaken by later sends of the same connection
//! to the same topic. After creating a topic, the response waits a short time for the name servers;
//! the append does not.

mod back;
mod batch;
mod prepare;
mod processor;
mod properties;
mod recall;
mod refusals;
mod reply;
mod retry;

pub(in crate::broker) use back::SendBackProcessor;
pub(in crate::broker) use processor::SendProcessor;
pub(in crate::broker) use recall::RecallProcessor;
pub(in crate::broker) use refusals::refusal;
pub(in crate::broker) use reply::ReplyProcessor;
