//! Give me what lies in this queue from here on: 11 and 361 (`PullMessageProcessor`).
//!
//! Invariant: every answer but a refusal carries the four offsets; a pull that finds nothing waits
//! at most once, and is then answered whatever it finds.

mod check;
mod processor;

pub(in crate::broker) use processor::PullProcessor;
