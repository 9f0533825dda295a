//! Input that means harm: an error each time, never a panic. What it may cost in memory is
//! `tests/allocations.rs`.

use bytes::{BufMut, Bytes, BytesMut};
use proptest::prelude::*;
use proptest::sample::Index;

use super::cases;
use super::golden::frames;
use crate::message::record::RecordView;
use crate::message::subscription::TagExpression;
use crate::message::{Properties, batch};
use crate::wire::body::RegisterBrokerBody;
use crate::wire::error::MAX_FIELDS;
use crate::wire::header::{GetBrokerClusterInfo, GetRouteInfoByTopic, RegisterBroker};
use crate::wire::{Encoding, Frame, FrameError, Header, RemotingCommand, frame};

/// Reads a frame as everybody who might get it would: as every request, every answer, every body.
fn read_as_anything(bytes: &[u8]) {
    let mut rest = BytesMut::from(bytes);
    while let Ok(Some(framed)) = frame::decode(&mut rest, frame::DEFAULT_LIMIT) {
        if let Ok(command) = RemotingCommand::from_frame(framed) {
            for case in cases::all() {
                drop((case.request.reread)(&command.fields));
                drop((case.answer.reread)(&command.fields));
            }
            read_body_as_anything(&command.body);
        }
    }
}

fn read_body_as_anything(body: &Bytes) {
    for case in cases::all() {
        for side in [case.request, case.answer] {
            if let Some(reread) = side.reread_body {
                drop(reread(body));
            }
        }
    }
    drop(RecordView::parse(body));
    assert!(batch::decode(body.clone()).count() <= body.len());
    for compressed in [true, false] {
        let header = RegisterBroker {
            compressed,
            ..RegisterBroker::default()
        };
        drop(RegisterBrokerBody::decode(&header, 479, body));
    }
    let properties = Properties::from_bytes(body.clone());
    assert!(properties.iter().count() <= body.len());
    if let Ok(text) = std::str::from_utf8(body) {
        drop(TagExpression::parse(text));
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_as_anything(&bytes);
        read_body_as_anything(&bytes.into());
    }

    #[test]
    fn no_header_makes_a_reader_panic(
        header in prop::collection::vec(any::<u8>(), 0..300),
        binary in any::<bool>(),
    ) {
        let encoding = if binary { Encoding::Binary } else { Encoding::Json };
        let framed = Frame { encoding, header: header.into(), body: Bytes::new() };
        drop(RemotingCommand::from_frame(framed));
    }

    #[test]
    fn no_soup_of_json_makes_a_reader_panic(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"", "'", "\\", "\\u", "d83d", "null", "true", "0",
                "-", "1e9", "\"topic\"", "offsetTable", "\"consumerDataSet\"", "codeSet", "mqSet",
                "topicConfigSerializeWrapper", "subscriptionData", " ", "é", "\u{0}",
            ]),
            0..60,
        )
    ) {
        read_body_as_anything(&tokens.concat().into());
    }

    #[test]
    fn no_change_to_a_frame_of_apaches_makes_a_reader_panic(
        chosen in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>(), 0..4_u8), 1..5),
    ) {
        let frames = frames();
        let mut bytes = chosen.get(&frames).to_vec();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => drop(bytes.remove(at)),
                _ => bytes[at] ^= 1 << (byte % 8),
            }
        }
        read_as_anything(&bytes);
        read_body_as_anything(&bytes.split_off(bytes.len().min(8)).into());
    }
}

#[test]
fn no_cut_of_a_body_of_apaches_makes_a_reader_panic() {
    for bytes in frames() {
        let framed = frame::decode(&mut bytes.clone(), frame::DEFAULT_LIMIT);
        let body = framed.unwrap().unwrap().body;
        for end in (0..body.len()).step_by(body.len() / 40 + 1) {
            read_body_as_anything(&body.slice(..end));
        }
    }
}

fn binary_header(remark: &[u8], list_length: i32, list: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_slice(&[0, 10, 0, 1, 223, 0, 0, 0, 1, 0, 0, 0, 0]);
    out.put_i32(i32::try_from(remark.len()).unwrap());
    out.put_slice(remark);
    out.put_i32(list_length);
    out.put_slice(list);
    out.freeze()
}

fn read(encoding: Encoding, header: Bytes) -> Result<RemotingCommand, FrameError> {
    RemotingCommand::from_frame(Frame {
        encoding,
        header,
        body: Bytes::new(),
    })
}

fn field(name: &[u8], value: &[u8]) -> Vec<u8> {
    let name_length = u16::try_from(name.len()).unwrap().to_be_bytes();
    let value_length = u32::try_from(value.len()).unwrap().to_be_bytes();
    [&name_length, name, &value_length, value].concat()
}

#[test]
fn lengths_in_a_binary_header_that_lie_are_refused() {
    let good = field(b"topic", b"orders");
    let length = i32::try_from(good.len()).unwrap();
    let header = |length, list: &[u8]| read(Encoding::Binary, binary_header(b"", length, list));
    assert!(header(length, &good).is_ok());

    for lie in [-1, i32::MIN, i32::MAX, length + 1, length - 1] {
        assert!(header(lie, &good).is_err(), "{lie}");
    }
    for lie in [u16::MAX, 6, 4] {
        let mut broken = good.clone();
        broken[..2].copy_from_slice(&lie.to_be_bytes());
        assert!(header(length, &broken).is_err(), "a name of {lie} bytes");
    }
    for lie in [-1, i32::MIN, i32::MAX, 7] {
        let mut broken = good.clone();
        broken[7..11].copy_from_slice(&lie.to_be_bytes());
        assert!(header(length, &broken).is_err(), "a value of {lie} bytes");
    }
    let mut remark = binary_header(b"", 0, b"").to_vec();
    remark[13..17].copy_from_slice(&(-1_i32).to_be_bytes());
    assert!(read(Encoding::Binary, remark.into()).is_err());
}

#[test]
fn text_that_is_not_utf8_is_refused_where_it_is_read() {
    for broken in [
        field(b"to\xFFic", b"x"),
        field(b"topic", b"\xC3"),
        field(b"a", b"\xED\xA0\x80"),
    ] {
        let length = i32::try_from(broken.len()).unwrap();
        let command = read(Encoding::Binary, binary_header(b"", length, &broken)).unwrap();
        assert!(GetBrokerClusterInfo::read(&command.fields).is_ok());
        assert!(GetRouteInfoByTopic::read(&command.fields).is_err());
        assert!(command.fields.iter().next().is_none());
    }
    assert!(read(Encoding::Binary, binary_header(b"\xFF", 0, b"")).is_err());
    let json = b"{\"code\":10,\"extFields\":{\"topic\":\"\xFF\"}}";
    assert!(read(Encoding::Json, Bytes::from_static(json)).is_err());
}

#[test]
fn more_fields_than_any_request_has_are_refused() {
    let json = |count: usize| {
        let fields: Vec<_> = (0..count).map(|n| format!("\"{n}\":{n}")).collect();
        let text = format!("{{\"code\":10,\"extFields\":{{{}}}}}", fields.join(","));
        read(Encoding::Json, text.into())
    };
    let binary = |count: usize| {
        let list: Vec<u8> = (0..count).flat_map(|_| field(b"a", b"b")).collect();
        let length = i32::try_from(list.len()).unwrap();
        read(Encoding::Binary, binary_header(b"", length, &list))
    };

    for count in [MAX_FIELDS + 1, 100_000] {
        assert!(json(count).is_err());
        assert!(binary(count).is_err());
    }
    assert!(json(MAX_FIELDS).is_ok());
    assert!(binary(MAX_FIELDS).is_ok());
}

#[test]
fn deep_json_in_a_header_is_refused() {
    for member in [
        "\"a\":",
        "\"extFields\":{\"a\":",
        "\"remark\":",
        "\"code\":",
    ] {
        for bracket in ["[", "{\"a\":"] {
            let text = format!("{{\"code\":1,{member}{}", bracket.repeat(1_000_000));
            assert!(
                read(Encoding::Json, text.into()).is_err(),
                "{member}{bracket}"
            );
        }
    }
}
