//! What waits to be written: small parts copied together, large bodies as they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

use super::Encoded;

/// Bodies up to this size are copied behind their header; larger ones cost less as a slice.
const COPIED: usize = 16 * 1024;

/// What waits to be written, in order.
#[derive(Debug, Default)]
pub(super) struct OutBuffer {
    chunks: VecDeque<Bytes>,
    tail: BytesMut,
    length: usize,
}

impl OutBuffer {
    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, encoded: Encoded) {
        self.length += encoded.head.len() + encoded.body.len();
        self.tail.extend_from_slice(&encoded.head);
        if encoded.body.len() <= COPIED {
            self.tail.extend_from_slice(&encoded.body);
        } else {
            self.chunks.push_back(self.tail.split().freeze());
            self.chunks.push_back(encoded.body);
        }
    }

    /// Fills `slices` with what is to be written next; says how many were filled.
    pub(super) fn fill<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let waiting = self
            .chunks
            .iter()
            .map(Bytes::as_ref)
            .chain([self.tail.as_ref()]);
        let waiting = waiting.filter(|chunk| !chunk.is_empty());
        let mut filled = 0;
        for (slot, chunk) in slices.iter_mut().zip(waiting) {
            *slot = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    /// Drops `written` bytes off the front.
    pub(super) fn advance(&mut self, mut written: usize) {
        self.length -= written;
        while let Some(front) = self.chunks.front_mut() {
            if written < front.len() {
                front.advance(written);
                return;
            }
            written -= front.len();
            self.chunks.pop_front();
        }
        self.tail.advance(written);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_sizes_the_bytes_come_out_in_order() {
        let mut buffer = OutBuffer::default();
        let mut expected = Vec::new();
        for size in [0, 10, COPIED, COPIED + 1, 3 * COPIED, 5] {
            let body = Bytes::from(vec![u8::try_from(size % 251).unwrap(); size]);
            expected.extend_from_slice(b"head");
            expected.extend_from_slice(&body);
            buffer.push(Encoded {
                head: BytesMut::from(&b"head"[..]),
                body,
            });
        }

        let mut seen = Vec::new();
        while !buffer.is_empty() {
            let mut slices = [IoSlice::new(&[]); 2];
            let filled = buffer.fill(&mut slices);
            let taken: Vec<u8> = slices[..filled].iter().flat_map(|s| s.to_vec()).collect();
            let taken = &taken[..taken.len().min(7_777)];
            seen.extend_from_slice(taken);
            buffer.advance(taken.len());
        }

        assert_eq!(seen, expected);
    }
}
