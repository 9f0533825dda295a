//! What the commands of administrators share: the client, and how an error becomes an exit code.

use std::time::Duration;

use mq_core::client::{Admin, AdminError, Client, ClientConfig, ErrorKind, Gathered, SendError};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, TopicName};
use mq_core::reason::reason;

use crate::cluster_args::{AskArgs, ClusterArgs};
use crate::failure::{ExitClass, ProgramFailure};

/// The time limit for closing the connections at the end.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(5);

/// A client of the cluster that a command is about.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) admin: Admin,
}

impl Session {
    pub(crate) fn open(at: &ClusterArgs, clock: Clock) -> Result<Self, ProgramFailure> {
        let mut session = Self::ask(&at.ask, clock)?;
        if let Some(name) = &at.cluster {
            session.admin = session.admin.of_cluster(name.as_str());
        }
        Ok(session)
    }

    pub(crate) fn ask(ask: &AskArgs, clock: Clock) -> Result<Self, ProgramFailure> {
        let config = ClientConfig::new(ask.namesrv.0.iter().cloned());
        let client = Client::new(config, clock)?;
        let admin = client.admin();
        Ok(Self { client, admin })
    }

    /// Closes the connections; what the command said comes first.
    pub(crate) async fn close(
        self,
        outcome: Result<(), ProgramFailure>,
    ) -> Result<(), ProgramFailure> {
        let closed = self.client.shutdown(CLOSING_TIMEOUT).await;
        outcome?;
        Ok(closed?)
    }
}

pub(crate) fn topic(name: &str) -> Result<TopicName, ProgramFailure> {
    let name = TopicName::new(name.to_owned());
    name.map_err(|error| ProgramFailure::from(error).of_class(ExitClass::Usage))
}

pub(crate) fn group(name: &str) -> Result<GroupName, ProgramFailure> {
    let name = GroupName::new(name.to_owned());
    name.map_err(|error| ProgramFailure::from(error).of_class(ExitClass::Usage))
}

/// What went wrong when brokers were asked.
pub(crate) fn failure(error: AdminError) -> ProgramFailure {
    let kind = error.kind();
    let is_usage = matches!(error, AdminError::Tags(_) | AdminError::Condition(_));
    let advice = match &error {
        AdminError::NoTopic(_) => Some("`mq topic list` shows all"),
        AdminError::NoGroup(_) => Some("`mq group list` shows all"),
        AdminError::NoBroker => {
            Some("start one with `mq broker -n …`, or wait until it has registered")
        }
        _ => None,
    };
    let failure = match error {
        // The queue as options take it.
        AdminError::NoOffset {
            queue,
            offset,
            min,
            max,
        } => ProgramFailure::from(format!(
            "the queue `{}:{}` of `{}` has no message at the offset {offset}: it has {min} up to, but not \
             including, {max}",
            queue.broker, queue.id, queue.topic
        )),
        error => ProgramFailure::from(error),
    };
    let failure = if is_usage {
        failure.of_class(ExitClass::Usage)
    } else {
        of_kind(failure, kind)
    };
    match advice {
        Some(advice) => failure.advise(advice),
        None => failure,
    }
}

/// Why a message was not sent; one that breaks a rule was typed wrongly.
pub(crate) fn send_failure(error: SendError) -> ProgramFailure {
    match error.kind() {
        ErrorKind::Message => ProgramFailure::from(error).of_class(ExitClass::Usage),
        kind => of_kind(ProgramFailure::from(error), kind),
    }
}

/// A failure by the kind of error of the client, with what to do when nobody answered.
pub(crate) fn of_kind(failure: ProgramFailure, kind: ErrorKind) -> ProgramFailure {
    let class = match kind {
        ErrorKind::Message | ErrorKind::NoRoute => ExitClass::NotThere,
        ErrorKind::Refused => ExitClass::Refused,
        ErrorKind::Unreachable | ErrorKind::Timeout => ExitClass::NoAnswer,
        _ => ExitClass::Other,
    };
    let failure = failure.of_class(class);
    if class == ExitClass::NoAnswer {
        failure.advise("is the server running there? `-n HOST:PORT` names other name servers")
    } else {
        failure
    }
}

/// The end of a command of which some brokers did their part.
pub(crate) fn end<T>(gathered: &Gathered<T>) -> Result<(), ProgramFailure> {
    let failed = &gathered.failed;
    if failed.is_empty() {
        return Ok(());
    }
    let reasons: Vec<_> = failed.iter().map(|error| reason(error)).collect();
    let failure = ProgramFailure::from(format!("not all brokers: {}", reasons.join("; ")));
    Err(failure.of_class(ExitClass::Partial))
}
