//! Sockets, and the way around them: requests travel to a router over TCP or, in one process,
//! straight to it. Processors do not know the difference.
//!
//! One task owns each connection; answers find their request by its opaque number.

mod error;
mod peer;
mod processor;
mod router;

pub use error::CallError;
pub use peer::{Outgoing, Peer, PeerId};
pub use processor::{Incoming, Processor};
pub use router::{Encoded, Router};
