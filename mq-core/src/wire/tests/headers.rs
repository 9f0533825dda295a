//! Every header: Apache's names, both encodings, what happens when a field is missing or cut.

use std::collections::BTreeMap;

use bytes::BytesMut;
use bytestring::ByteString;

use super::cases::{self, Side};
use crate::wire::{
    Encoding, FieldError, Fields, Frame, Head, RemotingCommand, RequestCode, encode, frame,
};

#[derive(Clone, Copy, PartialEq)]
enum Need {
    Mandatory,
    Optional,
    Defaulted,
}

fn samples(side: &Side) -> Vec<(&'static str, &'static str, Need)> {
    let sample = |text: &'static str| {
        let (name, value) = text.split_once('=').unwrap();
        match (name.strip_suffix('?'), name.strip_suffix('~')) {
            (Some(name), _) => (name, value, Need::Optional),
            (_, Some(name)) => (name, value, Need::Defaulted),
            _ => (name, value, Need::Mandatory),
        }
    };
    side.samples.split_whitespace().map(sample).collect()
}

fn fields<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Fields {
    let owned = |(name, value): (&str, &str)| (ByteString::from(name), ByteString::from(value));
    Fields::from_pairs(pairs.into_iter().map(owned).collect())
}

fn table(fields: &Fields) -> BTreeMap<&str, &str> {
    fields.iter().collect()
}

fn sides() -> Vec<(RequestCode, Side)> {
    let both = |case: cases::Case| [(case.code, case.request), (case.code, case.answer)];
    cases::all().into_iter().flat_map(both).collect()
}

#[test]
fn every_field_is_read_and_written_under_apaches_name() {
    for (code, side) in sides() {
        let samples = samples(&side);
        let full = fields(samples.iter().map(|(name, value, _)| (*name, *value)));

        let written = (side.reread)(&full).unwrap();

        assert_eq!(table(&written), table(&full), "{code:?}");
    }
}

#[test]
fn a_missing_field_is_named_or_absent_as_its_kind_says() {
    for (code, side) in sides() {
        for missing in samples(&side) {
            let rest = samples(&side)
                .into_iter()
                .filter(|sample| *sample != missing);
            let rest = fields(rest.map(|(name, value, _)| (name, value)));

            let read = (side.reread)(&rest);

            match missing.2 {
                Need::Mandatory => {
                    assert!(
                        matches!(read, Err(FieldError::Missing(name)) if name == missing.0),
                        "{code:?} {missing:?}",
                        missing = missing.0
                    );
                }
                Need::Optional => assert_eq!(table(&read.unwrap()), table(&rest), "{code:?}"),
                Need::Defaulted => {
                    assert!(table(&read.unwrap()).contains_key(missing.0), "{code:?}");
                }
            }
        }
    }
}

#[test]
fn every_header_survives_both_encodings_and_no_cut_makes_it_panic() {
    for (code, side) in sides() {
        let full = fields(
            samples(&side)
                .into_iter()
                .map(|(name, value, _)| (name, value)),
        );
        for encoding in [Encoding::Json, Encoding::Binary] {
            let mut bytes = BytesMut::new();
            let head = Head::request(code, 7).one_way();
            encode(&mut bytes, encoding, &head, &full, b"body").unwrap();

            let framed = frame::decode(&mut bytes.clone(), 1 << 20).unwrap().unwrap();
            let command = RemotingCommand::from_frame(framed.clone()).unwrap();

            assert_eq!(command.head, head);
            assert_eq!(command.body, "body");
            assert_eq!(
                table(&(side.reread)(&command.fields).unwrap()),
                table(&full)
            );
            for end in 0..framed.header.len() {
                let cut = Frame {
                    header: framed.header.slice(..end),
                    ..framed.clone()
                };
                assert!(RemotingCommand::from_frame(cut).is_err(), "{code:?} {end}");
            }
        }
    }
}

#[test]
fn a_number_that_is_none_is_refused_by_name() {
    for (code, side) in sides() {
        for broken in samples(&side) {
            if broken.1.parse::<i64>().is_err() || broken.2 == Need::Defaulted {
                continue;
            }
            for text in ["x", "1x", "9223372036854775808", "1.5", "０"] {
                let pairs = samples(&side)
                    .into_iter()
                    .map(|(name, value, _)| (name, if name == broken.0 { text } else { value }));

                let read = (side.reread)(&fields(pairs));

                assert!(
                    matches!(read, Err(FieldError::Malformed { name, .. }) if name == broken.0),
                    "{code:?} {name} {text}",
                    name = broken.0
                );
            }
        }
    }
}

#[test]
fn every_request_of_the_protocol_stands_in_the_list_once() {
    let mut codes: Vec<_> = cases::all().iter().map(|case| case.code).collect();
    let listed = codes.len();
    codes.sort_unstable();
    codes.dedup();

    assert_eq!(codes.len(), listed);
    let wanted = [
        10, 11, 12, 14, 15, 17, 18, 21, 25, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41,
        42, 43, 45, 46, 100, 101, 102, 103, 104, 105, 106, 200, 201, 202, 203, 204, 205, 206, 207,
        208, 215, 216, 217, 219, 220, 221, 222, 223, 224, 225, 300, 303, 304, 305, 306, 307, 308,
        309, 310, 311, 312, 313, 314, 315, 316, 317, 318, 320, 321, 322, 323, 324, 325, 326, 327,
        328, 329, 343, 345, 351, 352, 353, 361, 401, 402, 901, 904, 907, 908, 2003, 2004,
    ];
    assert_eq!(codes, wanted.map(RequestCode));
}

#[test]
fn a_group_is_deleted_with_its_offsets_under_either_releases_name() {
    let case = cases::all()
        .into_iter()
        .find(|case| case.code.0 == 207)
        .unwrap();
    for name in ["cleanOffset", "removeOffset"] {
        let written = (case.request.reread)(&fields([("groupName", "x"), (name, "true")])).unwrap();

        assert_eq!(table(&written)["cleanOffset"], "true", "{name}");
    }
}
