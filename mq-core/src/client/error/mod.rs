//! Errors of sending, of looking up routes, and of starting producers and consumers, and the kinds that
//! all errors of the client have.
//!
//! `{}` prints an error with its causes, which are also its sources.

mod end;
mod kind;
mod message;
mod request;
mod route;
mod send;
mod start;

pub use end::EndError;
pub use kind::ErrorKind;
pub use message::MessageError;
pub use request::RequestError;
pub use route::RouteError;
pub use send::SendError;
pub(super) use send::may_succeed_elsewhere;
pub use start::{StartError, SubscribeError};

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use std::io;

    use super::*;
    use crate::client::{AdminError, BrowseError};
    use crate::message::TopicName;
    use crate::message::subscription::TagError;
    use crate::reason::reason;
    use crate::remoting::CallError;
    use crate::saved_file::FileError;
    use crate::wire::fastjson::BodyError;
    use crate::wire::{Refusal, ResponseCode};

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
