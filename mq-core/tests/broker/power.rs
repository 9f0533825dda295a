//! What the tests share in which the power goes: their seeds, and a broker with small files.
//!
//! Invariant: a case depends on its seed and on how its threads interleave, never on another case.
//! Therefore many run at a time, each on a runtime of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::store::IndexSizes;
use mq_core::store::disk::FaultyDisk;

use crate::stage::Stage;

/// Cases at a time. More than there are processors, because cases wait for their blocking threads.
const AT_ONCE: usize = 4;

/// Reproducible (`SplitMix64`).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// A broker on `disk`. Its files are small, because a disk in memory copies them when the power goes.
pub(crate) async fn stage_on(disk: &FaultyDisk, config: BrokerConfig, clock: &Clock) -> Stage {
    let mut store = config.store();
    store.segment_size = 64 * 1024;
    store.queue_file_entries = 64;
    store.index_sizes = IndexSizes {
        slots: 64,
        items: 256,
        in_memory: 256,
    };
    Stage::over(store, Arc::new(disk.clone()), config, clock.clone()).await
}

/// Runs `case` with each seed below `seeds`, each on a thread that is named after its seed, so that a
/// panic names it. After a panic no further case is begun.
pub(crate) fn each_seed<T: Send>(seeds: u64, case: impl AsyncFn(u64) -> T + Sync) -> Vec<T> {
    let next = AtomicU64::new(0);
    let worker = || {
        let mut outcomes = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return outcomes;
            }
            match on_a_thread(seed, &case) {
                Ok(outcome) => outcomes.push(outcome),
                Err(panic) => {
                    next.store(seeds, Ordering::Relaxed);
                    std::panic::resume_unwind(panic);
                }
            }
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        let outcomes = workers.into_iter().map(|worker| worker.join().unwrap());
        outcomes.flatten().collect()
    })
}

fn on_a_thread<T: Send>(seed: u64, case: &(impl AsyncFn(u64) -> T + Sync)) -> thread::Result<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().name(format!("seed {seed}"));
        let run = || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_all().build().unwrap().block_on(case(seed))
        };
        thread.spawn_scoped(scope, run).unwrap().join()
    })
}
