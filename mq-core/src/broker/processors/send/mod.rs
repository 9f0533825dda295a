//! A message wants to be stored: 10, 310 and 320 (`SendMessageProcessor`).
//!
//! Invariant: the append happens on the caller's task; nobody hears "ok" before the store says that
//! the message is as durable as promised. For a topic that exists nothing else is waited for; what
//! has to wait before the append lets no later send of its connection to the same topic pass. The
//! answer to a send that made its topic waits a little for the name servers; the append does not.

mod back;
mod batch;
mod order;
mod prepare;
mod processor;
mod properties;
mod refusals;
mod retry;
mod room;

pub(in crate::broker) use back::SendBackProcessor;
pub(in crate::broker) use processor::SendProcessor;
