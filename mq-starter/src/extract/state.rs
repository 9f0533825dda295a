//! `State<T>`: what the application provides, in listeners and in axum handlers alike.

use std::any::type_name;

use super::from_message::FromMessage;
use crate::listener::{ConsumeError, Delivery};
use crate::state::{AppState, Assembly};

/// A clone of what the application provides.
///
/// In an axum router with [`AppState`] as its state it works in handlers too. A listener's need is
/// checked when the application starts, a handler's at its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State<T>(pub T);

/// The value of type `T`, or the error that says that the application does not provide it.
pub(super) fn take<T: Clone + Send + Sync + 'static>(state: &AppState) -> Result<State<T>, String> {
    let found = state.get::<T>().map(|value| State(T::clone(&value)));
    found.ok_or_else(|| format!("the application does not provide `{}`", type_name::<T>()))
}

impl<T: Clone + Send + Sync + 'static> FromMessage for State<T> {
    fn require(assembly: &mut Assembly<'_>) {
        assembly.take::<T>("it");
    }

    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        take(&delivery.state).map_err(ConsumeError::later)
    }
}
