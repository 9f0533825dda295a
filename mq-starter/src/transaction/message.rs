//! The message of a transaction, with its payload.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;

use mq_core::client::SendResult;
use mq_core::message::{
    self as core, OffsetMessageId, PhysicalOffset, QueueOffset, SysFlag, property,
};

use crate::message::MessageExt;
use crate::payload::{DecodeError, Payload};

/// The message of a transaction, with its payload. Everything that [`MessageExt`] has is reached through
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<T> {
    payload: T,
    message: MessageExt,
}

impl<T: Payload> Message<T> {
    /// The payload of `message`, decoded.
    pub(super) fn of(message: MessageExt) -> Result<Self, DecodeError> {
        let payload = T::of(&message)?;
        Ok(Self { payload, message })
    }
}

impl<T> Message<T> {
    /// For a test that calls a listener by hand.
    pub fn new(payload: T, message: MessageExt) -> Self {
        Self { payload, message }
    }

    /// What the message says.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    /// The id of the transaction, which is that of its message: the same in
    /// [`execute`](super::LocalTransactionListener::execute) and in every
    /// [`check`](super::LocalTransactionListener::check).
    pub fn transaction_id(&self) -> &str {
        self.message.header(property::UNIQ_KEY).unwrap_or_default()
    }
}

impl<T> Deref for Message<T> {
    type Target = MessageExt;

    fn deref(&self) -> &MessageExt {
        &self.message
    }
}

/// A half message that was just sent. Times and hosts are the broker's and not known here.
pub(crate) fn half_message(mut message: core::Message, sent: &SendResult) -> MessageExt {
    message.properties.set(property::UNIQ_KEY, &sent.message_id);
    let mut half = core::MessageExt::from(received(message));
    half.queue_id = sent.queue.id;
    half.queue_offset = sent.queue_offset;
    if let Ok(OffsetMessageId { host, offset }) = sent.offset_message_id.parse() {
        half.store_host = host;
        half.physical_offset = offset;
    }
    half.into()
}

/// A message as its receiver would see it, without what the broker says of it.
pub(crate) fn received(message: core::Message) -> MessageExt {
    let nowhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    let received = core::MessageExt {
        message,
        queue_id: 0,
        queue_offset: QueueOffset(0),
        physical_offset: PhysicalOffset(0),
        sys_flag: SysFlag::default(),
        born_timestamp: 0,
        born_host: nowhere,
        store_timestamp: 0,
        store_host: nowhere,
        reconsume_times: 0,
        prepared_transaction_offset: 0,
        store_size: 0,
    };
    received.into()
}
