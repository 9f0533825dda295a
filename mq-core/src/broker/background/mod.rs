//! What the broker does without a request: it delivers delayed messages, asks how transactions ended and
//! registers with the name servers.

pub(super) mod delay;
pub(super) mod registration;
pub(super) mod transactions;
