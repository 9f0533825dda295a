//! 223, 307 and 309: questions to members of a group, which the broker passes on
//! (`AdminBrokerProcessor.callConsumer`, `Broker2Client.getConsumeStatus`).
//!
//! Invariant: a member that does not answer is waited for at most [`CALL_TIMEOUT`], and its answer is
//! passed on as it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;

use crate::broker::admit::{Admit, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::peers::{ClientInfo, Peers};
use crate::message::OffsetMessageId;
use crate::remoting::{CallError, Incoming, Processor};
use crate::store::MessageStore;
use crate::wire::body::ConsumerStatus;
use crate::wire::header::{
    ConsumeMessageDirectly, GetConsumerRunningInfo, GetConsumerStatusFromClient,
    InvokeBrokerToGetConsumerStatus,
};
use crate::wire::{NoFields, Refusal, Reply, Request, ResponseCode, fastjson};

/// How long the answer of a member to 307 and 309 is waited for.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the answer of a member to 221 is waited for.
const STATUS_TIMEOUT: Duration = Duration::from_secs(5);
/// The first version of a client that can be asked 307 and 309 (`V3_1_8_SNAPSHOT`).
const FIRST_ASKED_VERSION: i32 = 62;

/// Passes questions on.
#[derive(Clone, Debug)]
pub(super) struct MemberAdmin {
    admit: Admit,
    peers: Arc<Peers>,
    store: MessageStore,
}

impl MemberAdmin {
    pub(super) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            store: parts.store.clone(),
        }
    }

    /// The member `client_id` of `group`.
    fn member(&self, group: &str, client_id: &str) -> Result<ClientInfo, Refusal> {
        let mut members = self.peers.clients_of(group).into_iter();
        let member = members.find(|member| member.client_id == client_id);
        let member = member.ok_or_else(|| {
            Refusal::system(format!("The Consumer <{group}> <{client_id}> not online"))
        })?;
        if member.version < FIRST_ASKED_VERSION {
            let version = member.version;
            return Err(Refusal::system(format!(
                "The Consumer <{client_id}> Version <{version}> too low to finish, please upgrade it \
                 to V3_1_8_SNAPSHOT"
            )));
        }
        Ok(member)
    }

    /// Passes a question on to a member, and its answer back.
    async fn ask<R: Request<Reply = NoFields>>(
        &self,
        group: &str,
        client_id: &str,
        header: &R,
        body: Bytes,
    ) -> Result<Reply<NoFields>, Refusal> {
        let member = self.member(group, client_id)?;
        let answer = member.peer.call(header, body, CALL_TIMEOUT).await;
        answer.map_err(|error| match error {
            CallError::Refused(refusal) => refusal,
            CallError::Timeout { .. } => Refusal::new(
                ResponseCode::CONSUME_MSG_TIMEOUT,
                format!("consumer <{group}> <{client_id}> Timeout: {error}"),
            ),
            error => Refusal::system(format!(
                "invoke consumer <{group}> <{client_id}> Exception: {error}"
            )),
        })
    }

    /// The record that an offset id names.
    async fn record(&self, id: &str) -> Result<Bytes, Refusal> {
        let id = id
            .parse::<OffsetMessageId>()
            .map_err(|error| Refusal::system(error.to_string()))?;
        let record = self.store.record_at_async(id.offset).await;
        let record = record.map_err(|error| unreadable(&error))?;
        record.ok_or_else(|| {
            let offset = id.offset;
            Refusal::system(format!("can not find message by the offset, {offset}"))
        })
    }
}

impl Processor<GetConsumerRunningInfo> for MemberAdmin {
    async fn process(
        &self,
        request: Incoming<GetConsumerRunningInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let (group, client_id) = (&header.consumer_group, &header.client_id);
        self.ask(group, client_id, &header, request.body).await
    }
}

impl Processor<ConsumeMessageDirectly> for MemberAdmin {
    async fn process(
        &self,
        request: Incoming<ConsumeMessageDirectly>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let header = request.header;
        let topic = header
            .topic
            .as_deref()
            .and_then(|topic| self.admit.topics.find(topic));
        let group = self.admit.groups.find(&header.consumer_group);
        let header = ConsumeMessageDirectly {
            broker_name: Some(self.admit.identity().name.as_str().into()),
            topic_sys_flag: topic.map(|topic| topic.config.topic_sys_flag),
            group_sys_flag: group.map(|group| group.config.group_sys_flag),
            ..header
        };
        let record = self
            .record(header.msg_id.as_deref().unwrap_or_default())
            .await?;
        let client_id = header.client_id.as_deref().unwrap_or_default();
        self.ask(&header.consumer_group, client_id, &header, record)
            .await
    }
}

impl Processor<InvokeBrokerToGetConsumerStatus> for MemberAdmin {
    async fn process(
        &self,
        request: Incoming<InvokeBrokerToGetConsumerStatus>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let InvokeBrokerToGetConsumerStatus {
            topic,
            group,
            client_addr,
        } = request.header;
        let members = self.peers.clients_of(&group);
        if members.is_empty() {
            return Err(Refusal::system(format!(
                "No Any Consumer online in the consumer group: [{group}]"
            )));
        }
        let wanted = client_addr.filter(|client| !client.trim().is_empty());
        let members = members
            .into_iter()
            .filter(|member| wanted.as_ref().is_none_or(|id| member.client_id == *id));
        let header = GetConsumerStatusFromClient {
            topic,
            group,
            client_addr: None,
        };
        // A member that does not answer, or not so that it can be read, is left out, as by Apache's
        // broker.
        let answers = members.map(async |member: ClientInfo| {
            let answer = member.peer.call(&header, Bytes::new(), STATUS_TIMEOUT);
            let body = answer.await.ok()?.body;
            let status: ConsumerStatus = fastjson::read(&body).ok()?;
            Some((member.client_id, status.message_queue_table))
        });
        let body = ConsumerStatus {
            consumer_table: join_all(answers).await.into_iter().flatten().collect(),
            ..ConsumerStatus::default()
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}
