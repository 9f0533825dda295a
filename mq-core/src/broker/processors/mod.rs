//! What the broker answers: a processor for each kind of request.

mod admin;
mod beginning;
mod clients;
mod locking;
mod positions;
mod pull;
mod routes;
mod send;
mod transactions;

pub(super) use clients::Clients;
pub(super) use routes::routes;
