//! Where messages rest: the commit log, and what is derived from it.
//!
//! [`MessageStore`] is the only entry. An append encodes its records before the log is locked and joins
//! the open group. The task that polls one of the group's appends again first assigns the offsets of all
//! and writes them, under one short lock. An append resolves when its messages are as durable as
//! promised; only then do readers see them. Consume queues and the key index can be deleted: they are
//! built again from the log.

mod about;
mod append;
mod append_each;
mod arrivals;
mod checkpoint;
mod cold;
mod commit_log;
mod config;
mod consume_queue;
mod deletion;
mod derived;
pub mod disk;
mod due_times;
mod error;
mod facts;
mod figures;
mod group_commit;
mod index;
mod key_hash;
mod maintain;
mod memory;
mod mend;
mod needed;
mod open;
mod open_group;
mod opened;
mod paths;
mod queue_entries;
mod read;
mod recovery;
mod reindex;
mod retention;
mod schedule;
mod shared;
mod snapshot;
#[cfg(test)]
mod tests;
mod write_group;
mod zone;

pub use append::{Append, Appended, Durability};
pub use append_each::AppendEach;
pub use arrivals::Arrival;
pub use config::{Flush, IndexSizes, Retention, StoreConfig};
pub use error::{AppendError, StoreError};
pub use figures::Figures;
pub use memory::{share_of, total_memory};
pub use needed::Needed;
pub use queue_entries::EntryView;
pub use read::{Boundary, FirstMessage, ReadLimits, ReadOutcome, ReadStatus, TransferLimits};
pub use recovery::RecoveryReport;
pub(crate) use schedule::timer_tag_code;
pub use schedule::{SCHEDULE_TOPIC, TIMER_TOPIC};
pub use shared::MessageStore;
pub use zone::Zone;
