//! 37 and 323: a producer commits a transaction or rolls it back (`EndTransactionProcessor`), and an
//! administrator has one checked again that was set aside.

use std::sync::Arc;

use crate::broker::background::transactions::{End, EndError, ResumeError, Transactions, Verdict};
use crate::broker::parts::Parts;
use crate::broker::processors::send::refusal;
use crate::excerpt::excerpt;
use crate::message::OffsetMessageId;
use crate::remoting::{Incoming, Processor};
use crate::troubles::Troubles;
use crate::wire::header::{EndTransaction, ResumeCheckHalfMessage};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode};

/// Ends transactions.
#[derive(Clone, Debug)]
pub(in crate::broker) struct EndTransactionProcessor {
    transactions: Transactions,
    /// Ends are refused: Java's clients do not wait for the answer, so it is for the log.
    refused: Arc<Troubles<()>>,
}

impl EndTransactionProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            transactions: parts.transactions.clone(),
            refused: Arc::new(Troubles::new(parts.clock.clone())),
        }
    }
}

impl Processor<EndTransaction> for EndTransactionProcessor {
    async fn process(&self, request: Incoming<EndTransaction>) -> Result<Reply<NoFields>, Refusal> {
        let Incoming { header, peer, .. } = request;
        let verdict = match header.commit_or_rollback {
            EndTransaction::COMMIT => Verdict::Commit,
            EndTransaction::ROLLBACK => Verdict::Rollback,
            // It is asked again.
            EndTransaction::UNKNOWN => return Ok(Reply::ok(NoFields)),
            other => {
                let remark = format!("commitOrRollback is {other}, expected 8, 12 or 0");
                return Err(Refusal::new(ResponseCode::INVALID_PARAMETER, remark));
            }
        };
        let sent_ids = [header.transaction_id, header.msg_id];
        let id = sent_ids.into_iter().flatten().find(|id| !id.is_empty());
        let end = End {
            verdict,
            group: header.producer_group,
            half: header.tran_state_table_offset,
            physical: header.commit_log_offset,
            id,
        };
        let group = end.group.clone();
        let Err(error) = self.transactions.end(end).await else {
            return Ok(Reply::ok(NoFields));
        };
        let group = excerpt(&group);
        if matches!(error, EndError::Ended(_)) {
            // An end and the answer to a check may both come.
            tracing::debug!(%group, ?peer, ?verdict, %error, "an end is refused");
        } else if let Some(unlogged) = self.refused.begin(()) {
            tracing::warn!(%group, ?peer, ?verdict, %error, unlogged, "an end is refused");
        }
        Err(refused(&error))
    }
}

impl Processor<ResumeCheckHalfMessage> for EndTransactionProcessor {
    async fn process(
        &self,
        request: Incoming<ResumeCheckHalfMessage>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let id = request.header.msg_id.unwrap_or_default();
        let id = id
            .parse::<OffsetMessageId>()
            .map_err(|error| Refusal::system(error.to_string()))?;
        let resumed = self.transactions.resume(id.offset).await;
        resumed.map_err(|error| match &error {
            ResumeError::Store(stored) => refusal(stored),
            ResumeError::NotThere(_) | ResumeError::Ended(_) | ResumeError::Read(_) => {
                Refusal::system(error.to_string())
            }
        })?;
        tracing::info!(%id, "a half message that was set aside is checked again");
        Ok(Reply::ok(NoFields))
    }
}

fn refused(error: &EndError) -> Refusal {
    match error {
        EndError::Store(error) => refusal(error),
        EndError::NoTopic(_) => Refusal::new(ResponseCode::TOPIC_NOT_EXIST, error.to_string()),
        EndError::NotThat { .. }
        | EndError::Ended(_)
        | EndError::Read(_)
        | EndError::Interrupted => Refusal::system(error.to_string()),
    }
}
