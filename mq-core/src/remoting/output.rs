//! Output that is not yet written: small pieces are copied into one buffer, long bodies are kept as
//! they are.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

/// Bodies up to this length are copied into the buffer; for longer ones a slice of their own in the
/// vectored write is cheaper.
const MAX_COPIED_BODY: usize = 8 * 1024;
const IDLE_BUFFER_CAPACITY: usize = 1024;
const MAX_SLICES: usize = 32;
const MAX_USUAL: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Output {
    /// Written before `tail`.
    queue: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
    /// The length that `tail` had when it was written last: as much room is made for the next turn.
    usual: usize,
    /// A write failed: all output is dropped, but input is still read, because requests may be in
    /// the receive buffer.
    failed: bool,
}

impl Output {
    /// The number of bytes that are not yet written.
    pub(super) fn pending_bytes(&self) -> usize {
        self.length
    }

    /// Adds what was pushed into another one.
    pub(super) fn append(&mut self, other: Self) {
        if self.failed {
            return;
        }
        self.length += other.length;
        if other.queue.is_empty() {
            self.tail.extend_from_slice(&other.tail);
        } else {
            self.close_tail();
            self.queue.extend(other.queue);
            self.tail = other.tail;
        }
    }

    /// Adds what `write` appends, and `body` behind it; nothing when `write` fails, which must leave what
    /// was there unchanged.
    pub(super) fn push_with<E>(
        &mut self,
        body: Bytes,
        write: impl FnOnce(&mut BytesMut) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.tail.capacity() == 0 {
            self.tail.reserve(self.usual);
        }
        let before = self.tail.len();
        write(&mut self.tail)?;
        if self.failed {
            self.tail.truncate(before);
            return Ok(());
        }
        self.length += self.tail.len() - before;
        self.push_body(body);
        Ok(())
    }

    /// Writes until everything is written or the socket is full, and then registers for it to
    /// become writable. Returns the number of bytes written.
    ///
    /// # Errors
    ///
    /// The write failed: pending output is dropped, and so is everything pushed from now on.
    pub(super) fn write<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> io::Result<usize> {
        let before = self.length;
        self.usual = self.tail.len().min(MAX_USUAL);
        while self.length > 0 {
            match self.write_once(stream, cx) {
                Poll::Ready(Ok(count)) => self.advance(count),
                Poll::Ready(Err(error)) => {
                    *self = Self {
                        failed: true,
                        ..Self::default()
                    };
                    return Err(error);
                }
                Poll::Pending => break,
            }
        }
        Ok(before - self.length)
    }

    fn write_once<S: AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut slices = [IoSlice::new(&[]); MAX_SLICES];
        let used = self.slices(&mut slices);
        let used = slices.get(..used).unwrap_or_default();
        match Pin::new(stream).poll_write_vectored(cx, used) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            written => written,
        }
    }

    /// All that is pending, in one piece.
    pub(super) fn into_bytes(self) -> BytesMut {
        let mut bytes = BytesMut::with_capacity(self.length);
        for piece in &self.queue {
            bytes.extend_from_slice(piece);
        }
        bytes.extend_from_slice(&self.tail);
        bytes
    }

    /// Releases memory when no output is pending.
    pub(super) fn shrink_when_idle(&mut self) {
        if self.length > 0 {
            return;
        }
        if self.tail.capacity() > IDLE_BUFFER_CAPACITY {
            self.tail = BytesMut::new();
        }
        if self.queue.capacity() > MAX_SLICES {
            self.queue = VecDeque::new();
        }
    }

    fn push_body(&mut self, body: Bytes) {
        self.length += body.len();
        if body.len() <= MAX_COPIED_BODY {
            self.tail.extend_from_slice(&body);
        } else {
            self.close_tail();
            self.queue.push_back(body);
        }
    }

    /// Lets what comes next be a piece of its own.
    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.queue.push_back(self.tail.split().freeze());
        }
    }

    fn slices<'a>(&'a self, out: &mut [IoSlice<'a>; MAX_SLICES]) -> usize {
        let pieces = self.queue.iter().map(AsRef::as_ref);
        let pieces = pieces.chain([self.tail.as_ref()]);
        let mut used = 0;
        for (slot, piece) in out.iter_mut().zip(pieces) {
            *slot = IoSlice::new(piece);
            used += 1;
        }
        used
    }

    fn advance(&mut self, mut count: usize) {
        self.length -= count;
        while let Some(front) = self.queue.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.queue.pop_front();
        }
        if count == self.tail.len() {
            self.tail.clear();
        } else {
            self.tail.advance(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::pin;
    use std::task::Waker;

    use super::*;

    /// Takes seven bytes at a time.
    struct Narrow(Vec<u8>);

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let count = bytes.len().min(7);
            self.0.extend_from_slice(&bytes[..count]);
            Poll::Ready(Ok(count))
        }

        fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn push(output: &mut Output, head: &str, body: Vec<u8>) {
        let written = output.push_with(body.into(), |out| {
            out.extend_from_slice(head.as_bytes());
            Ok::<_, Infallible>(())
        });
        written.unwrap();
    }

    #[test]
    fn pieces_go_out_in_their_order_however_little_is_taken_and_nothing_is_kept() {
        let mut output = Output::default();
        let mut expected = Vec::new();
        for (number, length) in [
            0,
            3,
            MAX_COPIED_BODY,
            MAX_COPIED_BODY + 1,
            5,
            100_000,
            0,
            20,
            MAX_COPIED_BODY + 1,
            7,
        ]
        .into_iter()
        .enumerate()
        {
            let body: Vec<u8> = (0_u8..=250).cycle().take(length).collect();
            let head = format!("head of {length}");
            expected.extend_from_slice(head.as_bytes());
            expected.extend_from_slice(&body);
            if number % 3 == 0 {
                let mut later = Output::default();
                push(&mut later, &head, body);
                output.append(later);
            } else {
                push(&mut output, &head, body);
            }
        }
        assert_eq!(output.pending_bytes(), expected.len());
        let mut narrow = pin!(Narrow(Vec::new()));

        let mut context = Context::from_waker(Waker::noop());
        let written = output.write(&mut narrow, &mut context).unwrap();
        output.shrink_when_idle();

        assert_eq!(written, expected.len());
        assert!(narrow.0 == expected);
        assert!(
            output.tail.capacity() <= IDLE_BUFFER_CAPACITY && output.queue.capacity() <= MAX_SLICES
        );
    }

    #[test]
    fn many_long_bodies_without_anything_between_them_leave_no_large_queue() {
        let mut output = Output::default();
        for _ in 0..1000 {
            push(&mut output, "", vec![0; MAX_COPIED_BODY + 1]);
        }
        let mut narrow = pin!(Narrow(Vec::new()));

        let mut context = Context::from_waker(Waker::noop());
        output.write(&mut narrow, &mut context).unwrap();
        output.shrink_when_idle();

        assert!(
            output.tail.capacity() <= IDLE_BUFFER_CAPACITY && output.queue.capacity() <= MAX_SLICES
        );
    }
}
