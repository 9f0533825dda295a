//! The cases, each a file: what is run, against whom, and what is measured.

pub(crate) mod append;
pub(crate) mod calls;
pub(crate) mod consume;
mod drain;
pub(crate) mod end_to_end;
pub(crate) mod filtered;
pub(crate) mod group_commit;
pub(crate) mod java;
pub(crate) mod later;
pub(crate) mod native;
pub(crate) mod requests;
pub(crate) mod restart;
pub(crate) mod transactions;
