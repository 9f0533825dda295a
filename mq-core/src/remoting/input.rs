//! Input that is read but not yet decoded.
//!
//! Invariant: memory follows the bytes that have arrived, never the length that a frame announces.
//! A read reserves one more chunk, and chunks grow only while reads fill them. An idle connection
//! keeps one small chunk.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::AsyncRead;
use tokio_util::io::poll_read_buf;

use crate::wire::{FrameError, RemotingCommand, frame};

const MIN_CHUNK: usize = 4 * 1024;
const MAX_CHUNK: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Input {
    buffer: BytesMut,
    /// The buffer is part of a long allocation, even if its remaining part is short.
    is_long_allocation: bool,
    chunk: usize,
    limit: usize,
}

impl Input {
    /// An empty input; frames may be `limit` bytes long.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            buffer: BytesMut::new(),
            is_long_allocation: false,
            chunk: MIN_CHUNK,
            limit,
        }
    }

    /// What the next whole frame says, and how many bytes header and body have.
    pub(super) fn command(&mut self) -> Result<Option<(RemotingCommand, usize)>, FrameError> {
        let Some(frame) = frame::decode(&mut self.buffer, self.limit)? else {
            return Ok(None);
        };
        let bytes = frame.header.len() + frame.body.len();
        let command = RemotingCommand::from_frame(frame)?;
        Ok(Some((command, bytes)))
    }

    /// The number of bytes that are not yet decoded.
    pub(super) fn pending_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Reads once; 0 is the end of the stream.
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        // Doubling the buffer keeps the total copying of a long frame linear.
        let room = self.chunk.max(self.buffer.len().min(self.missing()));
        self.buffer.reserve(room);
        self.is_long_allocation |= self.buffer.capacity() > 2 * MIN_CHUNK;
        let outcome = ready!(poll_read_buf(Pin::new(stream), cx, &mut self.buffer));
        if let Ok(count) = &outcome {
            self.chunk = match *count {
                count if count >= self.chunk => (self.chunk * 2).min(MAX_CHUNK),
                count if count < self.chunk / 4 => (self.chunk / 2).max(MIN_CHUNK),
                _ => self.chunk,
            };
        }
        Poll::Ready(outcome)
    }

    /// Releases a long allocation when little of it is used.
    pub(super) fn shrink_when_idle(&mut self) {
        if self.is_long_allocation && self.buffer.len() < MIN_CHUNK {
            self.buffer = BytesMut::from(&*self.buffer);
            self.is_long_allocation = false;
        }
    }

    fn missing(&self) -> usize {
        frame::wanted(&self.buffer).saturating_sub(self.buffer.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths and header of a frame of 100,000 bytes.
    const BEGIN: &[u8; 18] = b"\x00\x01\x86\x9C\x00\x00\x00\x0A{\"code\":1}";

    #[tokio::test]
    async fn memory_follows_what_arrives_and_not_what_is_announced() {
        let mut input = Input::new(frame::DEFAULT_LIMIT);
        let mut announced: &[u8] = &[0x00, 0xFF, 0xFF, 0xFF, 0, 0, 0, 2];
        let mut more: &[u8] = b"{}";

        // The length is known before the second read.
        for part in [&mut announced, &mut more] {
            std::future::poll_fn(|cx| input.poll_read(part, cx))
                .await
                .unwrap();
        }

        assert_eq!(input.command(), Ok(None));
        assert!(input.buffer.capacity() <= 10 + MAX_CHUNK);
    }

    #[tokio::test]
    async fn an_idle_connection_keeps_no_large_buffer() {
        let mut input = Input::new(frame::DEFAULT_LIMIT);
        let mut body = vec![0; 100_000];
        body.splice(..18, BEGIN.iter().copied());
        let mut bytes = body.as_slice();
        while input.pending_bytes() < body.len() {
            std::future::poll_fn(|cx| input.poll_read(&mut bytes, cx))
                .await
                .unwrap();
        }

        assert!(input.command().unwrap().is_some());
        input.shrink_when_idle();

        assert!(input.buffer.capacity() <= MIN_CHUNK);
    }

    /// Regression: the remaining part of a buffer looked small, but kept the whole buffer in
    /// memory.
    #[tokio::test]
    async fn the_begin_of_the_next_frame_does_not_keep_a_long_buffer() {
        let mut input = Input::new(frame::DEFAULT_LIMIT);
        let mut bytes = vec![0; 100_010];
        bytes.splice(..18, BEGIN.iter().copied());
        let mut bytes = bytes.as_slice();
        while input.pending_bytes() < 100_010 {
            std::future::poll_fn(|cx| input.poll_read(&mut bytes, cx))
                .await
                .unwrap();
        }

        let (command, _) = input.command().unwrap().unwrap();
        input.shrink_when_idle();

        assert_eq!(input.pending_bytes(), 10);
        assert!(input.buffer.capacity() <= MIN_CHUNK);
        assert!(command.body.is_unique(), "the rest shares its memory");
    }
}
