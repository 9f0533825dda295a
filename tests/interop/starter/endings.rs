//! Ends each transaction as its message says, at once or when the broker asks. It may ask about those of the
//! other application, which is in the same producer group.

use mq_starter::prelude::*;
use serde_json::json;

use crate::order::Order;
use crate::report::Report;

#[derive(Component)]
#[rocketmq_transaction_listener]
pub(crate) struct Endings {
    report: Inject<Report>,
}

impl LocalTransactionListener for Endings {
    type Message = Order;
    type Arg = &'static str;

    async fn execute(&self, _: &Message<Order>, ending: &'static str) -> LocalTransactionState {
        match ending {
            "commit" => LocalTransactionState::Commit,
            "rollback" => LocalTransactionState::Rollback,
            _ => LocalTransactionState::Unknown,
        }
    }

    async fn check(&self, message: &Message<Order>) -> LocalTransactionState {
        let line = json!({ "asked": message.topic(), "order": message.payload().id });
        let asked = self.report.line(&line);
        match message.header("ending") {
            Some("commit-later") if asked.is_ok() => LocalTransactionState::Commit,
            _ => LocalTransactionState::Rollback,
        }
    }
}
