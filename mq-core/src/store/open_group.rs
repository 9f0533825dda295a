//! The appends that will be written together, and what became of them; see `write_group.rs`.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::error::AppendError;
use super::facts::MessageFacts;
use crate::message::TopicName;
use crate::message::record::{RecordDraft, RecordPosition};

/// The memory for records that is kept from one group to the next, in bytes.
const KEPT_CAPACITY: usize = 1024 * 1024;

/// What became of the appends of a group; set once they were written or refused.
#[derive(Debug, Default)]
pub(super) struct WriteGroup(OnceLock<GroupOutcome>);

#[derive(Debug, Default)]
pub(super) struct GroupOutcome {
    /// Of all messages that were written, in order.
    pub(super) positions: Vec<RecordPosition>,
    /// For each append, which of them are its own.
    appends: Vec<Result<WrittenAppend, AppendError>>,
}

/// What was written of one append.
#[derive(Clone, Debug)]
struct WrittenAppend {
    messages: Range<usize>,
    /// The physical offset behind its last record.
    end: u64,
}

impl WriteGroup {
    pub(super) fn is_written(&self) -> bool {
        self.0.get().is_some()
    }

    /// Called by the one who took the group, and thus once.
    pub(super) fn set(&self, outcome: GroupOutcome) {
        let _first = self.0.set(outcome);
    }

    /// What became of the append with this index in the group, and where its records are.
    pub(super) fn outcome(
        &self,
        append: usize,
    ) -> Option<Result<(&[RecordPosition], u64), AppendError>> {
        let outcome = self.0.get()?;
        let written = outcome.appends.get(append)?;
        Some(written.clone().map(|written| {
            let positions = outcome.positions.get(written.messages).unwrap_or_default();
            (positions, written.end)
        }))
    }
}

/// The group that an append joins when it is begun.
#[derive(Default)]
pub(super) struct OpenGroup(Mutex<GatheredAppends>);

/// The appends of a group before they are written.
#[derive(Default)]
pub(super) struct GatheredAppends {
    pub(super) group: Arc<WriteGroup>,
    /// Encoded, one behind the other.
    pub(super) records: Vec<u8>,
    pub(super) messages: Vec<GatheredMessage>,
    pub(super) appends: Vec<GatheredAppend>,
}

/// A message of a group, with all that can be found out before the log is locked.
pub(super) struct GatheredMessage {
    pub(super) topic: TopicName,
    pub(super) queue_id: i32,
    pub(super) facts: MessageFacts,
    /// Bytes of its record.
    pub(super) size: usize,
}

/// How much of a group is of one append.
#[derive(Clone, Copy)]
pub(super) struct GatheredAppend {
    pub(super) messages: usize,
    pub(super) bytes: usize,
}

/// Appends of one message each that were encoded beforehand.
#[derive(Default)]
pub(super) struct EncodedAppends {
    records: Vec<u8>,
    messages: Vec<GatheredMessage>,
    appends: Vec<GatheredAppend>,
}

impl EncodedAppends {
    /// Adds the append of `draft`, which is `message`; gives its index among these.
    pub(super) fn add(&mut self, draft: &RecordDraft, message: GatheredMessage) -> usize {
        self.records.reserve(message.size);
        draft.encode(&mut self.records);
        self.appends.push(GatheredAppend {
            messages: 1,
            bytes: message.size,
        });
        self.messages.push(message);
        self.appends.len() - 1
    }
}

impl OpenGroup {
    /// Adds appends; gives the group and the index of the first of them in it.
    pub(super) fn join_encoded(&self, mut encoded: EncodedAppends) -> (Arc<WriteGroup>, usize) {
        let mut open = self.0.lock();
        let first = open.appends.len();
        if first == 0 {
            // Its memory, and nothing to copy.
            std::mem::swap(&mut open.records, &mut encoded.records);
        }
        open.records.append(&mut encoded.records);
        open.messages.append(&mut encoded.messages);
        open.appends.append(&mut encoded.appends);
        (Arc::clone(&open.group), first)
    }

    /// Adds an append; gives the group and the index of the append in it.
    pub(super) fn join(
        &self,
        drafts: &[RecordDraft],
        messages: impl Iterator<Item = GatheredMessage>,
    ) -> (Arc<WriteGroup>, usize) {
        let mut open = self.0.lock();
        let bytes = drafts.iter().map(RecordDraft::size).sum();
        open.records.reserve(bytes);
        for draft in drafts {
            draft.encode(&mut open.records);
        }
        open.messages.extend(messages);
        open.appends.push(GatheredAppend {
            messages: drafts.len(),
            bytes,
        });
        (Arc::clone(&open.group), open.appends.len() - 1)
    }

    /// Closes the group: whoever joins from now on is in the next one.
    pub(super) fn take(&self) -> GatheredAppends {
        std::mem::take(&mut *self.0.lock())
    }

    /// Gives the memory of a group that was written to the next one, unless that has some.
    pub(super) fn reuse(&self, mut gathered: GatheredAppends) {
        gathered.records.clear();
        gathered.messages.clear();
        gathered.appends.clear();
        let mut open = self.0.lock();
        if open.appends.is_empty() && gathered.records.capacity() <= KEPT_CAPACITY {
            gathered.group = Arc::clone(&open.group);
            *open = gathered;
        }
    }
}

impl GroupOutcome {
    /// All appends of a group are refused.
    pub(super) fn refused(appends: usize, error: &AppendError) -> Self {
        Self {
            positions: Vec::new(),
            appends: vec![Err(error.clone()); appends],
        }
    }

    /// Adds what became of appends whose messages begin at `first` of all positions, and whose records
    /// end at `written`.
    pub(super) fn add(
        &mut self,
        appends: &[GatheredAppend],
        mut first: usize,
        written: Result<u64, AppendError>,
    ) {
        let bytes: usize = appends.iter().map(|append| append.bytes).sum();
        let mut end = written.map(|end| end - bytes as u64);
        for append in appends {
            if let Ok(end) = &mut end {
                *end += append.bytes as u64;
            }
            let messages = first..first + append.messages;
            first = messages.end;
            self.appends
                .push(end.clone().map(|end| WrittenAppend { messages, end }));
        }
    }
}

impl fmt::Debug for OpenGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OpenGroup")
            .field(&self.0.lock().appends.len())
            .finish()
    }
}
