//! What did not work, in the application's words.

use std::fmt::Display;

use mq_core::tasks::Unfinished;

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

/// The tasks that did not end, in words.
pub(crate) fn going_on(stopped: Result<(), Unfinished>) -> Vec<String> {
    let names = stopped.err().map(|unfinished| unfinished.0);
    let names = names.into_iter().flatten();
    names.map(|name| format!("the task `{name}`")).collect()
}
