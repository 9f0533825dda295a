//! What the broker does without a request: it delivers messages that have waited, asks how transactions
//! ended and registers with the name servers.

pub(super) mod delay;
pub(super) mod delivery;
pub(super) mod registration;
pub(super) mod timer;
pub(super) mod transactions;
