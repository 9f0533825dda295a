//! Failures of the client as the application reports them.

use std::fmt::Display;

use crate::problem::ApplicationError;

/// Turns an error of the client into "could not `action`", with the error as its cause.
pub(super) fn could_not<E>(action: impl Display) -> impl FnOnce(E) -> ApplicationError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| ApplicationError::Cluster {
        action: action.to_string(),
        source: Box::new(source),
    }
}
