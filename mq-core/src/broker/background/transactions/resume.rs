//! An administrator has a half message checked again that was set aside because nobody could say how it
//! ended (`AdminBrokerProcessor.resumeCheckHalfMessage`).
//!
//! Invariant: a half message that has ended does not come back.

use super::half::HALF_TOPIC;
use super::records::ASIDE_TOPIC;
use super::service::Transactions;
use crate::message::PhysicalOffset;
use crate::store::{AppendError, StoreError};

/// Why a half message is not checked again.
#[derive(Debug, thiserror::Error)]
pub(in crate::broker) enum ResumeError {
    #[error("no half message begins at the physical offset {0}")]
    NotThere(PhysicalOffset),
    #[error("the half message at the physical offset {0} has ended")]
    Ended(PhysicalOffset),
    #[error("the half message could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("the half message could not be stored again: {0}")]
    Store(#[from] AppendError),
}

impl Transactions {
    /// Has the half message at `at` checked as one that was just stored. One that is still open is
    /// checked anyway, and left as it is.
    ///
    /// # Errors
    ///
    /// [`ResumeError`]; nothing was stored.
    pub(in crate::broker) async fn resume(&self, at: PhysicalOffset) -> Result<(), ResumeError> {
        let parts = &self.0;
        let half = parts.record_at(at).await?;
        let half = half.ok_or(ResumeError::NotThere(at))?;
        match half.message.topic.as_str() {
            HALF_TOPIC => {
                let claimed = parts.claim(half.queue_offset).await?;
                let claimed = claimed.ok_or(ResumeError::Ended(at))?;
                parts.give_back(&claimed, false);
                Ok(())
            }
            ASIDE_TOPIC => {
                let draft = parts.records.unchecked(&half);
                parts.store.append_moved(&draft).await?;
                Ok(())
            }
            _ => Err(ResumeError::NotThere(at)),
        }
    }
}
