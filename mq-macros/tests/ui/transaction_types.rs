use mq_starter::prelude::*;

#[derive(Component)]
#[rocketmq_transaction_listener]
struct PlaceOrder;

impl LocalTransactionListener for PlaceOrder {
    type Message = String;
    type Arg = u32;

    async fn execute(&self, _: &Message<String>, _: u32) -> LocalTransactionState {
        LocalTransactionState::Commit
    }

    async fn check(&self, _: &Message<String>) -> LocalTransactionState {
        LocalTransactionState::Commit
    }
}

async fn place(template: RocketMQTemplate) {
    let sent = template.send_message_in_transaction::<PlaceOrder>("orders", &5, "x").await;
    drop(sent);
}

fn main() {}
