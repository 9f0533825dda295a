//! One file of the log.

use crate::store::disk::File;

/// One file of the log, always of full length; zeros follow the last record.
#[derive(Debug)]
pub(in crate::store) struct Segment {
    /// Offset of its first byte in the log; its name.
    pub(in crate::store) base: u64,
    pub(in crate::store) file: Box<dyn File>,
}
