//! A listener that keeps what it hears.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use mq_core::client::{ConcurrentListener, Outcome};
use mq_core::message::MessageExt;

/// A listener that keeps what it hears. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Inbox(Arc<Mutex<Vec<String>>>);

impl Inbox {
    /// The bodies, as text, in the order in which they came.
    ///
    /// # Panics
    ///
    /// When a test with the same inbox has panicked.
    pub fn bodies(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics here").clone()
    }

    /// The bodies without repetitions.
    pub fn distinct(&self) -> BTreeSet<String> {
        self.bodies().into_iter().collect()
    }
}

impl ConcurrentListener for Inbox {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let mut bodies = self.0.lock().expect("nobody panics here");
        for message in &batch {
            bodies.push(String::from_utf8_lossy(&message.message.body).into_owned());
        }
        vec![Outcome::Done; batch.len()]
    }
}
