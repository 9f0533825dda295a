use mq_starter::prelude::*;

#[rocketmq_transaction_listener]
async fn place(_order: String) -> LocalTransactionState {
    LocalTransactionState::Commit
}

#[rocketmq_transaction_listener]
struct Generic<T>(T);

fn main() {}
