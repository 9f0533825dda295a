//! What the broker does by itself: delivers delayed messages, keeps the name servers told.

pub(super) mod delay;
pub(super) mod registration;
