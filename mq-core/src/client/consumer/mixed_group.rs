//! When to compare the subscriptions of the group's members, and which differences were logged.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::log_once::{LogDecision, LogOnce};

/// The most differences that are logged.
const MAX_LOGGED_DIFFERENCES: usize = 64;

/// When to compare, and which differences were logged.
#[derive(Debug, Default)]
pub(super) struct SubscriptionCheck {
    pub(super) due: Notify,
    logged: Mutex<LogOnce<String, MAX_LOGGED_DIFFERENCES>>,
}

impl SubscriptionCheck {
    /// Requests a comparison, because members may have changed.
    pub(super) fn request(&self) {
        self.due.notify_one();
    }

    pub(super) fn is_new(&self, difference: &str) -> bool {
        self.logged.lock().decide(difference.to_owned()) == LogDecision::First
    }
}
