//! What did not work, in the application's words.

use std::fmt::Display;

use crate::problem::ApplicationError;

/// Makes an error of the client the cluster's: it could not do `action`.
pub(super) fn could_not<E>(action: impl Display) -> impl FnOnce(E) -> ApplicationError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |source| ApplicationError::Cluster {
        action: action.to_string(),
        source: Box::new(source),
    }
}
