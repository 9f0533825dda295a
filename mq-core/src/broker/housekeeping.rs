//! Periodic work of a running broker: files are saved, silent clients and expired locks are
//! removed.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use super::processors::Clients;
use crate::tasks::Tasks;

/// The interval of removing silent clients and expired locks (`scheduleAtFixedRate` of
/// `ClientHousekeepingService`).
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// The interval of saving the offsets of the delay levels (`flushDelayOffsetInterval`).
const SAVE_DELAY_OFFSETS_INTERVAL: Duration = Duration::from_secs(10);

/// Saves changed files periodically.
pub(super) fn save_regularly(parts: &Parts, tasks: &Tasks) {
    let (offsets, clock) = (Arc::clone(&parts.offsets), parts.clock.clone());
    let every = parts.admit.config.rules.save_offsets_every;
    tasks.spawn_until_stop("saving offsets", async move {
        loop {
            clock.sleep(every).await;
            // An error is logged by the file.
            drop(offsets.save().await);
        }
    });
    let (admit, clock) = (parts.admit.clone(), parts.clock.clone());
    tasks.spawn_until_stop("saving topics and groups", async move {
        loop {
            clock.sleep(every).await;
            drop(admit.save_pending().await);
        }
    });
    let (offsets, clock) = (Arc::clone(&parts.delays), parts.clock.clone());
    let store = parts.store.clone();
    tasks.spawn_until_stop("saving delay offsets", async move {
        loop {
            clock.sleep(SAVE_DELAY_OFFSETS_INTERVAL).await;
            drop(offsets.save(store.sync()).await);
        }
    });
}

/// Removes clients that send no heartbeat and locks that are not renewed.
pub(super) fn sweep_regularly(parts: &Parts, clients: &Arc<Clients>, tasks: &Tasks) {
    let (peers, locks) = (Arc::clone(&parts.peers), Arc::clone(&parts.locks));
    let (clients, clock) = (Arc::clone(clients), parts.clock.clone());
    tasks.spawn_until_stop("silent clients", async move {
        loop {
            clock.sleep(SWEEP_INTERVAL).await;
            for change in peers.expire() {
                clients.notify(&change);
            }
            locks.sweep();
        }
    });
}
