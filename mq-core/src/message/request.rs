//! Request messages: their sender waits for a message in reply (`MessageUtil`).

use bytes::Bytes;

use super::names::TopicName;
use super::property;
use super::stored::MessageExt;
use super::unsent::Message;

/// The value of [`property::MSG_TYPE`] of a reply (`MixAll.REPLY_MESSAGE_FLAG`).
pub(crate) const REPLY: &str = "reply";

/// A message is no request: it lacks a property that says where the reply goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message is no request: its property `{property}` is missing or invalid")]
pub struct NotARequest {
    /// The property.
    pub property: &'static str,
}

impl MessageExt {
    /// Whether the sender waits for a reply.
    pub fn is_request(&self) -> bool {
        let properties = &self.message.properties;
        properties.get(property::REPLY_TO_CLIENT).is_some()
            && properties.get(property::CORRELATION_ID).is_some()
    }

    /// The reply to this request, to be sent by any producer of the cluster that stored the request.
    ///
    /// ```
    /// # use mq_core::message::*;
    /// # fn reply_to(request: &MessageExt) -> Result<Message, NotARequest> {
    /// let mut reply = request.reply("3.50")?;
    /// reply.properties.set("currency", "EUR");
    /// # Ok(reply)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotARequest`] names the property that is missing.
    pub fn reply(&self, body: impl Into<Bytes>) -> Result<Message, NotARequest> {
        let of_request = |property: &'static str| {
            let value = self.message.properties.get(property);
            value.ok_or(NotARequest { property })
        };
        let cluster = of_request(property::CLUSTER)?;
        let topic = TopicName::new(format!("{cluster}_REPLY_TOPIC"));
        let topic = topic.map_err(|_illegal| NotARequest {
            property: property::CLUSTER,
        })?;
        let mut reply = Message::new(topic, body);
        reply.properties.set(property::MSG_TYPE, REPLY);
        for name in [property::CORRELATION_ID, property::REPLY_TO_CLIENT] {
            reply.properties.set(name, of_request(name)?);
        }
        if let Ok(time_to_live) = of_request(property::TTL) {
            reply.properties.set(property::TTL, time_to_live);
        }
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{PhysicalOffset, QueueOffset, SysFlag};

    fn request(properties: &[(&str, &str)]) -> MessageExt {
        let mut message = Message::new(TopicName::new("price").unwrap(), "?");
        message.properties = properties.iter().copied().collect();
        MessageExt {
            message,
            queue_id: 0,
            queue_offset: QueueOffset(0),
            physical_offset: PhysicalOffset(0),
            sys_flag: SysFlag::default(),
            born_timestamp: 0,
            born_host: "127.0.0.1:1".parse().unwrap(),
            store_timestamp: 0,
            store_host: "127.0.0.1:2".parse().unwrap(),
            reconsume_times: 0,
            prepared_transaction_offset: 0,
            store_size: 0,
        }
    }

    const WHOLE: [(&str, &str); 5] = [
        ("KEYS", "k"),
        ("CORRELATION_ID", "id"),
        ("REPLY_TO_CLIENT", "client"),
        ("TTL", "3000"),
        ("CLUSTER", "C"),
    ];

    #[test]
    fn a_reply_goes_to_the_reply_topic_of_the_cluster_and_says_for_whom_it_is() {
        let reply = request(&WHOLE).reply("3.50").unwrap();

        assert_eq!(reply.topic, "C_REPLY_TOPIC");
        assert_eq!(reply.body, "3.50");
        let expected = [
            ("MSG_TYPE", "reply"),
            ("CORRELATION_ID", "id"),
            ("REPLY_TO_CLIENT", "client"),
            ("TTL", "3000"),
        ];
        assert_eq!(reply.properties.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn what_is_no_request_has_no_reply_and_the_missing_property_is_named() {
        for missing in ["CLUSTER", "CORRELATION_ID", "REPLY_TO_CLIENT"] {
            let rest: Vec<_> = WHOLE
                .into_iter()
                .filter(|(name, _)| *name != missing)
                .collect();
            let request = request(&rest);

            let refused = request.reply("x").unwrap_err();

            assert_eq!(refused.property, missing);
            assert_eq!(request.is_request(), missing == "CLUSTER");
        }
        let elsewhere = request(&[("CLUSTER", "no cluster")]);
        assert_eq!(elsewhere.reply("x").unwrap_err().property, "CLUSTER");
    }
}
