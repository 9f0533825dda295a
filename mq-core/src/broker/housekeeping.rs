//! Periodic work of a running broker: files are saved, silent clients and expired locks are
//! removed.

use std::sync::Arc;
use std::time::Duration;

use super::parts::Parts;
use super::processors::Clients;
use crate::clock::Clock;
use crate::tasks::Tasks;

/// The interval of removing silent clients and expired locks (`scheduleAtFixedRate` of
/// `ClientHousekeepingService`).
const SWEEP_INTERVAL: Duration = Duration::from_secs(10);
/// The interval of saving the offsets of the delay levels (`flushDelayOffsetInterval`).
const SAVE_DELAY_OFFSETS_INTERVAL: Duration = Duration::from_secs(10);

/// Saves changed files periodically. A save that has begun is ended before the last one, which would
/// otherwise take what it was to save for saved.
pub(super) fn save_regularly(parts: &Parts, tasks: &Tasks) {
    let (offsets, every) = (Arc::clone(&parts.offsets), Every::of(parts, tasks));
    tasks.spawn("saving offsets", async move {
        while every.next().await {
            // An error is logged by the file.
            drop(offsets.save().await);
        }
    });
    let (admit, every) = (parts.admit.clone(), Every::of(parts, tasks));
    tasks.spawn("saving topics and groups", async move {
        while every.next().await {
            drop(admit.save_pending().await);
        }
    });
    let (offsets, every) = (Arc::clone(&parts.delays), Every::of(parts, tasks));
    let every = Every {
        interval: SAVE_DELAY_OFFSETS_INTERVAL,
        ..every
    };
    let store = parts.store.clone();
    tasks.spawn("saving delay offsets", async move {
        while every.next().await {
            drop(offsets.save(store.sync()).await);
        }
    });
}

/// Pauses between saves.
struct Every {
    interval: Duration,
    clock: Clock,
    owner: Tasks,
}

impl Every {
    fn of(parts: &Parts, owner: &Tasks) -> Self {
        Self {
            interval: parts.admit.config.rules.save_offsets_every,
            clock: parts.clock.clone(),
            owner: owner.clone(),
        }
    }

    /// Waits for the next save; `false` once the owner stops.
    async fn next(&self) -> bool {
        tokio::select! {
            biased;
            () = self.owner.stopping() => false,
            () = self.clock.sleep(self.interval) => true,
        }
    }
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
