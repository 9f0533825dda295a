//! What answers a request.

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
    /// Who asks.
    pub peer: Peer,
    /// The asker's version.
    pub version: i32,
    /// What the asker is written in.
    pub language: Language,
    /// Whether nobody waits for the answer.
    pub one_way: bool,
    /// Every field as it came, those that belong to no header too; empty within a process.
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
    /// The future may wait as long as it likes: other requests of the connection go on meanwhile.
    fn process(
        &self,
        request: Incoming<R>,
    ) -> impl Future<Output = Result<Reply<R::Reply>, Refusal>> + Send;
}
