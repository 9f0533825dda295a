//! The trait of everything that answers a request.

use std::future::Future;

use bytes::Bytes;

use super::peer::Peer;
use crate::wire::{Fields, Language, Refusal, Reply, Request};

/// A request as its processor sees it.
#[derive(Clone, Debug)]
pub struct Incoming<R> {
    /// The fields of the request.
    pub header: R,
    /// The body; empty when there is none.
    pub body: Bytes,
    /// The connection that it came over.
    pub peer: Peer,
    /// The sender's version.
    pub version: i32,
    /// The sender's language.
    pub language: Language,
    /// Whether the request is one-way, so that no response is sent.
    pub one_way: bool,
    /// Every field as it came, including those that the header does not have; empty for a request
    /// from the same process.
    pub fields: Fields,
}

impl<R> Incoming<R> {
    /// The same request with another header.
    pub fn map<T>(self, change: impl FnOnce(R) -> T) -> Incoming<T> {
        Incoming {
            header: change(self.header),
            body: self.body,
            peer: self.peer,
            version: self.version,
            language: self.language,
            one_way: self.one_way,
            fields: self.fields,
        }
    }
}

/// Answers one kind of request. Implementations write `async fn process`.
pub trait Processor<R: Request>: Send + Sync + 'static {
    /// Answers `request`; every way to refuse is an early return with `?`.
    ///
    /// The future may wait for long: it blocks no other request of the connection.
    fn process(
        &self,
        request: Incoming<R>,
    ) -> impl Future<Output = Result<Reply<R::Reply>, Refusal>> + Send;
}
