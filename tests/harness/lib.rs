//! Starts what the tests need, on ports that the system picks, and waits for what shall come true.

#![expect(clippy::panic, reason = "a failure is what a test is for")]

mod broker;
mod inbox;
mod name_servers;
mod process;
mod pull;

use std::time::Duration;

pub use broker::TestBroker;
pub use inbox::Inbox;
pub use name_servers::NameServers;
pub use process::{Server, Setup};
pub use pull::pull;

use mq_core::clock::Clock;

/// Longer than anything takes that works.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits until `condition` holds.
///
/// # Panics
///
/// After half a minute, with `what` was waited for.
pub async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let clock = Clock::system();
    let begun = clock.moment();
    while !condition().await {
        let waited = clock.moment().since(begun);
        assert!(waited < PATIENCE, "not within {PATIENCE:?}: {what}");
        clock.sleep(LOOK_EVERY).await;
    }
}
