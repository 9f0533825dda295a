//! What administrators ask members of a group through the broker, and who is connected.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageQueue, TopicName};
use mq_core::remoting::{Incoming, Processor, RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::body::{ConsumerStatus, ProducerTable};
use mq_core::wire::header::{
    ConsumeMessageDirectly, GetAllProducerInfo, GetConsumerRunningInfo,
    GetConsumerStatusFromClient, InvokeBrokerToGetConsumerStatus,
};
use mq_core::wire::{NoFields, Refusal, Reply, ResponseCode, fastjson};
use tokio::sync::mpsc;

use crate::stage::{Client, MINUTE, SECOND, Stage, code, message};

/// A member that answers what the broker passes on to it.
#[derive(Clone)]
struct Member(mpsc::UnboundedSender<(ConsumeMessageDirectly, Bytes)>);

impl Processor<GetConsumerRunningInfo> for Member {
    async fn process(
        &self,
        request: Incoming<GetConsumerRunningInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        if request.header.jstack_enable {
            return Err(Refusal::system("no stacks here"));
        }
        Ok(Reply::ok(NoFields).with_body(r#"{"properties":{"a":"b"}}"#))
    }
}

impl Processor<ConsumeMessageDirectly> for Member {
    async fn process(
        &self,
        request: Incoming<ConsumeMessageDirectly>,
    ) -> Result<Reply<NoFields>, Refusal> {
        self.0.send((request.header, request.body)).unwrap();
        Ok(Reply::ok(NoFields).with_body(r#"{"consumeResult":"CR_SUCCESS"}"#))
    }
}

impl Processor<GetConsumerStatusFromClient> for Member {
    async fn process(
        &self,
        request: Incoming<GetConsumerStatusFromClient>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let topic = TopicName::new(request.header.topic).unwrap();
        let queue = MessageQueue::new(topic, "broker-a", 0);
        let body = ConsumerStatus {
            message_queue_table: BTreeMap::from([(queue, 7)]),
            ..ConsumerStatus::default()
        };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

/// A client with its own connection and `router`.
fn client(stage: &Stage, id: &'static str, router: Router) -> Client {
    let clock = stage.clock.clone();
    let (_, changes) = mpsc::unbounded_channel();
    Client {
        remoting: RemotingClient::new(
            RemotingClientConfig::default(),
            Arc::new(router),
            clock.clone(),
            Tasks::new(clock),
        ),
        address: stage.address.clone(),
        id,
        changes,
    }
}

type Consumed = mpsc::UnboundedReceiver<(ConsumeMessageDirectly, Bytes)>;

async fn member(stage: &Stage) -> (Client, Consumed) {
    let (told, consumed) = mpsc::unbounded_channel();
    let member = Member(told);
    let router = Router::default()
        .on::<GetConsumerRunningInfo>(member.clone())
        .on::<ConsumeMessageDirectly>(member.clone())
        .on::<GetConsumerStatusFromClient>(member);
    let client = client(stage, "member", router);
    client.heartbeat("g", &[("orders", "*")]).await;
    (client, consumed)
}

fn running(client_id: &'static str) -> GetConsumerRunningInfo {
    GetConsumerRunningInfo {
        consumer_group: "g".into(),
        client_id: client_id.into(),
        jstack_enable: false,
    }
}

#[tokio::test]
async fn the_state_of_a_member_is_passed_on_as_it_says_it() {
    let stage = Stage::new().await;
    let asker = stage.client("asker");
    let (_member, _consumed) = member(&stage).await;

    let said = asker.call(running("member")).await.unwrap();
    assert_eq!(said.body, r#"{"properties":{"a":"b"}}"#);
    let refused = GetConsumerRunningInfo {
        jstack_enable: true,
        ..running("member")
    };
    let refused = asker.call(refused).await.unwrap_err();
    assert_eq!(&*refused.refusal().unwrap().remark, "no stacks here");

    assert_eq!(
        asker.refused(running("nobody")).await,
        ResponseCode::SYSTEM_ERROR
    );
    stage.stop().await;
}

#[tokio::test]
async fn a_member_that_does_not_answer_is_waited_for_ten_seconds() {
    /// Says that it was asked, and nothing more.
    struct Silent(mpsc::UnboundedSender<()>);
    impl Processor<GetConsumerRunningInfo> for Silent {
        async fn process(
            &self,
            _request: Incoming<GetConsumerRunningInfo>,
        ) -> Result<Reply<NoFields>, Refusal> {
            self.0.send(()).unwrap();
            std::future::pending().await
        }
    }
    let clock = Clock::manual(0);
    let stage = Stage::with(clock.clone(), |_| {}).await;
    let asker = stage.client("asker");
    let (told, mut heard) = mpsc::unbounded_channel();
    let router = Router::default().on::<GetConsumerRunningInfo>(Silent(told));
    let silent = client(&stage, "silent", router);
    silent.heartbeat("g", &[("orders", "*")]).await;

    let waiting = async {
        heard.recv().await.unwrap();
        clock.advance(10 * SECOND).await;
    };
    let (outcome, ()) = tokio::join!(asker.call(running("silent")), waiting);

    assert_eq!(code(outcome), ResponseCode::CONSUME_MSG_TIMEOUT);
    stage.stop().await;
}

#[tokio::test]
async fn a_member_consumes_a_message_at_once() {
    let stage = Stage::new().await;
    let asker = stage.client("asker");
    let (_member, mut consumed) = member(&stage).await;
    let sent = asker.send(message("orders", 0), "now").await;
    let consume = |id: &str| ConsumeMessageDirectly {
        consumer_group: "g".into(),
        client_id: Some("member".into()),
        msg_id: Some(id.into()),
        topic: Some("orders".into()),
        ..ConsumeMessageDirectly::default()
    };

    let outcome = asker.call(consume(&sent.msg_id)).await.unwrap();

    assert_eq!(outcome.body, r#"{"consumeResult":"CR_SUCCESS"}"#);
    let (header, body) = consumed.recv().await.unwrap();
    assert_eq!(header.broker_name.as_deref(), Some("broker-a"));
    assert_eq!(header.topic_sys_flag, Some(0));
    assert_eq!(header.group_sys_flag, Some(0));
    let messages = decode_all(body).unwrap();
    assert_eq!(messages[0].message.body, "now");
    let nowhere = format!("{}00000000FFFFFFFF", &sent.msg_id[..16]);
    for id in [nowhere.as_str(), "", "no id"] {
        assert_eq!(
            asker.refused(consume(id)).await,
            ResponseCode::SYSTEM_ERROR,
            "{id}"
        );
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_offsets_that_members_have_consumed_are_collected() {
    let stage = Stage::new().await;
    let asker = stage.client("asker");
    let (_member, _consumed) = member(&stage).await;
    // It has no answer to 221.
    stage
        .client("mute")
        .heartbeat("g", &[("orders", "*")])
        .await;
    let ask = |group: &'static str, client: &'static str| InvokeBrokerToGetConsumerStatus {
        topic: "orders".into(),
        group: group.into(),
        client_addr: Some(client.into()),
    };

    for client in ["", "member"] {
        let status = asker.call(ask("g", client)).await.unwrap();
        let status: ConsumerStatus = fastjson::read(&status.body).unwrap();
        assert_eq!(status.consumer_table.len(), 1);
        let offsets: Vec<_> = status.consumer_table["member"].values().collect();
        assert_eq!(offsets, [&7]);
    }
    let status = asker.call(ask("g", "nobody")).await.unwrap();
    let status: ConsumerStatus = fastjson::read(&status.body).unwrap();
    assert!(status.consumer_table.is_empty());

    let nobody = asker.refused(ask("nobody", "")).await;
    assert_eq!(nobody, ResponseCode::SYSTEM_ERROR);
    stage.stop().await;
}

#[tokio::test]
async fn all_producers_are_shown_until_they_go() {
    let stage = Stage::new().await;
    let asker = stage.client("asker");
    let producer = stage.client("producer");
    producer.heartbeat("g", &[("orders", "*")]).await;
    let all = async || {
        let reply = asker.call(GetAllProducerInfo).await.unwrap();
        let table: ProducerTable = fastjson::read(&reply.body).unwrap();
        table.data
    };

    let shown = all().await;
    let connected = &shown["producers"][0];
    assert_eq!(connected.client_id, "producer");
    assert!(connected.remote_ip.starts_with("/127.0.0.1:"));
    let age = stage.clock.now_ms() - connected.last_update_timestamp;
    assert!((0..60_000).contains(&age), "{age}");

    producer.remoting.disconnect(&producer.address);
    let begun = stage.clock.moment();
    while all().await.contains_key("producers") {
        assert!(stage.clock.moment().since(begun) < MINUTE);
        tokio::task::yield_now().await;
    }
    stage.stop().await;
}
