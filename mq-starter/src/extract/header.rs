//! Headers of a message, which are user properties on the wire.

use std::str::FromStr;

use super::from_message::FromMessage;
use crate::listener::{ConsumeError, Delivery};
use crate::message::MessageExt;

/// One header, named by its type; see [`header_name!`](crate::header_name).
///
/// A message without it goes to the dead-letter queue; ask for `Option<Header<…>>` when it may be
/// absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<N>(pub N);

/// A type that stands for a header.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a header",
    note = "write `header_name!({Self} = \"name-on-the-wire\")`"
)]
pub trait HeaderName: Sized + Send {
    /// The name on the wire.
    const NAME: &'static str;
    /// What the text is read as.
    type Value: FromStr<Err: Into<Box<dyn std::error::Error + Send + Sync>>>;

    /// Wraps the value.
    fn of(value: Self::Value) -> Self;
}

#[derive(Debug, thiserror::Error)]
enum HeaderProblem {
    #[error("the message has no header `{0}`")]
    Absent(&'static str),
    #[error("the header `{name}` is `{value}`: {source}")]
    Unreadable {
        name: &'static str,
        value: String,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

fn read<N: HeaderName>(message: &MessageExt) -> Result<Option<N>, HeaderProblem> {
    let Some(text) = message.header(N::NAME) else {
        return Ok(None);
    };
    match text.parse::<N::Value>() {
        Ok(value) => Ok(Some(N::of(value))),
        Err(source) => Err(HeaderProblem::Unreadable {
            name: N::NAME,
            value: text.to_owned(),
            source: source.into(),
        }),
    }
}

impl<N: HeaderName> FromMessage for Header<N> {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        read(&delivery.message)
            .and_then(|found| found.ok_or(HeaderProblem::Absent(N::NAME)))
            .map(Header)
            .map_err(ConsumeError::undecodable)
    }
}

impl<N: HeaderName> FromMessage for Option<Header<N>> {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        read(&delivery.message)
            .map(|found| found.map(Header))
            .map_err(ConsumeError::undecodable)
    }
}

/// All headers of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(MessageExt);

impl Headers {
    /// The first header of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// Names and values in the order in which they travelled.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.message.properties.iter()
    }
}

impl FromMessage for Headers {
    fn from_message(delivery: &Delivery) -> Result<Self, ConsumeError> {
        Ok(Self(delivery.message.clone()))
    }
}

/// Makes a type that stands for a header: a text, or whatever can be read from one.
///
/// ```
/// use mq_starter::prelude::*;
///
/// header_name!(Locale = "locale");
/// header_name!(Attempt: u32 = "attempt");
///
/// #[rocketmq_message_listener(topic = "mail", consumer_group = "mailer")]
/// async fn send(
///     Header(locale): Header<Locale>,
///     attempt: Option<Header<Attempt>>,
/// ) -> ConsumeResult {
///     tracing::info!("{} {:?}", &*locale, attempt.map(|Header(attempt)| attempt.0));
///     Ok(())
/// }
/// ```
#[macro_export]
macro_rules! header_name {
    ($vis:vis $name:ident = $text:literal) => {
        $crate::header_name!($vis $name: ::std::string::String = $text);
    };
    ($vis:vis $name:ident: $value:ty = $text:literal) => {
        #[doc = ::core::concat!("The header `", $text, "`.")]
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name(
            #[doc = "Its value."]
            $vis $value,
        );

        impl $crate::HeaderName for $name {
            const NAME: &'static str = $text;
            type Value = $value;

            fn of(value: $value) -> Self {
                Self(value)
            }
        }

        impl ::core::ops::Deref for $name {
            type Target = $value;

            fn deref(&self) -> &$value {
                &self.0
            }
        }
    };
}
