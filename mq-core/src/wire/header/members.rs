//! 221, 223, 307 and 309: what members of a group are asked through the broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 221, from the broker: the offsets that a client has consumed (`GetConsumerStatusRequestHeader`). The
/// body of the answer is a [`ConsumerStatus`](crate::wire::body::ConsumerStatus).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumerStatusFromClient {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// The client; absent or empty means every member.
    pub client_addr: Option<ByteString>,
}

impl Request for GetConsumerStatusFromClient {
    const CODE: RequestCode = RequestCode::GET_CONSUMER_STATUS_FROM_CLIENT;
    type Reply = NoFields;
}

/// 223: the offsets that the members of a group have consumed (`GetConsumerStatusRequestHeader`). The
/// body of the answer is a [`ConsumerStatus`](crate::wire::body::ConsumerStatus).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct InvokeBrokerToGetConsumerStatus {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
    /// The client; absent or empty means every member.
    pub client_addr: Option<ByteString>,
}

impl Request for InvokeBrokerToGetConsumerStatus {
    const CODE: RequestCode = RequestCode::INVOKE_BROKER_TO_GET_CONSUMER_STATUS;
    type Reply = NoFields;
}

/// 307, to the broker and from it to the client: the state of a running client
/// (`GetConsumerRunningInfoRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetConsumerRunningInfo {
    /// The group.
    pub consumer_group: ByteString,
    /// The client.
    pub client_id: ByteString,
    /// Whether the stacks of its threads are wanted.
    #[header(default)]
    pub jstack_enable: bool,
}

impl Request for GetConsumerRunningInfo {
    const CODE: RequestCode = RequestCode::GET_CONSUMER_RUNNING_INFO;
    type Reply = NoFields;
}

/// 309, to the broker and from it to the client: consume a message now
/// (`ConsumeMessageDirectlyResultRequestHeader`). The body that the client gets is the message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct ConsumeMessageDirectly {
    /// The group.
    pub consumer_group: ByteString,
    /// The client.
    pub client_id: Option<ByteString>,
    /// The offset id of the message.
    pub msg_id: Option<ByteString>,
    /// The broker; added by it.
    pub broker_name: Option<ByteString>,
    /// The topic.
    pub topic: Option<ByteString>,
    /// The topic's flags; added by the broker.
    pub topic_sys_flag: Option<i32>,
    /// The group's flags; added by the broker.
    pub group_sys_flag: Option<i32>,
}

impl Request for ConsumeMessageDirectly {
    const CODE: RequestCode = RequestCode::CONSUME_MESSAGE_DIRECTLY;
    type Reply = NoFields;
}
