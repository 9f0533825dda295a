//! When to look whether the members of the group want the same, and which differences were told.

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::told::{Telling, Told};

/// So many differences are told; whoever has more has seen enough.
const MOST_TOLD: usize = 64;

/// Whether to look, and which differences were told.
#[derive(Debug, Default)]
pub(super) struct MixedGroup {
    pub(super) due: Notify,
    told: Mutex<Told<String, MOST_TOLD>>,
}

impl MixedGroup {
    /// Members of the group may have changed.
    pub(super) fn look(&self) {
        self.due.notify_one();
    }

    pub(super) fn is_news(&self, difference: &str) -> bool {
        self.told.lock().tell(difference.to_owned()) == Telling::News
    }
}
