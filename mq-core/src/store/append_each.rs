//! Appending many messages that are nothing to each other: one that is refused, or finds no room, takes
//! none of the others with it. They are encoded outside of the open group's lock, and share what an append
//! costs besides its bytes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::append::Appended;
use super::config::Flush;
use super::error::AppendError;
use super::group_commit::SyncWait;
use super::open_group::{EncodedAppends, WriteGroup};
use super::shared::{MessageStore, StoreShared};
use crate::message::record::RecordDraft;

/// Appends under way, each of one message: resolves when all that could be written are as durable as the
/// store promises.
///
/// They are written in the order of the messages. Dropping this only ends the waiting, as with
/// [`Append`](super::Append).
#[must_use = "until this resolves, the messages may be lost"]
pub struct AppendEach {
    store: Arc<StoreShared>,
    /// `None` once it has resolved.
    group: Option<Arc<WriteGroup>>,
    /// For each message its index in the group, or why it is not in it.
    messages: Vec<Result<usize, AppendError>>,
    /// It was polled once, so that all that arrived with it has joined.
    has_let_others_join: bool,
    syncing: Option<SyncWait>,
}

impl MessageStore {
    /// Appends messages that the broker moves from one topic to another, each by itself; see
    /// [`append_moved`](Self::append_moved).
    pub fn append_each(&self, drafts: &[RecordDraft]) -> AppendEach {
        let store = &self.0;
        let mut encoded = EncodedAppends::default();
        let joined = drafts.iter().map(|draft| {
            store.check_moved(std::slice::from_ref(draft))?;
            Ok(encoded.add(draft, store.gathered(draft)))
        });
        let mut messages: Vec<_> = joined.collect();
        let (group, first) = store.open_group.join_encoded(encoded);
        for index in messages.iter_mut().flatten() {
            *index += first;
        }
        AppendEach {
            store: Arc::clone(store),
            group: Some(group),
            messages,
            has_let_others_join: false,
            syncing: None,
        }
    }
}

impl AppendEach {
    /// What became of each message, and the physical offset behind the last that was written.
    fn outcomes(&self, group: &WriteGroup) -> (Vec<Result<Appended, AppendError>>, u64) {
        let mut written_end = 0;
        let outcomes = self.messages.iter().map(|message| {
            let index = message.clone()?;
            let outcome = group.outcome(index);
            let written = outcome.expect("a group that was written has an outcome for each append");
            let (positions, end) = written?;
            let [position] = positions else {
                unreachable!("one message has one position")
            };
            written_end = written_end.max(end);
            Ok(Appended::from(*position))
        });
        (outcomes.collect(), written_end)
    }
}

impl Future for AppendEach {
    type Output = Vec<Result<Appended, AppendError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let group = this.group.as_ref();
        let group = Arc::clone(group.expect("`AppendEach` polled after completion"));
        if !group.is_written() {
            if !this.has_let_others_join {
                this.has_let_others_join = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            this.store.write_group(&group);
        }
        let (mut outcomes, end) = this.outcomes(&group);
        if this.store.log.flush == Flush::Sync {
            let store = &this.store;
            let wait = this
                .syncing
                .get_or_insert_with(|| SyncWait::new(Arc::clone(store), end));
            if let Err(error) = ready!(Pin::new(wait).poll(context)) {
                for written in outcomes.iter_mut().filter(|outcome| outcome.is_ok()) {
                    *written = Err(error.clone());
                }
            }
        }
        this.group = None;
        Poll::Ready(outcomes)
    }
}

impl Drop for AppendEach {
    fn drop(&mut self) {
        let Some(group) = &self.group else { return };
        if !group.is_written() {
            self.store.write_group(group);
        }
        if self.store.log.flush == Flush::Sync {
            self.store.log.sync_wanted.notify_one();
        }
    }
}

impl fmt::Debug for AppendEach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppendEach")
            .field("messages", &self.messages.len())
            .finish_non_exhaustive()
    }
}
