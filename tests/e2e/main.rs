//! Several parts together, and what only the whole tree can show.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure is what a test is for"
)]

mod layering;
