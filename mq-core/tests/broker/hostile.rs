//! Requests of Apache's clients, each with one thing in it as nobody means it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use bytestring::ByteString;
use mq_core::wire::{
    Encoding, Fields, Head, NoFields, RemotingCommand, RequestCode, encode, frame,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, message};

const VALUES: [&str; 14] = [
    "",
    " ",
    "0",
    "-1",
    "2147483647",
    "-2147483648",
    "9223372036854775807",
    "-9223372036854775808",
    "1e9",
    "../../etc/passwd",
    "%RETRY%",
    "%DLQ%../x",
    "a\u{0}b",
    "队列",
];

/// A request, and what is wrong with it.
struct Wrong {
    request: RemotingCommand,
    what: String,
}

/// The requests that were recorded, read again.
fn recorded() -> Vec<(String, RemotingCommand)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let index = std::fs::read_to_string(root.join("index.tsv")).unwrap();
    let rows = index
        .lines()
        .skip(1)
        .filter(|row| row.contains("connecting"));
    rows.map(|row| {
        let stem = row.split('\t').next_back().unwrap();
        let bytes = std::fs::read(root.join(format!("{stem}.request.bin"))).unwrap();
        let frame = frame::decode(&mut BytesMut::from(&*bytes), frame::DEFAULT_LIMIT);
        let command = RemotingCommand::from_frame(frame.unwrap().unwrap()).unwrap();
        (stem.to_owned(), command)
    })
    .collect()
}

/// Every field of the request with every value, none of its fields, and its body damaged.
fn spoiled(stem: &str, request: &RemotingCommand) -> Vec<Wrong> {
    let pairs: Vec<(ByteString, ByteString)> = request
        .fields
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let mut all = Vec::new();
    let with = |fields: Vec<_>| RemotingCommand {
        fields: Fields::from_pairs(fields),
        ..request.clone()
    };
    for (index, (name, _)) in pairs.iter().enumerate() {
        for value in VALUES {
            let mut fields = pairs.clone();
            fields.get_mut(index).unwrap().1 = value.into();
            let what = format!("{stem}: {name} = {value:?}");
            all.push(Wrong {
                request: with(fields),
                what,
            });
        }
        let mut fields = pairs.clone();
        fields.remove(index);
        let what = format!("{stem}: without {name}");
        all.push(Wrong {
            request: with(fields),
            what,
        });
    }
    let bodies = [
        Bytes::new(),
        Bytes::from_static(b"{}"),
        Bytes::from_static(b"null"),
        Bytes::from_static(b"[[[["),
        Bytes::from_static(b"\x00\x00\x00\x07\xff\xff\xff\xff"),
        request.body.slice(..request.body.len() / 2),
        request.body.iter().map(|byte| byte ^ 0x80).collect(),
    ];
    for (number, body) in bodies.into_iter().enumerate() {
        let request = RemotingCommand {
            body,
            ..request.clone()
        };
        let what = format!("{stem}: body {number}");
        all.push(Wrong { request, what });
    }
    all
}

/// Says all of it to a server over one connection; gives what made a processor panic.
async fn panics(address: &str, wrongs: Vec<Wrong>) -> BTreeSet<String> {
    let (mut input, mut output) = TcpStream::connect(address).await.unwrap().into_split();
    let last = i32::try_from(wrongs.len()).unwrap();
    let mut asked = BTreeMap::new();
    let mut bytes = BytesMut::new();
    for (opaque, mut wrong) in (0..).zip(wrongs) {
        wrong.request.head.opaque = opaque;
        wrong.request.encode(&mut bytes).unwrap();
        asked.insert(opaque, wrong.what);
    }
    let end = Head::request(RequestCode(31_000), last);
    encode(&mut bytes, Encoding::Json, &end, &NoFields, b"").unwrap();
    let speak = async {
        output.write_all(&bytes).await.unwrap();
    };
    let listen = async {
        let mut panics = BTreeSet::new();
        let mut buffer = BytesMut::new();
        loop {
            while let Some(frame) = frame::decode(&mut buffer, frame::DEFAULT_LIMIT).unwrap() {
                let answer = RemotingCommand::from_frame(frame).unwrap();
                if !answer.head.is_answer() {
                    continue;
                }
                if answer.head.opaque == last {
                    return panics;
                }
                let remark = answer.head.remark.unwrap_or_default();
                if remark.contains("could not be processed") {
                    panics.extend(asked.remove(&answer.head.opaque));
                }
            }
            assert_ne!(input.read_buf(&mut buffer).await.unwrap(), 0, "hung up");
        }
    };
    let (panics, ()) = tokio::join!(listen, speak);
    panics
}

fn everything() -> Vec<Wrong> {
    let requests = recorded().into_iter();
    requests
        .flat_map(|(stem, request)| spoiled(&stem, &request))
        .collect()
}

#[tokio::test]
async fn nothing_that_a_client_says_wrong_makes_the_broker_panic_or_stop_serving() {
    let stage = Stage::new().await;

    let panics = panics(&stage.address, everything()).await;

    assert_eq!(panics, BTreeSet::new());
    stage
        .client("a")
        .send(message("orders", 0), "still there")
        .await;
    stage.stop().await;
}

#[tokio::test]
async fn nothing_that_a_client_says_wrong_makes_a_name_server_panic() {
    use mq_core::namesrv::NamesrvConfig;
    use mq_core::node::Node;

    let folder = tempfile::tempdir().unwrap();
    let config = NamesrvConfig {
        bind: std::net::Ipv4Addr::LOCALHOST.into(),
        port: 0,
        kv_path: Some(folder.path().join("kvConfig.json")),
        ..NamesrvConfig::default()
    };
    let node = Node::builder().name_server(config).start().await.unwrap();
    let address = node.name_server().unwrap().from_here();

    let panics = panics(&address.to_string(), everything()).await;

    assert_eq!(panics, BTreeSet::new());
    node.stop(crate::stage::SECOND).await.unwrap();
}
