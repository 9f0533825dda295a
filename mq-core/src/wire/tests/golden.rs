//! What Apache's own clients, brokers and name servers sent, byte for byte (`tests/golden`): read,
//! written again and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use bytes::BytesMut;
use serde_json::Value;

use super::cases::{self, Case, Side};
use crate::message::batch;
use crate::message::record::RecordView;
use crate::wire::body::{RegisterBrokerBody, TopicRouteData};
use crate::wire::header::RegisterBroker;
use crate::wire::{
    Encoding, Fields, Header, Language, RemotingCommand, RequestCode, ResponseCode, fastjson, frame,
};

/// Fields that any request may carry and nobody here reads: logical broker name, kind of stream.
const UNREAD_FIELDS: [&str; 2] = ["bname", "ReqT"];

/// Members of static topics, which are not built.
const UNREAD_MEMBERS: [&str; 3] = [
    "mappingDataVersion",
    "topicQueueMappingDetailMap",
    "topicQueueMappingInfoMap",
];

/// Fields that only one of two releases writes: the older name, or none at all.
const OF_ONE_RELEASE: [&str; 3] = ["boundaryType", "cleanOffset", "removeOffset"];

/// Requests that have no typed header yet; their frames and bodies are read all the same.
const UNTYPED: [i32; 3] = [26, 319, 9_999];

/// Requests of administrators that the recorded program does not make.
const UNRECORDED: [i32; 28] = [
    18, 25, 43, 45, 225, 305, 306, 308, 311, 312, 313, 314, 316, 318, 323, 328, 329, 343, 345, 353,
    401, 402, 901, 904, 907, 908, 2003, 2004,
];

/// Go's client alone sends it, with the fields of 10.
const OF_GO: RequestCode = RequestCode::SEND_REPLY_MESSAGE;

/// What brokers and clients tell each other without an answer.
const TOLD: [i32; 4] = [37, 39, 40, 220];

/// Bodies that are records, one after the other.
const RECORDS: [i32; 6] = [11, 12, 33, 39, 309, 361];

struct Exchange {
    stem: String,
    code: i32,
    encoding: Encoding,
    request: (BytesMut, RemotingCommand),
    answer: Option<(BytesMut, RemotingCommand)>,
}

fn exchanges() -> Vec<Exchange> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let index = fs::read_to_string(root.join("index.tsv")).unwrap();
    let lines = index.lines().skip(1);
    lines
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let stem = columns[5].to_owned();
            let read = |side: &str| {
                let bytes = fs::read(root.join(format!("{stem}.{side}.bin"))).ok()?;
                Some(decode(BytesMut::from(bytes.as_slice())))
            };
            Exchange {
                code: columns[0].parse().unwrap(),
                encoding: match columns[2] {
                    "json" => Encoding::Json,
                    _ => Encoding::Binary,
                },
                request: read("request").unwrap(),
                answer: read("answer"),
                stem,
            }
        })
        .collect()
}

/// Every frame that was recorded.
pub(super) fn frames() -> Vec<BytesMut> {
    let all = exchanges().into_iter();
    all.flat_map(|exchange| std::iter::once(exchange.request).chain(exchange.answer))
        .map(|(bytes, _)| bytes)
        .collect()
}

fn decode(bytes: BytesMut) -> (BytesMut, RemotingCommand) {
    let mut rest = bytes.clone();
    let framed = frame::decode(&mut rest, frame::DEFAULT_LIMIT).unwrap();
    assert!(rest.is_empty());
    (bytes, RemotingCommand::from_frame(framed.unwrap()).unwrap())
}

fn both(exchange: &Exchange) -> impl Iterator<Item = &(BytesMut, RemotingCommand)> {
    std::iter::once(&exchange.request).chain(&exchange.answer)
}

fn case_of(code: i32) -> Option<Case> {
    cases::all().into_iter().find(|case| case.code.0 == code)
}

#[test]
fn every_frame_is_read_and_means_the_same_when_written_again() {
    for exchange in exchanges() {
        assert_eq!(exchange.request.1.head.code, exchange.code);
        for (bytes, command) in both(&exchange) {
            assert_eq!(command.encoding, exchange.encoding, "{}", exchange.stem);
            assert_eq!(command.head.language, Language::Java);
            let mut again = BytesMut::new();
            command.encode(&mut again).unwrap();

            assert_eq!(decode(again.clone()).1, *command, "{}", exchange.stem);
            match exchange.encoding {
                Encoding::Binary => assert_eq!(again, bytes, "{}", exchange.stem),
                Encoding::Json => assert_eq!(json_head(&again), json_head(bytes)),
            }
        }
    }
}

/// The JSON header without the members that may as well be absent.
fn json_head(bytes: &BytesMut) -> Value {
    let framed = frame::decode(&mut bytes.clone(), frame::DEFAULT_LIMIT);
    let framed = framed.unwrap().unwrap();
    let mut head: Value = serde_json::from_slice(&framed.header).unwrap();
    let members = head.as_object_mut().unwrap();
    members.retain(|_, value| !is_default(value));
    head
}

#[test]
fn an_answer_belongs_to_its_request() {
    for exchange in exchanges() {
        let request = &exchange.request.1.head;
        let Some((_, answer)) = &exchange.answer else {
            continue;
        };

        assert_eq!(answer.head.opaque, request.opaque, "{}", exchange.stem);
        assert!(answer.head.is_answer() && !request.is_answer());
        assert!(!request.is_one_way(), "{}", exchange.stem);
    }
}

#[test]
fn typed_headers_have_every_field_that_apaches_have() {
    for exchange in exchanges() {
        let Some(case) = case_of(exchange.code) else {
            assert!(UNTYPED.contains(&exchange.code), "{}", exchange.stem);
            continue;
        };
        compare_fields(&exchange.stem, &case.request, &exchange.request.1.fields);
        if let Some((_, answer)) = &exchange.answer
            && case.accepts.contains(&ResponseCode(answer.head.code))
        {
            compare_fields(&exchange.stem, &case.answer, &answer.fields);
        }
    }
}

#[test]
fn every_request_and_its_answer_was_recorded_in_both_encodings() {
    let recorded: BTreeSet<_> = exchanges()
        .into_iter()
        .filter(|exchange| exchange.answer.is_some() || TOLD.contains(&exchange.code))
        .map(|exchange| (exchange.code, exchange.encoding == Encoding::Json))
        .collect();

    let recordable = |case: &Case| case.code != OF_GO && !UNRECORDED.contains(&case.code.0);
    for case in cases::all().into_iter().filter(recordable) {
        for json in [true, false] {
            let code = case.code.0;
            assert!(recorded.contains(&(code, json)), "{code}, JSON: {json}");
        }
    }
}

#[test]
fn a_code_that_nobody_knows_is_refused_with_3() {
    for exchange in exchanges().into_iter().filter(|e| e.code == 9_999) {
        let (_, answer) = exchange.answer.unwrap();

        assert_eq!(
            ResponseCode(answer.head.code),
            ResponseCode::REQUEST_CODE_NOT_SUPPORTED
        );
    }
}

fn compare_fields(stem: &str, side: &Side, theirs: &Fields) {
    let ours = (side.reread)(theirs).unwrap();
    let (ours, theirs) = (table(&ours), table(theirs));
    for (name, value) in &theirs {
        if !UNREAD_FIELDS.contains(name) && !OF_ONE_RELEASE.contains(name) {
            assert_eq!(ours.get(name), Some(value), "{stem}: {name}");
        }
    }
    for name in ours.keys().filter(|name| !theirs.contains_key(*name)) {
        assert!(OF_ONE_RELEASE.contains(name), "{stem}: {name} is new");
    }
}

fn table(fields: &Fields) -> BTreeMap<&str, &str> {
    fields.iter().filter(|(name, _)| *name != "bname").collect()
}

#[test]
fn bodies_mean_the_same_when_written_again() {
    let mut compared = BTreeSet::new();
    for exchange in exchanges() {
        let Some(case) = case_of(exchange.code) else {
            continue;
        };
        let answer = exchange.answer.as_ref();
        let sides = [
            (&case.request, Some(&exchange.request)),
            (&case.answer, answer),
        ];
        for (side, frame) in sides {
            let (Some(reread), Some((_, command))) = (side.reread_body, frame) else {
                continue;
            };
            if command.body.is_empty() {
                continue;
            }
            let ours = reread(&command.body).unwrap();

            let theirs: Value = fastjson::read(&command.body).unwrap();
            let ours: Value = fastjson::read(&ours).unwrap();
            assert_covers(&ours, &theirs, &exchange.stem);
            compared.insert(exchange.code);
        }
    }
    let bodies = [
        21, 28, 34, 38, 41, 42, 46, 103, 105, 106, 200, 201, 202, 203, 204, 206, 208, 217, 219,
        220, 221, 222, 223, 224, 300, 303, 304, 307, 309, 315, 317, 321, 322, 351, 352,
    ];
    assert_eq!(compared, BTreeSet::from(bodies));
}

/// Everything of theirs is in ours, and what is only in ours is a default.
fn assert_covers(ours: &Value, theirs: &Value, place: &str) {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (name, value) in theirs {
                if UNREAD_MEMBERS.contains(&name.as_str()) {
                    continue;
                }
                let place = format!("{place}.{name}");
                let mine = ours.get(name);
                assert_covers(mine.unwrap_or(&Value::Null), value, &place);
            }
            for (name, value) in ours {
                let default = theirs.contains_key(name) || is_default(value);
                assert!(default || only_in_5(name), "{place}.{name} is new");
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len(), "{place}");
            for (ours, theirs) in ours.iter().zip(theirs) {
                assert_covers(ours, theirs, place);
            }
        }
        _ => assert_eq!(ours, theirs, "{place}"),
    }
}

/// Members that 4.9 lacks and whose default is not an empty value.
fn only_in_5(name: &str) -> bool {
    matches!(name, "consumeTimeoutMinute" | "groupRetryPolicy")
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty() || text == "JSON",
        Value::Array(list) => list.is_empty(),
        Value::Object(object) => object.is_empty(),
    }
}

#[test]
fn bodies_of_every_other_request_are_read_too() {
    const TEXT: [i32; 2] = [26, 319];
    const PLAIN: [i32; 4] = [10, 310, 325, 326];
    for exchange in exchanges() {
        for (_, command) in both(&exchange) {
            let body = &command.body;
            let records = RECORDS.contains(&exchange.code) && !body.starts_with(b"{");
            let json = !body.is_empty() && exchange.code != 320 && !records;
            if json && !TEXT.contains(&exchange.code) && !PLAIN.contains(&exchange.code) {
                let read = fastjson::read::<Value>(body);
                assert!(
                    read.is_ok_and(|value| value.is_object()),
                    "{}",
                    exchange.stem
                );
            }
        }
    }
}

#[test]
fn records_in_bodies_are_read_one_after_the_other() {
    let mut seen = 0;
    for exchange in exchanges()
        .into_iter()
        .filter(|e| RECORDS.contains(&e.code))
    {
        for (_, command) in both(&exchange).filter(|(_, command)| command.body.starts_with(&[0])) {
            let mut rest = command.body.as_ref();
            while !rest.is_empty() {
                let record = RecordView::parse(rest).unwrap();
                assert!(record.check_body().is_ok(), "{}", exchange.stem);
                rest = &rest[record.size..];
                seen += 1;
            }
        }
    }
    assert!(seen >= 12, "only {seen} records");
}

#[test]
fn the_batch_of_a_java_producer_is_read() {
    for exchange in exchanges().into_iter().filter(|e| e.code == 320) {
        let children: Vec<_> = batch::decode(exchange.request.1.body.clone())
            .map(Result::unwrap)
            .collect();

        let bodies: Vec<_> = children.iter().map(|child| child.body.as_ref()).collect();
        assert_eq!(bodies, [&b"second"[..], b"third"], "{}", exchange.stem);
        assert_eq!(children[0].properties.get("KEYS"), Some("order-2"));
    }
}

#[test]
fn the_registration_of_a_java_broker_has_the_checksum_it_says() {
    for exchange in exchanges().into_iter().filter(|e| e.code == 103) {
        let command = &exchange.request.1;
        let header = RegisterBroker::read(&command.fields).unwrap();
        assert_ne!(header.body_crc32, 0);

        let body = RegisterBrokerBody::decode(&header, command.head.version, &command.body);

        let topics = body.unwrap().topic_config_serialize_wrapper;
        assert_eq!(topics.topic_config_table["TBW102"].perm, 7);
    }
}

#[test]
fn a_route_is_written_byte_for_byte_as_java_writes_it() {
    let is_route = |e: &Exchange| e.stem == "5.3.3-json/105-get-route-info-by-topic";
    let exchange = exchanges().into_iter().find(is_route).unwrap();
    let body = exchange.answer.unwrap().1.body;

    let route: TopicRouteData = fastjson::read(&body).unwrap();

    assert_eq!(fastjson::write(&route), body);
}
