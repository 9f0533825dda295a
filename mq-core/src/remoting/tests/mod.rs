//! Both transports, with real sockets on ports that the system picks.

mod bad_input;
mod connections;
mod pushes;
mod requests;
mod wakes;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use mq_macros::Header;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore};

use super::*;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{
    self, Encoding, FieldError, FieldWriter, Fields, Head, Header, Refusal, RemotingCommand, Reply,
    Request, RequestCode, ResponseCode, frame,
};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);
/// The address of the server that is attached.
const WITHIN: &str = "within";

/// Is said back, unless the word asks for something else.
#[derive(Clone, Debug, PartialEq, Eq, Header)]
struct Echo {
    word: ByteString,
    times: i32,
}

impl Request for Echo {
    const CODE: RequestCode = RequestCode(9_001);
    type Reply = Self;
}

fn echo(word: &'static str) -> Echo {
    Echo {
        word: ByteString::from_static(word),
        times: 3,
    }
}

/// Answers [`Echo`]; what came is written down.
#[derive(Clone)]
struct EchoProcessor {
    heard: Arc<Mutex<Vec<(ByteString, Peer)>>>,
    /// `wait` takes a permit.
    gate: Arc<Semaphore>,
}

impl Processor<Echo> for EchoProcessor {
    async fn process(&self, request: Incoming<Echo>) -> Result<Reply<Echo>, Refusal> {
        let word = request.header.word.clone();
        self.heard.lock().push((word.clone(), request.peer));
        match &*word {
            "refuse" => Err(Refusal::new(ResponseCode::NO_PERMISSION, "not for you")),
            "much" => Ok(Reply::ok(request.header).with_body(vec![0; frame::DEFAULT_LIMIT])),
            "panic" => panic!("as told"),
            "leave" if self.times_heard("leave") == 1 => {
                Err(Refusal::new(ResponseCode::GO_AWAY, "connect again"))
            }
            "wait" => {
                self.gate.acquire().await.unwrap().forget();
                Ok(Reply::ok(request.header))
            }
            _ => Ok(Reply::ok(request.header).with_body(request.body)),
        }
    }
}

impl EchoProcessor {
    fn times_heard(&self, word: &str) -> usize {
        let heard = self.heard.lock();
        heard.iter().filter(|(heard, _)| heard == word).count()
    }
}

/// Who has gone.
#[derive(Default)]
struct Gone {
    peers: Mutex<Vec<PeerId>>,
    news: Notify,
}

impl PeerWatcher for Gone {
    fn closed(&self, peer: &Peer) {
        self.peers.lock().push(peer.id());
        self.news.notify_one();
    }
}

/// A server reachable in both ways, and a client.
struct Stage {
    client: RemotingClient,
    echo: EchoProcessor,
    gone: Arc<Gone>,
    /// What the client heard from servers.
    pushed: EchoProcessor,
    server_tasks: Tasks,
    client_tasks: Tasks,
    address: String,
}

impl Stage {
    async fn new() -> Self {
        Self::with(Limits::default(), Clock::system()).await
    }

    async fn with(limits: Limits, clock: Clock) -> Self {
        Self::at("127.0.0.1:0", limits, clock).await
    }

    async fn at(address: &str, limits: Limits, clock: Clock) -> Self {
        let (echo, router) = echo_router();
        let (pushed, incoming) = echo_router();
        let (server_tasks, client_tasks) = (Tasks::new(clock.clone()), Tasks::new(clock.clone()));
        let gone = Arc::new(Gone::default());
        let config = RemotingServerConfig {
            limits,
            ..RemotingServerConfig::default()
        };
        let server = RemotingServer::bind(address, config, clock.clone());
        let server = server.await.unwrap();
        let bound = server.local_address();
        let watcher: Arc<dyn PeerWatcher> = Arc::clone(&gone) as _;
        let local = LocalServer::new(
            Arc::clone(&router),
            Arc::clone(&watcher),
            bound,
            &server_tasks,
            clock.clone(),
        );
        server.serve(router, watcher, &server_tasks);
        let config = RemotingClientConfig::default();
        let client = RemotingClient::new(config, incoming, clock, client_tasks.clone());
        client.attach(WITHIN, &local);
        Self {
            client,
            echo,
            gone,
            pushed,
            server_tasks,
            client_tasks,
            address: bound.to_string(),
        }
    }

    /// Over a socket and within the process.
    fn both(&self) -> [&str; 2] {
        [&self.address, WITHIN]
    }

    async fn say(&self, address: &str, word: &'static str) -> Result<Reply<Echo>, CallError> {
        self.client
            .call(address, echo(word), Bytes::new(), MINUTE)
            .await
    }

    /// Who said something, as often as they did.
    fn speakers(&self) -> Vec<Peer> {
        let heard = self.echo.heard.lock();
        heard.iter().map(|(_, peer)| peer.clone()).collect()
    }

    /// The peer that said `word`.
    async fn who_said(&self, word: &str) -> Peer {
        let said = || {
            let heard = self.echo.heard.lock();
            let mut heard = heard.iter();
            heard.find_map(|(heard, peer)| (heard == word).then(|| peer.clone()))
        };
        loop {
            if let Some(peer) = said() {
                return peer;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn wait_until_gone(&self, peer: &Peer) {
        while !self.gone.peers.lock().contains(&peer.id()) {
            self.gone.news.notified().await;
        }
    }

    async fn raw(&self) -> Raw {
        Raw {
            stream: TcpStream::connect(&self.address).await.unwrap(),
            input: BytesMut::new(),
        }
    }
}

fn echo_router() -> (EchoProcessor, Arc<Router>) {
    let echo = EchoProcessor {
        heard: Arc::default(),
        gate: Arc::new(Semaphore::new(0)),
    };
    let router = Router::default().on::<Echo>(echo.clone());
    (echo, Arc::new(router))
}

/// A peer that sends whatever it likes.
struct Raw {
    stream: TcpStream,
    input: BytesMut,
}

impl Raw {
    async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    async fn say(&mut self, encoding: Encoding, opaque: i32, header: &impl Header) {
        self.send(&said(encoding, opaque, header)).await;
    }

    /// The next answer, or `None` at the end of the stream.
    async fn hear(&mut self) -> Option<RemotingCommand> {
        loop {
            if let Some(frame) = frame::decode(&mut self.input, frame::DEFAULT_LIMIT).unwrap() {
                return Some(RemotingCommand::from_frame(frame).unwrap());
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

/// A frame with an echo in it, whatever its fields.
fn said(encoding: Encoding, opaque: i32, header: &impl Header) -> BytesMut {
    let mut out = BytesMut::new();
    let head = Head::request(Echo::CODE, opaque);
    wire::encode(&mut out, encoding, &head, header, b"body").unwrap();
    out
}
