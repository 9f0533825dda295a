//! What the commands of administrators share: the client, and how an error becomes an exit code.

use std::time::Duration;

use mq_core::client::{Admin, AdminError, Client, ClientConfig, ErrorKind, Gathered, SendError};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, TopicName};
use mq_core::reason::reason;

use crate::cluster_args::ClusterArgs;
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
        let config = ClientConfig::new(at.namesrv.0.iter().cloned());
        let client = Client::new(config, clock)?;
        let admin = match &at.cluster {
            Some(name) => client.admin().of_cluster(name.as_str()),
            None => client.admin(),
        };
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
    let class = match &error {
        AdminError::Tags(_) | AdminError::Condition(_) => ExitClass::Usage,
        error => class(error.kind()),
    };
    let advice = match &error {
        AdminError::NoTopic(_) => Some("`mq topic list` shows all"),
        AdminError::NoGroup(_) => Some("`mq group list` shows all"),
        AdminError::NoBroker => {
            Some("start one with `mq broker -n …`, or wait until it has registered")
        }
        AdminError::Brokers(_) => {
            Some("is the name server running there? name another with `-n HOST:PORT`")
        }
        _ => None,
    };
    let failure = ProgramFailure::from(error).of_class(class);
    match advice {
        Some(advice) => failure.advise(advice),
        None => failure,
    }
}

/// Why a message was not sent; one that breaks a rule was typed wrongly.
pub(crate) fn send_failure(error: SendError) -> ProgramFailure {
    let class = match error.kind() {
        ErrorKind::Message => ExitClass::Usage,
        kind => class(kind),
    };
    ProgramFailure::from(error).of_class(class)
}

fn class(kind: ErrorKind) -> ExitClass {
    match kind {
        ErrorKind::Message | ErrorKind::NoRoute => ExitClass::NotThere,
        ErrorKind::Refused => ExitClass::Refused,
        ErrorKind::Unreachable | ErrorKind::Timeout => ExitClass::NoAnswer,
        _ => ExitClass::Other,
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
