//! Both transports, with real sockets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::*;
use crate::clock::Clock;
use crate::tasks::Tasks;
use crate::wire::{
    FieldError, FieldWriter, Fields, Header, Refusal, Reply, Request, RequestCode, ResponseCode,
    read_field,
};

const SECOND: Duration = Duration::from_secs(1);

/// Says back what it hears.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Echo {
    word: ByteString,
    times: i32,
}

impl Header for Echo {
    fn write(&self, out: &mut FieldWriter<'_>) {
        out.put("word", &self.word);
        out.put_plain("times", self.times);
    }

    fn read(fields: &Fields) -> Result<Self, FieldError> {
        let text = |name| fields.iter().find(|(found, _)| *found == name);
        Ok(Self {
            word: read_field("word", text("word").map(|(_, text)| text))?,
            times: read_field("times", text("times").map(|(_, text)| text))?,
        })
    }
}

impl Request for Echo {
    const CODE: RequestCode = RequestCode(9_001);
    type Reply = Self;
}

struct EchoProcessor;

impl Processor<Echo> for EchoProcessor {
    async fn process(&self, request: Incoming<Echo>) -> Result<Reply<Echo>, Refusal> {
        match &*request.header.word {
            "refuse" => Err(Refusal::new(ResponseCode::NO_PERMISSION, "not for you")),
            "panic" => panic!("as told"),
            _ => Ok(Reply::ok(request.header).with_body(request.body)),
        }
    }
}

fn echo(word: &'static str) -> Echo {
    Echo {
        word: ByteString::from_static(word),
        times: 3,
    }
}

struct Stage {
    client: RemotingClient,
    server_tasks: Tasks,
    address: String,
}

const WITHIN: &str = "within";

async fn stage(router: Router, limits: Limits, clock: Clock) -> Stage {
    let server_tasks = Tasks::new(clock.clone());
    let router = Arc::new(router);
    let config = ServerConfig {
        limits,
        ..ServerConfig::default()
    };
    let server = RemotingServer::bind("127.0.0.1:0", config, clock.clone())
        .await
        .unwrap();
    let bound = server.local_address();
    server.serve(Arc::clone(&router), Arc::new(()), &server_tasks);
    let client = RemotingClient::new(
        ClientConfig::default(),
        Arc::default(),
        clock.clone(),
        Tasks::new(clock.clone()),
    );
    let local = LocalServer::new(router, Arc::new(()), bound, &server_tasks, clock);
    client.attach(WITHIN, &local);
    Stage {
        client,
        server_tasks,
        address: bound.to_string(),
    }
}

#[tokio::test]
async fn both_transports_give_the_same_answers() {
    let router = Router::default().on::<Echo>(EchoProcessor);
    let stage = stage(router, Limits::default(), Clock::system()).await;
    for word in ["hello", "refuse", "panic", "Grüße \"\u{1}\\ 你好"] {
        let body = Bytes::from_static(b"body");

        let remote = stage
            .client
            .call(&stage.address, echo(word), body.clone(), SECOND)
            .await;
        let local = stage.client.call(WITHIN, echo(word), body, SECOND).await;

        assert_eq!(format!("{remote:?}"), format!("{local:?}"), "{word}");
    }
    stage.server_tasks.stop(SECOND).await.unwrap();
}
