//! What the broker knows: topics, groups, offsets, connected clients, queue locks, waiting pulls,
//! and the files of `config/` that store it.

pub(super) mod config_file;
pub(super) mod delay_offsets;
pub(super) mod delivery_statistics;
pub(super) mod groups;
pub(super) mod live_rules;
pub(super) mod offsets;
pub(super) mod peers;
pub(super) mod queue_locks;
pub(super) mod recent_conditions;
pub(super) mod system;
pub(super) mod topic_attributes;
pub(super) mod topics;
pub(super) mod unsupported;
pub(super) mod waiting;
