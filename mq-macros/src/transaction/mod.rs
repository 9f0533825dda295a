//! `#[rocketmq_transaction_listener]`: a struct runs transactions and says how they ended.

mod expand;
mod model;

pub(crate) use expand::expand;
pub(crate) use model::TransactionModel;
