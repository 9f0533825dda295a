use mq_starter::prelude::*;

#[derive(Component)]
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

fn of_this_program<L: mq_starter::DeclaredTransactionListener>() {}

fn main() {
    of_this_program::<PlaceOrder>();
}
