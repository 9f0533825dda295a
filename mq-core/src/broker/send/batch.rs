//! The body of a batch: messages one behind the other (`MessageDecoder.encodeMessage`).
//!
//! Invariant: every length is checked before anything is taken; bodies stay slices of the request.

use bytes::{Buf, Bytes};

use super::prepare::illegal;
use crate::remoting::Incoming;
use crate::wire::Refusal;
use crate::wire::header::SendMessage;

/// One message of a batch.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) flag: i32,
    pub(super) body: Bytes,
    pub(super) properties: Bytes,
}

/// What is refused about a batch as a whole.
pub(super) fn check(request: &Incoming<SendMessage>, limit: usize) -> Result<(), Refusal> {
    let topic = &request.header.topic;
    if topic.starts_with("%RETRY%") {
        return Err(illegal("batch request does not support retry group"));
    }
    if topic.len() > 127 {
        return Err(illegal("the topic of a batch is longer than 127 bytes"));
    }
    let found = request.body.len();
    if found > limit {
        let remark = format!("a batch of {found} bytes is longer than the limit of {limit}");
        return Err(illegal(&remark));
    }
    Ok(())
}

/// The messages of a batch, in order; ends at the first that cannot be read.
pub(super) fn children(body: &Bytes) -> impl Iterator<Item = Result<Child, Refusal>> + use<> {
    let mut rest = body.clone();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let child = child(&mut rest);
        if child.is_none() {
            rest.clear();
        }
        Some(child.ok_or_else(|| illegal("the batch cannot be read")))
    })
}

fn child(rest: &mut Bytes) -> Option<Child> {
    const HEAD: usize = 12;

    let before = rest.len();
    let size = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    if size > before {
        return None;
    }
    // Mark and checksum: nobody fills them.
    (rest.len() >= HEAD).then(|| rest.advance(8))?;
    let flag = rest.try_get_i32().ok()?;
    let length = usize::try_from(rest.try_get_u32().ok()?).ok()?;
    let body = take(rest, length)?;
    let length = usize::from(rest.try_get_u16().ok()?);
    let properties = take(rest, length)?;
    (before - rest.len() == size).then_some(Child {
        flag,
        body,
        properties,
    })
}

fn take(rest: &mut Bytes, length: usize) -> Option<Bytes> {
    (length <= rest.len()).then(|| rest.split_to(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(body: &str, properties: &str) -> Vec<u8> {
        let size = u32::try_from(22 + body.len() + properties.len()).unwrap();
        let mut out = size.to_be_bytes().to_vec();
        out.extend([0; 8]);
        out.extend(7_u32.to_be_bytes());
        out.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        out.extend(body.as_bytes());
        out.extend(u16::try_from(properties.len()).unwrap().to_be_bytes());
        out.extend(properties.as_bytes());
        out
    }

    #[test]
    fn messages_are_read_one_behind_the_other() {
        let body = Bytes::from([encoded("one", "a\u{1}1"), encoded("", "")].concat());

        let children: Vec<_> = children(&body).map(Result::unwrap).collect();

        assert_eq!(children.len(), 2);
        assert_eq!((children[0].flag, &children[0].body[..]), (7, &b"one"[..]));
        assert_eq!(children[0].properties, "a\u{1}1");
        assert!(children[1].body.is_empty());
    }

    #[test]
    fn a_batch_cut_anywhere_or_with_wrong_lengths_is_refused() {
        let whole = encoded("one", "a\u{1}1");
        for end in 1..whole.len() {
            let cut = Bytes::copy_from_slice(&whole[..end]);
            assert!(children(&cut).any(|child| child.is_err()), "cut at {end}");
        }
        for at in [0, 3, 16, 19, 24] {
            let mut wrong = whole.clone();
            wrong[at] = wrong[at].wrapping_add(1);
            assert!(
                children(&wrong.into()).any(|child| child.is_err()),
                "byte {at}"
            );
        }
    }
}
