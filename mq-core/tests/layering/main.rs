//! Which code may use which: the table of `ARCHITECTURE.md` between modules, and inside every module
//! no way back through its own door. Paths are read as text, so that those in macros count.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

mod assembly;
mod between;
mod inside;
mod paths;
