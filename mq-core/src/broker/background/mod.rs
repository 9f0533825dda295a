//! What the broker does without a request: it delivers delayed messages and registers with the name
//! servers.

pub(super) mod delay;
pub(super) mod registration;
