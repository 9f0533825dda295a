//! What a batch listener's function may have as a parameter beside its batch.

use super::state::{State, take};
use crate::listener::ConsumeError;
use crate::state::{AppState, Assembly};

/// What a batch listener's function may have as a parameter beside its
/// [`Batch`](crate::Batch): what the application provides.
#[diagnostic::on_unimplemented(
    message = "a batch listener cannot ask for `{Self}`",
    label = "this parameter cannot be taken for several messages at once",
    note = "keys, headers and attempts of a message are in `BatchMessage::message`; what the application provides is asked for as `mq_starter::State<…>`"
)]
pub trait BatchParameter: Sized + Send {
    /// Notes, before the first message, what the application must provide.
    fn require(assembly: &mut Assembly<'_>);

    /// Takes it from what the application provides.
    ///
    /// # Errors
    ///
    /// What is to happen with the messages when it is not there.
    fn from_state(state: &AppState) -> Result<Self, ConsumeError>;
}

impl<T: Clone + Send + Sync + 'static> BatchParameter for State<T> {
    fn require(assembly: &mut Assembly<'_>) {
        assembly.take::<T>("it");
    }

    fn from_state(state: &AppState) -> Result<Self, ConsumeError> {
        take(state).map_err(ConsumeError::later)
    }
}

/// How a parameter of a batch listener's function is taken; what it needs is noted.
pub fn batch_extractor<T: BatchParameter>(
    assembly: &mut Assembly<'_>,
) -> fn(&AppState) -> Result<T, ConsumeError> {
    T::require(assembly);
    T::from_state
}
