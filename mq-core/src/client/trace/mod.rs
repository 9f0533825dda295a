//! Message trace: who sent a message, who consumed it, and how that ended (`AsyncTraceDispatcher`).
//!
//! Invariant: no message waits for its trace. A record that finds no room, or whose topic refuses it
//! or is away, is dropped and counted.

mod batch;
mod record;
mod settings;
mod tracer;

pub(super) use record::{CallOutcome, Event, MessageKind, TraceRecord, TracedMessage};
pub use settings::TraceSettings;
pub(super) use tracer::Tracer;
