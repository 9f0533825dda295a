//! Prints messages: tables and lines for people, or JSON.
//!
//! Texts of a message come from whoever sent it, so that their control characters are not printed.

use bytestring::ByteString;
use mq_core::client::SendResult;
use mq_core::message::MessageExt;
use serde::Serialize;

use super::view::MessageView;
use crate::output::{OutputError, Table, say, say_json, say_json_line};
use crate::printable::printable;
use crate::time::shown;

/// The characters of a body in a table or a line; `mq message get` prints it whole.
const BODY_WIDTH: usize = 80;

#[derive(Debug)]
pub(super) struct Printer {
    json: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SentView<'a> {
    id: &'a str,
    offset_id: &'a str,
    broker: &'a str,
    queue: i32,
    offset: i64,
}

impl Printer {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn sent(&self, sent: &SendResult) -> Result<(), OutputError> {
        let (queue, offset) = (&sent.queue, sent.queue_offset.to_wire());
        if self.json {
            return say_json(&SentView {
                id: &sent.message_id,
                offset_id: &sent.offset_message_id,
                broker: &queue.broker,
                queue: queue.id,
                offset,
            });
        }
        say(&format!(
            "{} stored in {}, queue {}, offset {offset}",
            sent.message_id, queue.broker, queue.id
        ))
    }

    pub(super) fn whole(&self, messages: &[(ByteString, MessageExt)]) -> Result<(), OutputError> {
        let views: Vec<_> = messages
            .iter()
            .map(|(broker, message)| MessageView::of(broker, message))
            .collect();
        if self.json {
            return say_json(&views);
        }
        for (at, ((broker, message), view)) in messages.iter().zip(&views).enumerate() {
            if at > 0 {
                say("")?;
            }
            for line in whole(broker, message, view) {
                say(&line)?;
            }
        }
        Ok(())
    }

    pub(super) fn listed(&self, messages: &[(ByteString, MessageExt)]) -> Result<(), OutputError> {
        if self.json {
            let views: Vec<_> = messages
                .iter()
                .map(|(broker, message)| MessageView::of(broker, message))
                .collect();
            return say_json(&views);
        }
        if messages.is_empty() {
            return say("no messages");
        }
        let mut table = Table::new([
            "ID",
            "STORED (UTC)",
            "BROKER",
            "QUEUE",
            "OFFSET",
            "TAG",
            "KEYS",
            "BODY",
        ]);
        for (broker, message) in messages {
            let keys: Vec<_> = message.message.keys().collect();
            table.row([
                printable(&message.message_id()),
                shown(message.store_timestamp),
                broker.to_string(),
                message.queue_id.to_string(),
                message.queue_offset.to_string(),
                printable(message.message.tag().unwrap_or("-")),
                printable(&if keys.is_empty() {
                    "-".to_owned()
                } else {
                    keys.join(" ")
                }),
                short_body(broker, message),
            ]);
        }
        table.print()
    }

    /// One message in one line, for output that goes on.
    pub(super) fn line(&self, broker: &str, message: &MessageExt) -> Result<(), OutputError> {
        if self.json {
            return say_json_line(&MessageView::of(broker, message));
        }
        let (at, queue) = (shown(message.store_timestamp), message.queue_id);
        let (offset, tag) = (message.queue_offset, message.message.tag().unwrap_or("-"));
        let (tag, body) = (printable(tag), short_body(broker, message));
        say(&format!("{at} {broker}:{queue}@{offset} {tag} {body}"))
    }
}

fn short_body(broker: &str, message: &MessageExt) -> String {
    let body = printable(&MessageView::of(broker, message).body());
    match body.char_indices().nth(BODY_WIDTH) {
        Some((end, _)) => format!("{}…", body.get(..end).unwrap_or_default()),
        None => body,
    }
}

fn whole(broker: &str, message: &MessageExt, view: &MessageView) -> Vec<String> {
    let mut lines = vec![
        format!("id           {}", printable(&message.message_id())),
        format!("offset id    {}", message.offset_message_id()),
        format!(
            "lies in      {} of broker {broker}, queue {}, offset {}",
            message.message.topic, message.queue_id, message.queue_offset
        ),
        format!("born         {}", shown(message.born_timestamp)),
        format!("stored       {}", shown(message.store_timestamp)),
        format!("tried before {}", message.reconsume_times),
    ];
    for (name, value) in view.properties() {
        lines.push(format!(
            "property     {}={}",
            printable(name),
            printable(value)
        ));
    }
    lines.push(format!("body         {}", printable(&view.body())));
    lines
}
