//! The refusals of messages that are not stored.

use crate::store::AppendError;
use crate::wire::{Refusal, ResponseCode};

/// The refusal for an error of the store.
pub(in crate::broker) fn refusal(error: &AppendError) -> Refusal {
    let code = match error {
        AppendError::Illegal(_) => ResponseCode::MESSAGE_ILLEGAL,
        // `PutMessageStatus.CREATE_MAPPED_FILE_FAILED`
        AppendError::NoSegment(_) => ResponseCode::SYSTEM_ERROR,
        AppendError::Full | AppendError::Failed(_) | AppendError::Closed => {
            ResponseCode::SERVICE_NOT_AVAILABLE
        }
    };
    Refusal::new(code, error.to_string())
}

/// The refusal of an illegal message.
pub(super) fn illegal(remark: &str) -> Refusal {
    Refusal::new(ResponseCode::MESSAGE_ILLEGAL, remark)
}
