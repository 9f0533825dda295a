//! Several parts together, and what only the whole tree can show.

#![expect(clippy::unwrap_used, reason = "a failure is what a test is for")]

#[cfg(target_os = "linux")]
mod crowds;
mod limits;
mod name_servers;
mod within_process;
mod written;
