//! A half message keeps its segment of the log until it has ended or was stored again, as each check does.

use super::half::HALF_TOPIC;
use super::service::Transactions;
use crate::message::PhysicalOffset;
use crate::store::Needed;

impl Needed for Transactions {
    fn releases(&self, end: PhysicalOffset) -> bool {
        let store = &self.0.store;
        let behind = store.first_offset_from(HALF_TOPIC, 0, end);
        // A queue that cannot be read, or was not read so far, may have one that is open.
        behind.is_ok_and(|behind| self.0.halves.lock().progress().half >= behind)
    }
}
