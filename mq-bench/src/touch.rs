//! Memory of a virtual machine that is touched for the first time costs a page fault of the host.
//! Touching most of it before the run shows how high that cost is. What stays free goes back to the
//! host within seconds, so that what a load is about to take is touched once more right before it is
//! measured; that keeps the cost out of its figures.

use mq_core::clock::Clock;
use serde::Serialize;

const PAGE: usize = 4096;
/// Taken block by block, so that no single allocation has to be as large as all of them.
const BLOCK: usize = 64 * 1024 * 1024;

/// What touching memory cost.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct FirstTouch {
    pub(crate) mib: usize,
    /// ns for each KiB, the first time.
    pub(crate) first_ns: f64,
    /// ns for each KiB when the same amount is taken once more.
    pub(crate) again_ns: f64,
}

impl FirstTouch {
    /// Touches `bytes` of memory twice.
    pub(crate) fn measure(bytes: u64, clock: &Clock) -> Self {
        let blocks = usize::try_from(bytes).unwrap_or(usize::MAX) / BLOCK;
        let first_ns = touch(blocks, clock);
        let again_ns = touch(blocks, clock);
        Self {
            mib: blocks * (BLOCK / 1024 / 1024),
            first_ns,
            again_ns,
        }
    }
}

/// Touches memory that a load will take in the next seconds. Blocks its thread.
pub(crate) fn before_load(mib: usize, clock: &Clock) {
    touch(mib * 1024 * 1024 / BLOCK, clock);
}

/// ns for each KiB.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn touch(blocks: usize, clock: &Clock) -> f64 {
    let begun = clock.moment();
    let mut held = Vec::with_capacity(blocks);
    for _ in 0..blocks {
        // Zeroed memory comes from the system untouched.
        let mut block = vec![0_u8; BLOCK];
        for page in block.chunks_mut(PAGE) {
            if let Some(byte) = page.first_mut() {
                *byte = 1;
            }
        }
        held.push(std::hint::black_box(block));
    }
    let took = clock.moment().since(begun);
    let kib = (blocks * (BLOCK / 1024)).max(1);
    took.as_nanos() as f64 / kib as f64
}
