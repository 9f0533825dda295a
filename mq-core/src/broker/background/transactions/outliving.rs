//! A half message that has not ended is stored again before its segment of the log goes.

use std::sync::atomic::Ordering;

use super::half::HALF_TOPIC;
use super::service::Transactions;
use crate::message::PhysicalOffset;
use crate::store::Needed;

impl Needed for Transactions {
    fn releases(&self, end: PhysicalOffset) -> bool {
        let parts = &self.0;
        let behind = parts.store.first_offset_from(HALF_TOPIC, 0, end);
        // A queue that cannot be read, or was not read so far, may have one that is open.
        if behind.is_ok_and(|behind| parts.halves.lock().progress().half >= behind) {
            return true;
        }
        parts.expiring.fetch_max(end.0, Ordering::AcqRel);
        parts.news.notify_one();
        false
    }
}
