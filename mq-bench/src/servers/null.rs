//! A server that only answers: name server and broker at one address, every send is a success, and
//! nothing is stored. What a client reaches against it is the ceiling of protocol and client.
//!
//! It does what no server can leave out (read, find the frames, decode the header, answer the
//! request's number and queue) and nothing else: one task for each connection, one write for all
//! that one read brought.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use bytes::BytesMut;
use bytestring::ByteString;
use mq_core::clock::Clock;
use mq_core::tasks::Tasks;
use mq_core::wire::body::{BrokerData, QueueData, TopicRouteData, permission};
use mq_core::wire::header::SendMessageReply;
use mq_core::wire::{
    Encoding, FrameError, Head, NoFields, RemotingCommand, RequestCode, ResponseCode,
    encode_without_body, fastjson, frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;

use super::process::Server;
use crate::bench::Bench;

/// As many queues as an automatically created topic has.
const QUEUES: i32 = 4;
const INPUT: usize = 256 * 1024;
/// Every message has this offset id.
const MESSAGE_ID: &str = "7F00000100002A9F0000000000000000";

/// Starts it as a process of its own.
pub(super) async fn start(bench: &Bench) -> Result<Server> {
    let mut command = Command::new(&bench.own);
    command.arg("null");
    Server::start(command, bench.scratch()?, &bench.clock).await
}

/// A null server that listens.
#[derive(Debug)]
pub(crate) struct NullServer {
    listener: TcpListener,
    address: SocketAddr,
}

impl NullServer {
    pub(crate) async fn bind(address: &str) -> Result<Self> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("could not listen on {address}"))?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts connections until the owner of `tasks` stops.
    pub(crate) async fn serve(self, clock: Clock, tasks: &Tasks) -> Result<()> {
        let route = fastjson::write(&route(self.address));
        let opened = clock.moment();
        loop {
            let (stream, _peer) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            let (route, clock) = (route.clone(), clock.clone());
            tasks.spawn_until_stop("null connection", async move {
                if let Err(error) = answer_all(stream, &route).await {
                    let after = clock.moment().since(opened);
                    tracing::debug!(%error, ?after, "a connection ended");
                }
            });
        }
    }
}

async fn answer_all(mut stream: TcpStream, route: &[u8]) -> Result<()> {
    let mut input = BytesMut::with_capacity(INPUT);
    let mut output = BytesMut::with_capacity(INPUT);
    loop {
        input.reserve(frame::wanted(&input).max(INPUT / 2));
        if stream.read_buf(&mut input).await? == 0 {
            return Ok(());
        }
        while let Some(frame) = frame::decode(&mut input, frame::DEFAULT_LIMIT)? {
            answer(&RemotingCommand::from_frame(frame)?, route, &mut output)?;
        }
        stream.write_all_buf(&mut output).await?;
    }
}

/// Appends the answer to `request`, if it wants one.
fn answer(request: &RemotingCommand, route: &[u8], out: &mut BytesMut) -> Result<(), FrameError> {
    if request.head.is_one_way() {
        return Ok(());
    }
    let head = Head::answer(ResponseCode::SUCCESS, request.head.opaque, None);
    match RequestCode(request.head.code) {
        RequestCode::SEND_MESSAGE_V2 | RequestCode::SEND_BATCH_MESSAGE => {
            let queue = request.fields.get("e").and_then(|text| text.parse().ok());
            let reply = SendMessageReply {
                msg_id: ByteString::from_static(MESSAGE_ID),
                queue_id: queue.unwrap_or_default(),
                ..SendMessageReply::default()
            };
            encode_without_body(out, request.encoding, &head, &reply, 0)
        }
        RequestCode::GET_ROUTEINFO_BY_TOPIC => body(out, request.encoding, &head, route),
        _ => body(out, request.encoding, &head, &[]),
    }
}

fn body(
    out: &mut BytesMut,
    encoding: Encoding,
    head: &Head,
    body: &[u8],
) -> Result<(), FrameError> {
    mq_core::wire::encode(out, encoding, head, &NoFields, body)
}

/// Every topic is here.
fn route(address: SocketAddr) -> TopicRouteData {
    let broker = ByteString::from_static("null");
    TopicRouteData {
        broker_datas: vec![BrokerData {
            broker_addrs: [(0, address.to_string().into())].into(),
            broker_name: broker.clone(),
            cluster: broker.clone(),
            ..BrokerData::default()
        }],
        queue_datas: vec![QueueData {
            broker_name: broker,
            perm: permission::READ | permission::WRITE,
            read_queue_nums: QUEUES,
            write_queue_nums: QUEUES,
            ..QueueData::default()
        }],
        ..TopicRouteData::default()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mq_core::client::{Client, ClientConfig, ProducerConfig, SendStatus};
    use mq_core::message::{GroupName, Message, TopicName};

    use super::*;

    #[tokio::test]
    async fn the_null_server_answers_our_client_single_sends_and_batches() {
        let clock = Clock::system();
        let tasks = Tasks::new(clock.clone());
        let server = NullServer::bind("127.0.0.1:0").await.unwrap();
        let config = ClientConfig::new([server.address().to_string()]);
        let (serving, time) = (tasks.clone(), clock.clone());
        tasks.spawn_until_stop("null server", async move {
            server.serve(time, &serving).await.unwrap();
        });
        let client = Client::new(config, clock).unwrap();
        let group = GroupName::new("bench").unwrap();
        let producer = client.producer(ProducerConfig::new(group)).unwrap();
        let topic = TopicName::new("bench").unwrap();
        let message = || Message::new(topic.clone(), "nothing is kept");

        let single = producer.send(message()).await.unwrap();
        let batch = producer.send_batch(vec![message(), message()]).await;

        assert_eq!(single.status, SendStatus::Ok);
        assert_eq!(&*single.queue.broker, "null");
        assert_eq!(batch.unwrap().status, SendStatus::Ok);
        client.shutdown(Duration::from_secs(5)).await.unwrap();
        tasks.stop(Duration::from_secs(5)).await.unwrap();
    }
}
