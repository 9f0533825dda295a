//! What clients have written down about a message: the records of the trace topic (`TraceDataEncoder`), read
//! and printed. Records of other messages and of kinds that are not known are passed over.

use std::collections::BTreeMap;

use bytestring::ByteString;
use mq_core::message::MessageExt;
use serde::Serialize;

use super::view;
use crate::output::{OutputError, Table, say_json};
use crate::printable::printable;
use crate::time::shown_if_known;

/// Ends a field of a record.
const FIELD: char = '\u{1}';
/// Ends a record.
const RECORD: char = '\u{2}';

/// The records about a message, in the order of time.
#[derive(Debug)]
pub(super) struct Trace(Vec<Event>);

/// Something that happened to a message. Scripts read these names.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    /// `sent`, `consumed`, `ended` for the end of a transaction, or `recalled`.
    what: &'static str,
    /// When it began or, for what was consumed, ended, in ms since 1970.
    at: Option<i64>,
    /// `success` or `failed`; further `timedOut`, `exception`, `returnedNull` and `unfinished` for what was consumed,
    /// and the state of a transaction.
    status: String,
    cost_ms: Option<i64>,
    /// The producer's or the consumer's group.
    group: Option<String>,
    /// Where the client is, as the brokers see it.
    client: String,
    /// How often it was tried before.
    attempts_before: Option<i32>,
    id: String,
    topic: Option<String>,
    tag: Option<String>,
    keys: Vec<String>,
    /// The broker's address.
    broker: Option<String>,
    offset_id: Option<String>,
    /// What the records of one call have in common.
    #[serde(skip)]
    call: Option<String>,
}

impl Trace {
    /// What `found` in the trace topic has about the message with that id, or the messages with that key.
    pub(super) fn of(id: &str, found: &[(ByteString, MessageExt)]) -> Self {
        let mut events = Vec::new();
        for (_, message) in found {
            let body = view::body_of(message);
            let client = message.born_host.to_string();
            let records = String::from_utf8_lossy(&body);
            let records = records.split(RECORD);
            let records = records.filter_map(|record| Event::read(record, &client));
            events.extend(records.filter(|event| event.is_about(id)));
        }
        events.sort_by_key(|event| event.at);
        Self(whole_calls(events))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn print(&self, json: bool) -> Result<(), OutputError> {
        if json {
            return say_json(&self.0);
        }
        let mut table = Table::new([
            "AT (UTC)",
            "WHAT",
            "STATUS",
            "COST",
            "TRIED BEFORE",
            "GROUP",
            "CLIENT",
            "ID",
        ]);
        for event in &self.0 {
            let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
            table.row([
                shown_if_known(event.at),
                event.what.to_owned(),
                printable(&event.status),
                or_dash(event.cost_ms.map(|ms| format!("{ms} ms"))),
                or_dash(event.attempts_before.map(|count| count.to_string())),
                printable(event.group.as_deref().unwrap_or("-")),
                event.client.clone(),
                printable(&event.id),
            ]);
        }
        table.print()
    }
}

/// The record of a call's end says how it ended, the one of its beginning how often it was tried before; of a call
/// that has not ended there is only the latter.
fn whole_calls(events: Vec<Event>) -> Vec<Event> {
    let mut begun = BTreeMap::new();
    let mut whole = Vec::new();
    for event in events {
        match &event.call {
            Some(call) if event.status == UNFINISHED => {
                begun.insert((call.clone(), event.id.clone()), event);
            }
            _ => whole.push(event),
        }
    }
    for event in &mut whole {
        let call = event.call.clone().unwrap_or_default();
        if let Some(begin) = begun.remove(&(call, event.id.clone())) {
            event.attempts_before = begin.attempts_before;
            event.at = event.at.or(begin.at);
            event.group = event.group.take().or(begin.group);
        }
    }
    whole.extend(begun.into_values());
    whole.sort_by_key(|event| event.at);
    whole
}

/// The status of a call of which only the beginning is known.
const UNFINISHED: &str = "unfinished";

impl Event {
    fn read(record: &str, client: &str) -> Option<Self> {
        let fields: Vec<_> = record.split(FIELD).collect();
        let field = |at: usize| fields.get(at).copied().filter(|text| !text.is_empty());
        // Java's text for what is missing.
        let text = |at| field(at).filter(|text| *text != "null").map(str::to_owned);
        let number = |at| field(at)?.parse::<i64>().ok();
        let ended = |at| {
            Some(
                if field(at)? == "true" {
                    "success"
                } else {
                    "failed"
                }
                .to_owned(),
            )
        };
        let of_kind = |what, id, keys| {
            Some(Self {
                what,
                id: text(id)?,
                keys: keys_of(text(keys)),
                client: client.to_owned(),
                ..Self::default()
            })
        };
        let stored = |what| {
            Some(Self {
                at: number(1),
                group: text(3),
                topic: text(4),
                tag: text(6),
                broker: text(8),
                ..of_kind(what, 5, 7)?
            })
        };
        Some(match *fields.first()? {
            "Pub" => {
                // Clients before 4.7 do not say where it lies.
                let (offset_id, success) = if fields.len() == 13 {
                    (None, 12)
                } else {
                    (text(12), 13)
                };
                Self {
                    cost_ms: number(10),
                    status: ended(success)?,
                    offset_id,
                    ..stored("sent")?
                }
            }
            "SubBefore" => Self {
                at: number(1),
                group: text(3),
                call: text(4),
                attempts_before: number(6).and_then(|count| count.try_into().ok()),
                status: UNFINISHED.to_owned(),
                ..of_kind("consumed", 5, 7)?
            },
            "SubAfter" => Self {
                call: text(1),
                cost_ms: number(3),
                status: match (field(4)?, field(6)) {
                    (_, Some("1")) => "timedOut".to_owned(),
                    (_, Some("2")) => "exception".to_owned(),
                    (_, Some("3")) => "returnedNull".to_owned(),
                    _ => ended(4)?,
                },
                at: number(7),
                group: text(8),
                ..of_kind("consumed", 2, 5)?
            },
            "EndTransaction" => Self {
                status: text(11)?,
                ..stored("ended")?
            },
            "Recall" => Self {
                at: number(1),
                group: text(3),
                topic: text(4),
                status: ended(6)?,
                ..of_kind("recalled", 5, usize::MAX)?
            },
            _ => return None,
        })
    }

    /// The ids of a batch stand behind one another.
    fn is_about(&self, id: &str) -> bool {
        self.id.split(',').any(|own| own == id) || self.keys.iter().any(|key| key == id)
    }
}

fn keys_of(text: Option<String>) -> Vec<String> {
    let text = text.unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by Apache's `TraceDataEncoder`.
    const JAVA: &str = include_str!("../../../mq-core/tests/golden/traces-5.3.3.txt");

    fn read(records: &str) -> Vec<Event> {
        let events = records.split(RECORD);
        events
            .filter_map(|record| Event::read(record, "client"))
            .collect()
    }

    #[test]
    fn records_of_java_are_read() {
        let events = read(JAVA);

        let kinds: Vec<_> = events
            .iter()
            .map(|event| (event.what, event.status.as_str()))
            .collect();
        let expected = [
            ("sent", "success"),
            ("sent", "success"),
            ("sent", "success"),
            ("sent", "failed"),
            ("consumed", UNFINISHED),
            ("consumed", UNFINISHED),
            ("consumed", "success"),
            ("consumed", "timedOut"),
            ("consumed", "failed"),
            ("ended", "COMMIT_MESSAGE"),
            ("ended", "ROLLBACK_MESSAGE"),
            ("ended", "UNKNOW"),
        ];
        assert_eq!(kinds, expected);
        let sent = &events[0];
        assert_eq!(
            (sent.cost_ms, sent.group.as_deref(), sent.topic.as_deref()),
            (Some(7), Some("shop"), Some("order-topic"))
        );
        assert_eq!(
            (sent.keys.join("+"), sent.tag.as_deref()),
            ("order-1+x".to_owned(), Some("paid"))
        );
        assert_eq!(
            sent.offset_id.as_deref(),
            Some("7F00000100002A9F0000000000000000")
        );
        assert_eq!((&*events[1].keys, &events[1].tag), (&[][..], &None));
        assert_eq!(events[5].attempts_before, Some(3));
        assert!(
            events
                .iter()
                .all(|event| event.at == Some(1_700_000_000_123))
        );
    }

    #[test]
    fn beginning_and_end_of_a_call_are_one_row() {
        let records = "SubBefore|5|r|g|CALL-1|ID|2|k#SubAfter|CALL-1|ID|7|false|k|4|9|g#SubBefore|8|r|h|CALL-2|ID|0|k#";
        let events = whole_calls(read(&records.replace('|', "\u{1}").replace('#', "\u{2}")));

        let rows: Vec<_> = events
            .iter()
            .map(|event| {
                (
                    event.at,
                    event.group.as_deref(),
                    event.status.as_str(),
                    event.attempts_before,
                )
            })
            .collect();
        let expected = [
            (Some(8), Some("h"), UNFINISHED, Some(0)),
            (Some(9), Some("g"), "failed", Some(2)),
        ];
        assert_eq!(rows, expected);
    }

    #[test]
    fn a_record_of_a_stranger_is_passed_over() {
        assert_eq!(
            read("Pub\u{1}1\u{2}SubAfter\u{2}Other\u{1}1\u{1}2\u{2}\u{2}"),
            []
        );
    }

    #[test]
    fn a_message_is_found_by_its_key_and_by_its_id_in_a_batch() {
        let event = Event {
            id: "A,B".to_owned(),
            keys: vec!["k".to_owned()],
            ..Event::default()
        };

        assert!(["A", "B", "k"].into_iter().all(|id| event.is_about(id)));
        assert!(!event.is_about("A,B,C"));
    }
}
