//! The dialect: what fastjson writes is read, what is written is strict JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

use super::{BodyError, MAX_CONTAINERS, MAX_DEPTH, MAX_VALUES, read, write};
use crate::message::{MessageQueue, TopicName};
use crate::wire::body::{
    BrokerData, ConsumeFromWhere, ConsumeType, HeartbeatData, MessageModel, SubscriptionData,
};

fn tree(text: &str) -> Result<Value, BodyError> {
    read(text.as_bytes())
}

#[test]
fn keys_may_be_bare_quoted_twice_or_once_and_numbers() {
    let expected: BTreeMap<i64, String> = BTreeMap::from([(0, "a".into()), (1, "b".into())]);
    for text in [
        r#"{0:"a",1:"b"}"#,
        r#"{"0":"a","1":"b"}"#,
        "{'0':'a','1':'b'}",
        " { 0 : \"a\" ,\n\t1:\"b\" , } \r\n",
    ] {
        assert_eq!(
            read::<BTreeMap<i64, String>>(text.as_bytes()).unwrap(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn objects_that_are_keys_are_read_as_what_they_are_or_as_text() {
    let text = br#"{{"brokerName":"b","queueId":"3",topic:'t'}:7}"#;
    let queue = MessageQueue::new(TopicName::new("t").unwrap(), "b", 3);

    assert_eq!(
        read::<BTreeMap<MessageQueue, i64>>(text).unwrap(),
        BTreeMap::from([(queue, 7)])
    );
    assert_eq!(
        read::<BTreeMap<String, i64>>(text).unwrap(),
        BTreeMap::from([(
            r#"{"brokerName":"b","queueId":"3",topic:'t'}"#.to_owned(),
            7
        )])
    );
}

#[test]
fn a_heartbeat_of_a_cpp_client_is_read() {
    let text = br#"{"clientID":"c","consumerDataSet":[{"groupName":"g","consumeFromWhere":0,
        "consumeType":1,"messageModel":1,"subscriptionDataSet":[{"topic":"t",
        "subString":"TagA || TagB","subVersion":"1795238895988","codeSet":["0",0],
        "tagsSet":["TagA","TagB"]}]}],"producerDataSet":[]}"#;

    let heartbeat: HeartbeatData = read(text).unwrap();

    let consumer = &heartbeat.consumer_data_set[0];
    assert_eq!(
        consumer.consume_from_where,
        ConsumeFromWhere::ConsumeFromLastOffset
    );
    assert_eq!(consumer.consume_type, ConsumeType::ConsumePassively);
    assert_eq!(consumer.message_model, MessageModel::Clustering);
    let wanted = &consumer.subscription_data_set[0];
    assert_eq!(wanted.sub_version, 1_795_238_895_988);
    assert_eq!(wanted.code_set, [0, 0]);
    assert_eq!(wanted.expression_type, "TAG");
}

#[test]
fn every_name_and_every_ordinal_of_java_is_the_same_variant() {
    fn check<T: DeserializeOwned + PartialEq + std::fmt::Debug>(names: &[&str]) {
        for (ordinal, name) in names.iter().enumerate() {
            let by_name: T = read(format!("\"{name}\"").as_bytes()).unwrap();
            for text in [ordinal.to_string(), format!("\"{ordinal}\"")] {
                assert_eq!(read::<T>(text.as_bytes()).unwrap(), by_name, "{name}");
            }
        }
        assert!(read::<T>(names.len().to_string().as_bytes()).is_err());
        assert!(read::<T>(b"\"NO_SUCH_NAME\"").is_err());
    }

    check::<ConsumeType>(&["CONSUME_ACTIVELY", "CONSUME_PASSIVELY", "CONSUME_POP"]);
    check::<MessageModel>(&["BROADCASTING", "CLUSTERING"]);
    check::<ConsumeFromWhere>(&[
        "CONSUME_FROM_LAST_OFFSET",
        "CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST",
        "CONSUME_FROM_MIN_OFFSET",
        "CONSUME_FROM_MAX_OFFSET",
        "CONSUME_FROM_FIRST_OFFSET",
        "CONSUME_FROM_TIMESTAMP",
    ]);
}

#[test]
fn null_unknown_and_missing_members_leave_the_default() {
    let text =
        br#"{"topic":null,"subString":"*","neverHeardOf":[{{}:[null,'x']}],"codeSet":[null,1]}"#;

    let read: SubscriptionData = read(text).unwrap();

    assert_eq!(
        read,
        SubscriptionData {
            sub_string: "*".into(),
            code_set: vec![1],
            ..SubscriptionData::default()
        }
    );
}

#[test]
fn what_is_absent_is_not_written() {
    let broker = BrokerData::default();

    assert_eq!(
        write(&broker),
        r#"{"brokerAddrs":{},"brokerName":"","cluster":"","enableActingMaster":false}"#
    );
    let all_absent = BTreeMap::from([("a", None), ("b", Some(1)), ("c", None)]);
    assert_eq!(write(&all_absent), r#"{"b":1}"#);
}

#[test]
fn escapes_of_java_and_of_javascript_are_read() {
    let read = |text: &str| tree(text).map(|value| value.as_str().map(str::to_owned));

    assert_eq!(
        read(r#""\u4e3b\"\'\\\/\b\f\n\r\t\v\x41\0""#)
            .unwrap()
            .unwrap(),
        "主\"'\\/\u{8}\u{c}\n\r\t\u{b}A\0"
    );
    assert_eq!(read(r#""\ud83d\ude00""#).unwrap().unwrap(), "😀");
    assert_eq!(read(r#""\ud83dx""#).unwrap().unwrap(), "\u{FFFD}x");
    assert_eq!(read(r#""\ud83d\u0041""#).unwrap().unwrap(), "\u{FFFD}A");
    for broken in [
        r#""\u12"#,
        r#""\u12g4""#,
        r#""\u+123""#,
        r#""\q""#,
        r#""\"#,
        r#""\x""#,
        "\"a",
    ] {
        assert!(read(broken).is_err(), "{broken}");
    }
}

#[test]
fn what_is_no_json_in_any_dialect_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "}",
        "{]",
        "[}",
        "[1 2]",
        "{1:2 3:4}",
        "{1}",
        "{:1}",
        "{1:}",
        "nul",
        "nulll",
        "tru",
        "1x",
        "--1",
        "1..2",
        "[1]]",
        "{}{}",
        "1 2",
        "NaN",
        "Infinity",
        "\u{0}",
        "{{:1}",
        "{{}}",
        "{[1}:2}",
        "\\",
        "{\"a\"\"b\"}",
    ] {
        assert!(tree(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_error_says_where_it_is() {
    let error = read::<SubscriptionData>(br#"{"topic":"t","subVersion":"x"}"#).unwrap_err();

    assert_eq!(
        error.to_string(),
        "the body cannot be read at byte 29: `x` is not a whole number in range"
    );
    assert_eq!(read::<Value>(b"\"ab\xFFcd\"").unwrap_err().at, 3);
}

#[test]
fn nesting_is_limited_in_values_keys_and_what_is_ignored() {
    let deep = usize::try_from(MAX_DEPTH).unwrap();
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(tree(&nested(deep)).is_ok());
    assert!(tree(&nested(deep + 1)).is_err());

    let endless = [
        "[".repeat(1_000_000),
        "{".repeat(1_000_000),
        "{a:".repeat(1_000_000),
        "{\"neverHeardOf\":".repeat(1_000_000),
        "[{".repeat(1_000_000),
        "{[".repeat(1_000_000),
    ];
    for text in endless {
        assert!(tree(&text).is_err());
        assert!(read::<SubscriptionData>(text.as_bytes()).is_err());
        assert!(read::<BTreeMap<MessageQueue, i64>>(text.as_bytes()).is_err());
    }
}

#[test]
fn a_text_of_nothing_but_tiny_values_is_refused() {
    let list = |element: &str, count: usize| format!("[{}]", vec![element; count].join(","));

    assert!(read::<Vec<i64>>(list("0", MAX_VALUES).as_bytes()).is_ok());
    assert!(read::<Vec<i64>>(list("0", MAX_VALUES + 1).as_bytes()).is_err());
    assert!(read::<Vec<i64>>(list("null", MAX_VALUES + 1).as_bytes()).is_ok());
    assert!(read::<Vec<SubscriptionData>>(list("{}", MAX_CONTAINERS).as_bytes()).is_err());
    let object = r#"{"topic":"a topic with a long name"}"#;
    let objects = list(object, MAX_CONTAINERS + 1);
    assert!(read::<Vec<SubscriptionData>>(objects.as_bytes()).is_ok());
}

/// Trees without `null`, which means absent.
fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Number::from_f64(f64::from(number) / 4.0).into()),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// One of `of` ways.
fn choose(choices: &mut impl Iterator<Item = u8>, of: u8) -> usize {
    let choice = choices.next().unwrap_or(0).checked_rem(of);
    choice.unwrap_or(0).into()
}

/// The same as fastjson might write it; `choices` decide at every turn.
fn in_dialect(value: &Value, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    let space = ["", " ", "\n", "\t "][choose(choices, 4)];
    let comma = ["", ",", ", ,"][choose(choices, 3)];
    match value {
        Value::Array(list) => {
            out.push('[');
            for (n, element) in list.iter().enumerate() {
                out.push_str(if n == 0 { space } else { "," });
                in_dialect(element, choices, out);
            }
            out.push_str(comma);
            out.push(']');
        }
        Value::Object(members) => {
            out.push('{');
            for (n, (name, member)) in members.iter().enumerate() {
                out.push_str(if n == 0 { space } else { "," });
                let bare =
                    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
                match choose(choices, 2) {
                    1 if bare => out.push_str(name),
                    _ => text_in_dialect(name, choices, out),
                }
                out.push_str(space);
                out.push(':');
                in_dialect(member, choices, out);
            }
            out.push_str(comma);
            out.push('}');
        }
        Value::String(text) => text_in_dialect(text, choices, out),
        other => out.push_str(&other.to_string()),
    }
}

fn text_in_dialect(text: &str, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    let quote = ['"', '\''][choose(choices, 2)];
    out.push(quote);
    for c in text.chars() {
        if choose(choices, 4) == 3 {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").unwrap();
            }
        } else if c == quote || c == '\\' {
            out.extend(['\\', c]);
        } else {
            out.push(c);
        }
    }
    out.push(quote);
}

proptest! {
    #[test]
    fn whatever_is_written_is_strict_json_and_read_again(value in trees()) {
        let written = write(&value);

        prop_assert_eq!(&serde_json::from_slice::<Value>(&written).unwrap(), &value);
        prop_assert_eq!(read::<Value>(&written).unwrap(), value);
    }

    #[test]
    fn every_spelling_of_the_dialect_is_read_as_the_same_value(
        value in trees(),
        choices in prop::collection::vec(any::<u8>(), 64),
    ) {
        let mut text = String::new();
        in_dialect(&value, &mut choices.into_iter().cycle(), &mut text);

        prop_assert_eq!(read::<Value>(text.as_bytes()).unwrap(), value, "{}", text);
    }

    #[test]
    fn queues_as_keys_are_read_as_they_were_written(
        table in prop::collection::btree_map(
            ("[a-zA-Z0-9_%|-]{1,20}", any::<String>(), any::<i32>()),
            any::<i64>(),
            0..8,
        )
    ) {
        let queue = |(topic, broker, id): (String, String, i32)| {
            MessageQueue::new(TopicName::new(topic).unwrap(), broker, id)
        };
        let table: BTreeMap<_, _> = table.into_iter().map(|(key, n)| (queue(key), n)).collect();

        prop_assert_eq!(read::<BTreeMap<MessageQueue, i64>>(&write(&table)).unwrap(), table);
    }
}
