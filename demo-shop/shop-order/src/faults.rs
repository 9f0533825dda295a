//! `GET` and `POST /faults`: what goes wrong with the next order, to see that nothing is lost or done twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Bytes;
use mq_starter::{Json, State};
use serde::{Deserialize, Serialize};

use crate::refusal::OrderRefusal;

/// The faults that the next order is going to have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Switches>);

#[derive(Debug, Default)]
struct Switches {
    crash_after_commit: AtomicBool,
    deliver_twice: AtomicBool,
}

impl Faults {
    /// Ends the process, as a power cut would, if the next order was to do so.
    pub(crate) fn crash_if_told(&self) {
        if self.0.crash_after_commit.swap(false, Ordering::Relaxed) {
            tracing::error!(
                "the order is in the database, and the process ends before its message is committed"
            );
            std::process::abort();
        }
    }

    /// Whether the message of this order is to be sent once more.
    pub(crate) fn take_deliver_twice(&self) -> bool {
        self.0.deliver_twice.swap(false, Ordering::Relaxed)
    }

    fn state(&self) -> FaultState {
        FaultState {
            crash_after_commit: self.0.crash_after_commit.load(Ordering::Relaxed),
            deliver_twice: self.0.deliver_twice.load(Ordering::Relaxed),
        }
    }

    fn change(&self, change: &FaultChange) {
        let Switches {
            crash_after_commit,
            deliver_twice,
        } = &*self.0;
        for (switch, wanted) in [
            (crash_after_commit, change.crash_after_commit),
            (deliver_twice, change.deliver_twice),
        ] {
            if let Some(wanted) = wanted {
                switch.store(wanted, Ordering::Relaxed);
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FaultState {
    crash_after_commit: bool,
    deliver_twice: bool,
}

/// What is absent stays as it is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct FaultChange {
    crash_after_commit: Option<bool>,
    deliver_twice: Option<bool>,
}

/// Which faults the next order has.
pub(crate) async fn show(State(faults): State<Faults>) -> Json<FaultState> {
    Json(faults.state())
}

/// Sets faults for the next order.
pub(crate) async fn set(
    State(faults): State<Faults>,
    body: Bytes,
) -> Result<Json<FaultState>, OrderRefusal> {
    let change = serde_json::from_slice(&body).map_err(OrderRefusal::BadFaults)?;
    faults.change(&change);
    Ok(Json(faults.state()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_once_and_what_is_not_named_stays() {
        let faults = Faults::default();
        let set = |json: &str| faults.change(&serde_json::from_str(json).unwrap());

        set(r#"{"deliverTwice":true}"#);
        set(r#"{"crashAfterCommit":true}"#);
        set(r#"{"crashAfterCommit":false}"#);

        assert_eq!(
            faults.state(),
            FaultState {
                crash_after_commit: false,
                deliver_twice: true
            }
        );
        faults.crash_if_told();
        assert!(faults.take_deliver_twice());
        assert!(!faults.take_deliver_twice());
    }

    #[test]
    fn a_fault_that_is_misspelt_is_refused() {
        let misspelt = serde_json::from_str::<FaultChange>(r#"{"deliverTwize":true}"#);

        assert!(misspelt.unwrap_err().to_string().contains("`deliverTwice`"));
    }
}
