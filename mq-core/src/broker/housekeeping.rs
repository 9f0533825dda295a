//! What is done again and again while the broker runs: files are saved, silent clients are let go.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use super::processors::Clients;
use crate::tasks::Tasks;

/// Silent clients and old locks are looked for so often (`scheduleAtFixedRate` of
/// `ClientHousekeepingService`).
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How far delayed messages are delivered is saved so often (`flushDelayOffsetInterval`).
const SAVE_DELAYS_EVERY: Duration = Duration::from_secs(10);

/// Saves what has changed.
pub(super) fn save_regularly(parts: &Parts, tasks: &Tasks) {
    let (offsets, clock) = (Arc::clone(&parts.offsets), parts.clock.clone());
    let every = parts.admit.config.rules.save_offsets_every;
    tasks.spawn_until_stop("saving offsets", async move {
        loop {
            clock.sleep(every).await;
            // The file tells of an error.
            drop(offsets.save().await);
        }
    });
    let (admit, clock) = (parts.admit.clone(), parts.clock.clone());
    tasks.spawn_until_stop("saving topics and groups", async move {
        loop {
            clock.sleep(every).await;
            drop(admit.save_rest().await);
        }
    });
    let (offsets, clock) = (Arc::clone(&parts.delays), parts.clock.clone());
    tasks.spawn_until_stop("saving delay offsets", async move {
        loop {
            clock.sleep(SAVE_DELAYS_EVERY).await;
            drop(offsets.save().await);
        }
    });
}

/// Lets go of clients that say nothing, and of locks that nobody renews.
pub(super) fn sweep_regularly(parts: &Parts, clients: &Arc<Clients>, tasks: &Tasks) {
    let (peers, locks) = (Arc::clone(&parts.peers), Arc::clone(&parts.locks));
    let (clients, clock) = (Arc::clone(clients), parts.clock.clone());
    tasks.spawn_until_stop("silent clients", async move {
        loop {
            clock.sleep(SWEEP_EVERY).await;
            for change in peers.expire() {
                clients.tell(&change);
            }
            locks.sweep();
        }
    });
}
