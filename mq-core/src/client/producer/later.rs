//! Messages for a later time: what the broker can make of it, and calling them back
//! (`DefaultMQProducer.recallMessage`).

use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::shared::ProducerShared;
use crate::client::error::{MessageError, SendError};
use crate::message::later::{remove_times, time_of};
use crate::message::{Later, MessageQueue, Properties, RecallHandle, property};
use crate::remoting::CallError;
use crate::wire::header::RecallMessage;

/// Why a broker cannot be given a message for a later time.
pub(super) enum LaterError {
    /// It did not say what it can.
    Call(CallError),
    /// It cannot.
    Message(MessageError),
}

impl ProducerShared {
    /// The properties with which the broker at `address` delivers a message at the time for which it is
    /// meant: as they are, or with the delay level of a broker that knows no times.
    pub(super) async fn timed_properties(
        &self,
        properties: &ByteString,
        broker: &str,
        address: &ByteString,
        limit: Duration,
    ) -> Result<ByteString, LaterError> {
        let cluster = &self.cluster;
        let delays = cluster.delays_of(address, limit).await;
        let delays = delays.map_err(LaterError::Call)?;
        if delays.knows_times {
            return Ok(properties.clone());
        }
        let mut changed = Properties::from_bytes(properties.clone().into_bytes());
        let (broker, levels) = (broker.to_owned(), delays.levels.clone());
        match time_of(&changed) {
            Some(Later::After(wanted)) if !wanted.is_zero() => {
                let level = delays.level_of(wanted).ok_or({
                    LaterError::Message(MessageError::NoSuchDelay {
                        wanted,
                        broker,
                        levels,
                    })
                })?;
                remove_times(&mut changed);
                changed.set(property::DELAY, &level.to_string());
            }
            Some(Later::At(time_ms)) if time_ms > cluster.clock.now_ms() => {
                return Err(LaterError::Message(MessageError::NoTimes {
                    broker,
                    levels,
                }));
            }
            _ => remove_times(&mut changed),
        }
        let text = ByteString::try_from(changed.as_bytes().clone());
        text.map_err(|_not_text| LaterError::Message(MessageError::NotText))
    }

    /// Calls a message back; gives its unique id.
    pub(super) async fn recall(&self, handle: &str) -> Result<String, SendError> {
        let parsed: RecallHandle = handle.parse().map_err(SendError::Handle)?;
        self.route(&parsed.topic).await?;
        let address = self.cluster.master(&parsed.broker);
        let address = address.ok_or_else(|| {
            let broker = ByteString::from(&*parsed.broker);
            SendError::NoBroker(MessageQueue::new(parsed.topic.clone(), broker, 0))
        })?;
        let header = RecallMessage {
            producer_group: Some(self.config.group.to_text()),
            topic: parsed.topic.to_text(),
            recall_handle: handle.into(),
            broker_name: Some(parsed.broker.as_str().into()),
        };
        let limit = self.config.send_timeout;
        let recalled = self
            .cluster
            .call_within(limit, &address, header, Bytes::new());
        let recalled = recalled.await.map_err(|source| SendError::Recall {
            broker: parsed.broker,
            source,
        })?;
        Ok(recalled.header.msg_id.to_string())
    }
}
