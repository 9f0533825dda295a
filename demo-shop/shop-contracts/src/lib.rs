//! What the services say to each other: topics, and the messages in them.
#![expect(missing_docs, reason = "an application, not a library")]

mod order;
mod settings;
mod status;

pub use order::{Order, OrderTimeout};
pub use settings::ServiceSettings;
pub use status::{OrderStatus, StatusChange, UnknownStatus};

/// Orders as [`Order`], with the order's id as key: once as `NEW` when it was taken, by a transactional message,
/// and once more as `CANCELLED` when it was cancelled.
pub const ORDER_TOPIC: &str = "order-topic";

/// Orders whose time to pay is over, as [`OrderTimeout`], delayed by that time.
pub const TIMEOUT_TOPIC: &str = "order-timeout-topic";

/// Every status that an order got, as [`StatusChange`], those of one order in one queue.
pub const STATUS_TOPIC: &str = "order-status-topic";
