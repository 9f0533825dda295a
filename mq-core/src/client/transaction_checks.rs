//! Brokers ask how transactions ended (39), and the checker of the producer's group answers with an end
//! (`ClientRemotingProcessor.checkTransactionState`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::checker::TransactionState;
use super::groups::ClientGroups;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::message::compression::{self, MAX_UNPACKED_BODY};
use crate::message::record::RecordView;
use crate::message::{MessageExt, SysFlag, property};
use crate::remoting::{CallError, Incoming, Processor};
use crate::tasks::Tasks;
use crate::troubles::Troubles;
use crate::wire::header::{CheckTransactionState, EndTransaction};
use crate::wire::{NoFields, Refusal, Reply};

/// Checks under way at a time. More are not answered: the broker asks again.
const MAX_CHECKS: usize = 256;
/// A check that takes longer is given up, so that it keeps no other from its turn. The broker asks again
/// every 30 s as it is set at first.
const CHECK_LIMIT: Duration = Duration::from_mins(1);

/// Has checks answered.
pub(super) struct TransactionChecks {
    groups: Arc<Mutex<ClientGroups>>,
    turns: Arc<Semaphore>,
    /// Checks that are not answered, because too many are under way.
    crowded: Troubles<()>,
    tasks: Tasks,
    clock: Clock,
}

impl TransactionChecks {
    pub(super) fn new(groups: &Arc<Mutex<ClientGroups>>, tasks: &Tasks, clock: &Clock) -> Self {
        Self {
            groups: Arc::clone(groups),
            turns: Arc::new(Semaphore::new(MAX_CHECKS)),
            crowded: Troubles::new(clock.clone()),
            tasks: tasks.clone(),
            clock: clock.clone(),
        }
    }
}

impl Processor<CheckTransactionState> for TransactionChecks {
    /// Gives way to other requests of the broker at once: a check may take long.
    async fn process(
        &self,
        request: Incoming<CheckTransactionState>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let message = message_of(&request.body)?;
        let group = message.message.properties.get_text(property::PGROUP);
        let group = group.unwrap_or_default();
        let header = request.header;
        let answer = move |state: TransactionState| EndTransaction {
            topic: header.topic,
            producer_group: group,
            tran_state_table_offset: header.tran_state_table_offset,
            commit_log_offset: header.commit_log_offset,
            commit_or_rollback: state.to_wire(),
            from_transaction_check: Some(true),
            msg_id: header.msg_id,
            transaction_id: header.transaction_id,
        };
        let peer = request.peer;
        let checker = message.message.properties.get(property::PGROUP);
        let checker = checker.and_then(|group| self.groups.lock().checker(group));
        let Some(checker) = checker else {
            let answered = peer.notify(&answer(TransactionState::Unknown), Bytes::new());
            return answered
                .map(|()| Reply::ok(NoFields))
                .map_err(|error| not_answered(&error));
        };
        let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() else {
            if let Some(unlogged) = self.crowded.begin(()) {
                tracing::warn!(
                    unlogged,
                    "checks of transactions are not answered: {MAX_CHECKS} are under way"
                );
            }
            return Ok(Reply::ok(NoFields));
        };
        self.crowded.end(&());
        let clock = self.clock.clone();
        self.tasks
            .spawn_until_stop("check of a transaction", async move {
                let _turn = turn;
                let id = message.message_id();
                let state = clock.timeout(CHECK_LIMIT, checker.check(message)).await;
                let state = state.unwrap_or_else(|_elapsed| {
                    let id = excerpt(&id);
                    tracing::error!(%id, "the check of a transaction is given up after {CHECK_LIMIT:?}: the broker asks again");
                    TransactionState::Unknown
                });
                tracing::debug!(id = %excerpt(&id), ?state, "a transaction was checked");
                if let Err(error) = peer.notify(&answer(state), Bytes::new()) {
                    tracing::debug!(%error, "the answer to a check could not be sent: the broker asks again");
                }
            });
        Ok(Reply::ok(NoFields))
    }
}

fn not_answered(error: &CallError) -> Refusal {
    Refusal::system(error.to_string())
}

/// The half message in the body, with its own body decompressed.
fn message_of(record: &Bytes) -> Result<MessageExt, Refusal> {
    let unreadable = |error: &dyn std::error::Error| {
        tracing::error!(%error, "the half message of a check cannot be read");
        Refusal::system(format!("the half message cannot be read: {error}"))
    };
    let view = RecordView::parse(record).map_err(|error| unreadable(&error))?;
    let mut message = view
        .to_message(record)
        .map_err(|error| unreadable(&error))?;
    let body = compression::unpack(&message.message.body, message.sys_flag, MAX_UNPACKED_BODY);
    message.message.body = body.map_err(|error| unreadable(&error))?;
    message.sys_flag = message.sys_flag.without(SysFlag::COMPRESSED);
    Ok(message)
}
