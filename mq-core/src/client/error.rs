//! Errors of sending, of looking up routes, and of starting producers and consumers.
//!
//! `{}` prints an error with its causes, which are also its sources.

use std::time::Duration;

use super::checker::TransactionState;
use crate::message::batch::PropertiesTooLong;
use crate::message::subscription::{SqlError, TagError};
use crate::message::{GroupName, MessageQueue, NotARequest, RecallHandleError, TopicName};
use crate::remoting::CallError;
use crate::saved_file::FileError;
use crate::wire::fastjson::BodyError;
use crate::wire::{Refusal, ResponseCode};

/// The kind of an error, by who can do something about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller: the message, or what was asked for, violates a rule and will never be accepted as it
    /// is.
    Message,
    /// The operator: no broker has the topic.
    NoRoute,
    /// The operator: no server responds.
    Unreachable,
    /// A broker refused for good.
    Refused,
    /// The time is over; the message may have been stored.
    Timeout,
    /// The caller: too many sends are in flight, or an earlier part of the batch failed.
    Busy,
    /// The client was shut down.
    ShutDown,
}

impl ErrorKind {
    /// Whether the same call may succeed later. After a timeout what was asked for may have been done
    /// already.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NoRoute | Self::Unreachable | Self::Timeout | Self::Busy
        )
    }

    /// The kind of a failed call to a broker.
    pub(super) fn of(call: &CallError) -> Self {
        match call {
            CallError::Refused(_) | CallError::Frame(_) => Self::Refused,
            CallError::Timeout { .. } | CallError::Closed { .. } => Self::Timeout,
            _ => Self::Unreachable,
        }
    }
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The message violates a rule.
    #[error("the message to `{topic}` cannot be sent: {source}")]
    Message {
        /// Where it should have gone.
        topic: TopicName,
        /// Which rule.
        source: MessageError,
    },
    /// The batch has no message.
    #[error("the batch is empty")]
    EmptyBatch,
    /// Not sent: an earlier request of the batch failed, and these messages must not overtake its
    /// messages.
    #[error(
        "not sent to `{0}`: an earlier part of the batch failed, and the messages keep their order"
    )]
    EarlierPartFailed(TopicName),
    /// No broker has the topic, and none creates topics automatically.
    #[error("no route info of topic `{0}`: create it, or allow a broker to create topics")]
    NoRoute(TopicName),
    /// The selector chose none of the queues.
    #[error("the selector chose none of the {queues} queues of `{topic}`")]
    NotSelected {
        /// The topic.
        topic: TopicName,
        /// How many there were.
        queues: usize,
    },
    /// The broker of this queue is not known (any more).
    #[error("no broker is known for {0}")]
    NoBroker(MessageQueue),
    /// The route could not be looked up.
    #[error("could not look up topic `{topic}`: {source}")]
    Route {
        /// The topic.
        topic: TopicName,
        /// Why not.
        source: RouteError,
    },
    /// Every attempt failed; this is the last one.
    #[error("could not send to broker `{broker}` in {}: {source}", counted(*attempts))]
    Broker {
        /// The last broker tried.
        broker: String,
        /// How many attempts were made.
        attempts: u32,
        /// Why the last one failed.
        source: CallError,
    },
    /// The time for all attempts is over.
    #[error("could not send to `{topic}` within {limit:?}")]
    Timeout {
        /// The topic.
        topic: TopicName,
        /// The time there was.
        limit: Duration,
    },
    /// Not sent: the limit of background sends in flight is reached.
    #[error("{limit} background sends are in flight already")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// The broker did not take the message back: it is delivered already, or the call failed.
    #[error("could not call the message back from broker `{broker}`: {source}")]
    Recall {
        /// The broker that has the message.
        broker: String,
        /// Why not.
        source: CallError,
    },
    /// The text by which a message was to be called back is no handle.
    #[error("cannot call the message back: {0}")]
    Handle(#[source] RecallHandleError),
    /// The producer or its client was shut down.
    #[error("the producer is shut down")]
    ShutDown,
}

impl SendError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Message { .. }
            | Self::EmptyBatch
            | Self::NotSelected { .. }
            | Self::Handle(_) => ErrorKind::Message,
            Self::NoRoute(_) | Self::NoBroker(_) => ErrorKind::NoRoute,
            Self::Route { source, .. } => source.kind(),
            Self::Broker { source, .. } | Self::Recall { source, .. } => ErrorKind::of(source),
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::TooMany { .. } | Self::EarlierPartFailed(_) => ErrorKind::Busy,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }

    /// Whether sending the same message again may succeed. After a timeout it may have been stored
    /// already, so that sending it again makes a duplicate.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Broker { source, .. } => may_succeed_elsewhere(source),
            Self::Recall { source, .. } => source.is_transport(),
            _ => self.kind().is_retryable(),
        }
    }
}

fn counted(attempts: u32) -> String {
    match attempts {
        1 => "1 attempt".to_owned(),
        several => format!("{several} attempts"),
    }
}

/// Whether another broker may accept the message (`DefaultMQProducerImpl`): after a transport
/// error, or a code that is about the broker and not about the message.
pub(super) fn may_succeed_elsewhere(error: &CallError) -> bool {
    const RETRY_CODES: &[i32] = &[
        ResponseCode::SYSTEM_ERROR.0,
        ResponseCode::SYSTEM_BUSY.0,
        ResponseCode::SERVICE_NOT_AVAILABLE.0,
        ResponseCode::NO_PERMISSION.0,
        ResponseCode::TOPIC_NOT_EXIST.0,
        204, // NO_BUYER_ID
        205, // NOT_IN_CURRENT_UNIT
        ResponseCode::GO_AWAY.0,
    ];
    match error.refusal() {
        Some(refusal) => RETRY_CODES.contains(&refusal.code.0),
        None => error.is_transport(),
    }
}

/// Which rule a message violates (`Validators`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Brokers refuse messages without a body.
    #[error("the body is empty")]
    EmptyBody,
    /// The body is longer than the producer allows.
    #[error("the body has {length} bytes, at most {limit} are allowed")]
    TooLong {
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The properties are longer than their 16-bit length field allows.
    #[error("the properties have {length} bytes, at most {limit} are allowed")]
    Properties {
        /// Bytes found.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The properties are not text.
    #[error("the properties are not UTF-8")]
    NotText,
    /// Only brokers write to this topic.
    #[error("only brokers send to this topic")]
    SystemTopic,
    /// A batch goes to one topic.
    #[error("the batch has messages for `{0}` too: all must have one topic")]
    MixedTopics(TopicName),
    /// Delayed messages and retries cannot be batched.
    #[error("a batch cannot hold {0}")]
    NotInBatch(&'static str),
    /// One message of a batch breaks a rule.
    #[error("message {number} of the batch: {source}")]
    OfBatch {
        /// Which message, counted from 1.
        number: usize,
        /// The rule.
        source: Box<Self>,
    },
    /// A message in a transaction cannot have this property.
    #[error(
        "a message in a transaction cannot be delayed, remove {0}: when it is due, nobody may know yet \
         how its transaction ended"
    )]
    DelayInTransaction(&'static str),
    /// The request would be delivered when nobody waits for its reply any more.
    #[error(
        "the request is to be delivered after {delay:?}, and its reply is waited for for {limit:?}: give it \
         more time, or a shorter delay"
    )]
    DelayOfRequest {
        /// The delay.
        delay: Duration,
        /// The time for sending and for the reply.
        limit: Duration,
    },
    /// Nobody waits for a reply to this message.
    #[error("{0}")]
    NotARequest(#[source] NotARequest),
    /// The broker is one of RocketMQ 4, and none of its delay levels is the delay.
    #[error(
        "the broker `{broker}` knows delay levels only (`{levels}`), and none is {wanted:?}: choose one of \
         them, or a broker of RocketMQ 5 or mq"
    )]
    NoSuchDelay {
        /// The delay.
        wanted: Duration,
        /// The broker.
        broker: String,
        /// Its levels.
        levels: String,
    },
    /// The broker is one of RocketMQ 4, which cannot deliver at a given time.
    #[error(
        "the broker `{broker}` cannot deliver at a given time: choose one of its delay levels \
         (`{levels}`), or a broker of RocketMQ 5 or mq"
    )]
    NoTimes {
        /// The broker.
        broker: String,
        /// Its levels.
        levels: String,
    },
}

impl From<PropertiesTooLong> for MessageError {
    fn from(error: PropertiesTooLong) -> Self {
        let PropertiesTooLong { length, limit } = error;
        Self::Properties { length, limit }
    }
}

/// Why a request has no reply.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The request was not sent, or nobody knows.
    #[error("{0}")]
    Send(#[source] SendError),
    /// No reply came in time. The request may have been handled.
    #[error("no reply to the request to `{topic}` came within {limit:?}")]
    NoReply {
        /// Where the request went.
        topic: TopicName,
        /// The time there was, with that for sending.
        limit: Duration,
    },
    /// The client was shut down while the request waited.
    #[error("the client was shut down before the reply came")]
    ShutDown,
}

impl RequestError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Send(source) => source.kind(),
            Self::NoReply { .. } => ErrorKind::Timeout,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }

    /// Whether the same request may get a reply later. Without a reply in time it may have been handled
    /// already, so that it is handled twice.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Send(source) => source.is_retryable(),
            _ => self.kind().is_retryable(),
        }
    }
}

/// Why a transaction was not ended. Unless the broker refused, it may have been ended all the same.
#[derive(Debug, thiserror::Error)]
#[error(
    "could not {} the transaction of message `{message_id}` at broker `{broker}`: {source}",
    match state {
        TransactionState::Commit => "commit",
        _ => "roll back",
    }
)]
pub struct EndError {
    /// How it was to end.
    pub state: TransactionState,
    /// The unique id of its message.
    pub message_id: String,
    /// The broker that has the message.
    pub broker: String,
    /// Why not.
    pub source: CallError,
}

impl EndError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        ErrorKind::of(&self.source)
    }
}

/// Why a route could not be looked up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// No name server of the list responded; the source is the error of the last one.
    #[error("no name server responds ({addresses}): {source}")]
    Unreachable {
        /// All name servers that were tried.
        addresses: String,
        /// The error of the last one.
        source: CallError,
    },
    /// A name server refused.
    #[error("the name server refused: {0}")]
    Refused(#[source] Refusal),
    /// The response cannot be read.
    #[error("the name server's response cannot be read: {0}")]
    Answer(#[source] BodyError),
    /// No address of a name server was given.
    #[error("no name server is known: give at least one host:port")]
    NoNameServer,
}

impl RouteError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Refused(_) => ErrorKind::Refused,
            _ => ErrorKind::Unreachable,
        }
    }
}

/// Why a consumer cannot subscribe to a topic.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubscribeError {
    /// A tag expression names no tag.
    #[error("the subscription of topic `{topic}` is invalid: {source}")]
    Tags {
        /// The topic.
        topic: TopicName,
        /// What is wrong with it.
        source: TagError,
    },
    /// A condition cannot be read.
    #[error("the condition of the subscription of topic `{topic}` cannot be read: {source}")]
    Condition {
        /// The topic.
        topic: TopicName,
        /// What is wrong with it, and where.
        source: SqlError,
    },
    /// The broker does not accept the filter.
    #[error("the broker does not accept the filter of topic `{topic}`: {source}")]
    Refused {
        /// The topic.
        topic: TopicName,
        /// What the broker says.
        source: Refusal,
    },
    /// The consumer was started with queues of the application's choice.
    #[error(
        "the consumer of group `{0}` reads the queues that it was given: start one without queues to \
         subscribe to topics"
    )]
    QueuesChosen(GroupName),
    /// The consumer or its client was shut down.
    #[error("the consumer is shut down")]
    ShutDown,
}

impl SubscribeError {
    /// The kind, by who can do something about the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Tags { .. } | Self::Condition { .. } | Self::QueuesChosen(_) => {
                ErrorKind::Message
            }
            Self::Refused { .. } => ErrorKind::Refused,
            Self::ShutDown => ErrorKind::ShutDown,
        }
    }
}

/// Why a client, producer or consumer could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No address of a name server was given.
    #[error("no name server is known: give at least one host:port")]
    NoNameServer,
    /// The group's name is reserved.
    #[error("the group name `{0}` is reserved by RocketMQ: choose another name")]
    ReservedGroup(GroupName),
    /// A client has at most one producer and one consumer of a group.
    #[error("this client has a {role} of group `{group}` already")]
    GroupTaken {
        /// `producer` or `consumer`.
        role: &'static str,
        /// The group.
        group: GroupName,
    },
    /// The consumer has no subscription.
    #[error("the consumer of group `{0}` has no subscription")]
    NoSubscription(GroupName),
    /// A topic cannot be subscribed to.
    #[error(transparent)]
    Subscription(#[from] SubscribeError),
    /// A setting is out of its range.
    #[error("{name} is {found}, but must be {allowed}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// What it is.
        found: u64,
        /// What it may be.
        allowed: &'static str,
    },
    /// The offsets of a broadcasting group cannot be read.
    #[error("could not read the offsets of a broadcasting group: {0}")]
    Offsets(#[source] FileError),
    /// The client was shut down.
    #[error("the client is shut down")]
    ShutDown,
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use std::io;

    use super::*;
    use crate::client::{AdminError, BrowseError};
    use crate::reason::reason;

    fn refused(code: i32) -> SendError {
        SendError::Broker {
            broker: "broker-a".to_owned(),
            attempts: 1,
            source: CallError::Refused(Refusal::new(ResponseCode(code), "no")),
        }
    }

    #[test]
    fn codes_about_the_broker_may_succeed_elsewhere() {
        for code in [1, 2, 14, 16, 17, 204, 205, 1500] {
            assert!(refused(code).is_retryable(), "{code}");
        }
        for code in [3, 13, 26, 29] {
            assert!(!refused(code).is_retryable(), "{code}");
        }
    }

    #[test]
    fn an_error_tells_its_causes_and_keeps_them_as_sources() {
        let error = refused(13);

        assert_eq!(
            error.to_string(),
            "could not send to broker `broker-a` in 1 attempt: refused: code 13: no"
        );
        assert_eq!(reason(&error), error.to_string());
        let call = error.source().unwrap();
        assert_eq!(call.to_string(), "refused: code 13: no");
        assert_eq!(call.source().unwrap().to_string(), "code 13: no");
        assert_eq!(error.kind(), ErrorKind::Refused);
    }

    /// Regression: `{}` of a send error printed that the message was not sent, without the cause.
    #[test]
    fn every_error_prints_its_cause() {
        let topic = || TopicName::new("orders").unwrap();
        let gone = || CallError::Connect {
            address: "127.0.0.1:10911".to_owned(),
            source: io::Error::other("the last cause"),
        };
        let refusal = || Refusal::system("the last cause");
        let unreachable = || RouteError::Unreachable {
            addresses: "127.0.0.1:9876".to_owned(),
            source: gone(),
        };
        let errors: [Box<dyn std::error::Error>; 8] = [
            Box::new(SendError::Broker {
                broker: "broker-a".to_owned(),
                attempts: 3,
                source: gone(),
            }),
            Box::new(SendError::Route {
                topic: topic(),
                source: unreachable(),
            }),
            Box::new(RouteError::Refused(refusal())),
            Box::new(RouteError::Answer(BodyError::new("the last cause"))),
            Box::new(SubscribeError::Refused {
                topic: topic(),
                source: refusal(),
            }),
            Box::new(StartError::Offsets(FileError::Disk {
                action: "read",
                path: "offsets.json".into(),
                source: io::Error::other("the last cause"),
            })),
            Box::new(AdminError::Brokers(unreachable())),
            Box::new(BrowseError::Broker {
                action: "create a topic",
                broker: "broker-a".to_owned(),
                source: gone(),
            }),
        ];

        for error in errors {
            let text = error.to_string();
            assert!(text.ends_with("the last cause"), "{text}");
            assert_eq!(reason(&*error), text);
            assert!(error.source().is_some(), "{text}");
        }
        let long = SendError::Message {
            topic: topic(),
            source: MessageError::TooLong {
                length: 5,
                limit: 4,
            },
        };
        let said = "the message to `orders` cannot be sent: \
                    the body has 5 bytes, at most 4 are allowed";
        assert_eq!(long.to_string(), said);
        let tags = SubscribeError::Tags {
            topic: topic(),
            source: TagError::NoTag("||".to_owned()),
        };
        let said = "the subscription of topic `orders` is invalid: \
                    the tag expression `||` names no tag";
        assert_eq!(tags.to_string(), said);
    }
}
