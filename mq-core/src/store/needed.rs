//! Who has messages in the log that must not go with their segment.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;

use crate::message::PhysicalOffset;

/// Has messages in the log that wait for something, and stores them again before their segment goes.
pub trait Needed: Send + Sync + 'static {
    /// The log before `end` is to be removed. `true` when nothing in it waits. `false` keeps the segment;
    /// the question comes again some seconds later, and what waits there is to be stored again meanwhile.
    fn releases(&self, end: PhysicalOffset) -> bool;
}

/// All who are asked before a segment is removed.
#[derive(Default)]
pub(super) struct NeededList(RwLock<Vec<Arc<dyn Needed>>>);

impl NeededList {
    pub(super) fn add(&self, needed: Arc<dyn Needed>) {
        self.0.write().push(needed);
    }

    /// Whether nobody needs the log before `end`.
    pub(super) fn releases(&self, end: u64) -> bool {
        let all = self.0.read().clone();
        // Each is asked, so that all begin to store again what they need.
        let refused = all
            .iter()
            .filter(|needed| !needed.releases(PhysicalOffset(end)));
        refused.count() == 0
    }
}

impl fmt::Debug for NeededList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NeededList")
            .field(&self.0.read().len())
            .finish()
    }
}
