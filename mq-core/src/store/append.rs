//! Appending: messages are checked, encoded, join the open group and are written with it. When the
//! [`Append`] resolves they are as durable as its [`Durability`] says.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use memchr::memchr;

use super::config::Flush;
use super::error::AppendError;
use super::facts::MessageFacts;
use super::group_commit::SyncWait;
use super::open_group::{GatheredMessage, WriteGroup};
use super::shared::{MessageStore, StoreShared};
use crate::message::record::{BLANK_SIZE, RecordDraft, RecordPosition};
use crate::message::{PhysicalOffset, QueueOffset};

/// Bytes that a record may have beyond its body.
const MAX_RECORD_OVERHEAD: usize = 64 * 1024;
/// The properties' length is a signed 16-bit number on the wire.
const MAX_PROPERTIES: usize = 32_767;

/// What one message waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// What the store promises.
    #[default]
    AsConfigured,
    /// The copy into the log only (property `WAIT` = `false`): a loss of power may take the message.
    Written,
}

/// Where a message was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Its queue offset.
    pub queue_offset: QueueOffset,
    /// Where its record begins.
    pub physical_offset: PhysicalOffset,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
}

/// An append under way: resolves when the messages are as durable as promised.
///
/// Appends are written in the order in which they were begun. Dropping this only ends the waiting: the
/// messages are stored all the same, and if their group was not written yet, the drop writes the whole
/// group on the thread that drops.
#[must_use = "until this resolves, the message may be lost"]
pub struct Append<T> {
    /// `None` once it has resolved.
    stage: Option<Stage>,
    /// What the caller gets of the positions of the messages.
    result_of: fn(&[RecordPosition]) -> T,
}

enum Stage {
    Refused(AppendError),
    Joined(Joined),
    Syncing(Joined, SyncWait),
}

/// An append as a part of a group.
struct Joined {
    store: Arc<StoreShared>,
    group: Arc<WriteGroup>,
    /// Its index in the group.
    index: usize,
    durability: Durability,
    /// It was polled once, so that all that arrived with it has joined.
    has_let_others_join: bool,
}

impl MessageStore {
    /// Appends one message.
    pub fn append(&self, draft: &RecordDraft, durability: Durability) -> Append<Appended> {
        self.join(std::slice::from_ref(draft), durability, the_only)
    }

    /// Appends several messages behind each other, all or none.
    pub fn append_batch(
        &self,
        drafts: &[RecordDraft],
        durability: Durability,
    ) -> Append<Vec<Appended>> {
        self.join(drafts, durability, all_of)
    }

    /// Appends a message that the broker moves from one topic to another. It was admitted before, perhaps
    /// when longer messages were than now.
    pub fn append_moved(&self, draft: &RecordDraft) -> Append<Appended> {
        let only = std::slice::from_ref(draft);
        let checked = self.0.check_moved(only);
        self.join_if(checked, only, Durability::AsConfigured, the_only)
    }

    /// The same for several messages behind each other, all or none.
    pub fn append_batch_moved(&self, drafts: &[RecordDraft]) -> Append<Vec<Appended>> {
        let checked = self.0.check_moved(drafts);
        self.join_if(checked, drafts, Durability::AsConfigured, all_of)
    }

    /// Moves a message that lies in a segment which is to be removed, also on a nearly full disk: what
    /// the segment takes becomes free by it.
    pub fn append_again(&self, draft: &RecordDraft) -> Append<Appended> {
        let only = std::slice::from_ref(draft);
        let checked = self.0.check_again(only);
        self.join_if(checked, only, Durability::AsConfigured, the_only)
    }

    /// The same for several messages behind each other, all or none.
    pub fn append_batch_again(&self, drafts: &[RecordDraft]) -> Append<Vec<Appended>> {
        let checked = self.0.check_again(drafts);
        self.join_if(checked, drafts, Durability::AsConfigured, all_of)
    }

    fn join<T>(
        &self,
        drafts: &[RecordDraft],
        durability: Durability,
        result_of: fn(&[RecordPosition]) -> T,
    ) -> Append<T> {
        self.join_if(self.0.check_all(drafts), drafts, durability, result_of)
    }

    fn join_if<T>(
        &self,
        checked: Result<(), AppendError>,
        drafts: &[RecordDraft],
        durability: Durability,
        result_of: fn(&[RecordPosition]) -> T,
    ) -> Append<T> {
        let stage = match checked {
            Ok(()) => Stage::Joined(Joined::new(&self.0, drafts, durability)),
            Err(error) => Stage::Refused(error),
        };
        let stage = Some(stage);
        Append { stage, result_of }
    }
}

impl StoreShared {
    pub(super) fn check_all(&self, drafts: &[RecordDraft]) -> Result<(), AppendError> {
        self.log.writable()?;
        drafts.iter().try_for_each(|draft| {
            self.check_length(draft)?;
            check_properties(draft)
        })
    }

    pub(super) fn check_moved(&self, drafts: &[RecordDraft]) -> Result<(), AppendError> {
        self.log.writable()?;
        drafts.iter().try_for_each(|draft| {
            self.check_fits(draft)?;
            check_properties(draft)
        })
    }

    /// A nearly full disk is no reason to refuse.
    fn check_again(&self, drafts: &[RecordDraft]) -> Result<(), AppendError> {
        self.log.syncable()?;
        drafts.iter().try_for_each(|draft| {
            self.check_fits(draft)?;
            check_properties(draft)
        })
    }

    pub(super) fn gathered(&self, draft: &RecordDraft) -> GatheredMessage {
        let (topic, properties) = (&draft.message.topic, &draft.message.properties);
        GatheredMessage {
            topic: topic.clone(),
            queue_id: draft.queue_id,
            facts: MessageFacts::of(topic.as_str(), draft.sys_flag, properties, &self.config),
            size: draft.size(),
        }
    }

    /// A record lies in one segment, and behind it is room for the mark of the segment's end.
    fn check_fits(&self, draft: &RecordDraft) -> Result<(), AppendError> {
        let segment = usize::try_from(self.config.segment_size).unwrap_or(usize::MAX);
        let (size, limit) = (draft.size(), segment.saturating_sub(BLANK_SIZE));
        if size > limit {
            return Err(too_long("a record", size, limit));
        }
        Ok(())
    }

    fn check_length(&self, draft: &RecordDraft) -> Result<(), AppendError> {
        let (body, limit) = (draft.message.body.len(), self.config.max_message_size);
        if body > limit {
            return Err(too_long("a body", body, limit));
        }
        let (size, limit) = (draft.size(), limit + MAX_RECORD_OVERHEAD);
        if size > limit {
            return Err(too_long("a record", size, limit));
        }
        Ok(())
    }
}

/// What no record can have.
fn check_properties(draft: &RecordDraft) -> Result<(), AppendError> {
    let properties = draft.message.properties.as_bytes();
    if properties.len() > MAX_PROPERTIES {
        return Err(too_long(
            "a property text",
            properties.len(),
            MAX_PROPERTIES,
        ));
    }
    if memchr(0, properties).is_some() {
        // Recovery takes a zero in the properties for a record that was torn.
        return Err(AppendError::Illegal(
            "the properties have a zero byte".to_owned(),
        ));
    }
    Ok(())
}

fn too_long(what: &str, found: usize, limit: usize) -> AppendError {
    AppendError::Illegal(format!(
        "{what} of {found} bytes is longer than the limit of {limit}"
    ))
}

fn all_of(positions: &[RecordPosition]) -> Vec<Appended> {
    positions.iter().copied().map(Appended::from).collect()
}

fn the_only(positions: &[RecordPosition]) -> Appended {
    let [only] = positions else {
        unreachable!("one message has one position")
    };
    Appended::from(*only)
}

impl From<RecordPosition> for Appended {
    fn from(position: RecordPosition) -> Self {
        let RecordPosition {
            queue_offset,
            physical_offset,
            store_timestamp,
        } = position;
        Self {
            queue_offset,
            physical_offset,
            store_timestamp,
        }
    }
}

impl<T> Future for Append<T> {
    type Output = Result<T, AppendError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(Stage::Joined(joined)) = &mut this.stage
            && !joined.has_let_others_join
            && !joined.group.is_written()
        {
            joined.has_let_others_join = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        loop {
            let stage = this.stage.take();
            match stage.expect("`Append` polled after completion") {
                Stage::Refused(error) => return Poll::Ready(Err(error)),
                Stage::Joined(joined) => {
                    let (positions, end) = joined.written()?;
                    match joined.wait_for(end) {
                        None => return Poll::Ready(Ok((this.result_of)(positions))),
                        Some(wait) => this.stage = Some(Stage::Syncing(joined, wait)),
                    }
                }
                Stage::Syncing(joined, mut wait) => match Pin::new(&mut wait).poll(context) {
                    Poll::Pending => {
                        this.stage = Some(Stage::Syncing(joined, wait));
                        return Poll::Pending;
                    }
                    Poll::Ready(synced) => {
                        synced?;
                        let (positions, _) = joined.written()?;
                        return Poll::Ready(Ok((this.result_of)(positions)));
                    }
                },
            }
        }
    }
}

impl Joined {
    fn new(store: &Arc<StoreShared>, drafts: &[RecordDraft], durability: Durability) -> Self {
        let messages = drafts.iter().map(|draft| store.gathered(draft));
        let (group, index) = store.open_group.join(drafts, messages);
        Self {
            store: Arc::clone(store),
            group,
            index,
            durability,
            has_let_others_join: false,
        }
    }

    /// The positions of the messages and the physical offset behind them; written now, if nobody has
    /// done so.
    fn written(&self) -> Result<(&[RecordPosition], u64), AppendError> {
        if !self.group.is_written() {
            self.store.write_group(&self.group);
        }
        let outcome = self.group.outcome(self.index);
        outcome.expect("a group that was written has an outcome for each append")
    }

    /// The sync that the sender waits for, if any; otherwise it is left to the background.
    fn wait_for(&self, end: u64) -> Option<SyncWait> {
        if self.store.log.flush != Flush::Sync {
            return None;
        }
        if self.durability == Durability::AsConfigured {
            return Some(SyncWait::new(Arc::clone(&self.store), end));
        }
        self.store.log.sync_wanted.notify_one();
        None
    }
}

impl<T> Drop for Append<T> {
    fn drop(&mut self) {
        if let Some(Stage::Joined(joined)) = &self.stage
            && let Ok((_, end)) = joined.written()
        {
            drop(joined.wait_for(end));
        }
    }
}

impl<T> fmt::Debug for Append<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Some(Stage::Refused(error)) => return f.debug_tuple("Refused").field(error).finish(),
            Some(Stage::Joined(_)) => "Joined",
            Some(Stage::Syncing(..)) => "Syncing",
            None => "Done",
        };
        f.debug_tuple("Append").field(&stage).finish()
    }
}
