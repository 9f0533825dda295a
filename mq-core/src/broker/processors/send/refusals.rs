//! Why a message was not stored, for its sender.

use crate::store::AppendError;
use crate::wire::{Refusal, ResponseCode};

/// What the store said.
pub(in crate::broker) fn refusal(error: &AppendError) -> Refusal {
    let code = match error {
        AppendError::Illegal(_) => ResponseCode::MESSAGE_ILLEGAL,
        _ => ResponseCode::SERVICE_NOT_AVAILABLE,
    };
    Refusal::new(code, error.to_string())
}

/// What nobody could store.
pub(super) fn illegal(remark: &str) -> Refusal {
    Refusal::new(ResponseCode::MESSAGE_ILLEGAL, remark)
}
