//! What goes wrong at present: people hear of it when it begins and when it is over, not each
//! time in between.

use std::borrow::Borrow;
use std::collections::BTreeSet;

use parking_lot::Mutex;

#[derive(Debug)]
pub(super) struct Troubles<K>(Mutex<BTreeSet<K>>);

impl<K> Default for Troubles<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Ord> Troubles<K> {
    /// `what` goes wrong; whether that is news.
    pub(super) fn begin(&self, what: K) -> bool {
        self.0.lock().insert(what)
    }

    /// `what` is well; whether that is news.
    pub(super) fn end<Q: Ord + ?Sized>(&self, what: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.0.lock().remove(what)
    }
}
