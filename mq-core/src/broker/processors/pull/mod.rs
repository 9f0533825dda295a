//! Pulls messages from a queue: 11 and 361 (`PullMessageProcessor`).
//!
//! Invariant: every response except a refusal has the four offsets. A pull that finds no message
//! waits at most once (long polling), and is then answered whatever it finds.

mod check;
mod processor;

pub(in crate::broker) use processor::PullProcessor;
