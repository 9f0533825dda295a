//! What reading costs in memory: nothing on the way of a send, and never far more than what a peer
//! sent, however it lies about lengths and counts.

#![expect(
    clippy::unwrap_used,
    unsafe_code,
    reason = "a test says what is wrong by failing, and only an allocator can count"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use mq_core::message::{batch, compression};
use mq_core::wire::body::{HeartbeatData, RegisterBrokerBody, TopicRouteData};
use mq_core::wire::header::{PullMessage, RegisterBroker, SendMessage};
use mq_core::wire::{Encoding, Frame, Header, RemotingCommand, Request, encode, fastjson, frame};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn took(size: usize) {
    COUNT.set(COUNT.get() + 1);
    LIVE.set(LIVE.get().saturating_add(size));
    PEAK.set(PEAK.get().max(LIVE.get()));
}

fn gave(size: usize) {
    LIVE.set(LIVE.get().saturating_sub(size));
}

// SAFETY: every call goes to the system's allocator unchanged; the counters are plain cells that
// need no memory of their own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        took(layout.size());
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        gave(layout.size());
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        took(size);
        gave(layout.size());
        // SAFETY: the caller keeps the promises of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// How often `work` took memory, and how much at most at one time.
fn cost<T>(work: impl FnOnce() -> T) -> (usize, usize) {
    let (count, live) = (COUNT.get(), LIVE.get());
    PEAK.set(live);
    drop(work());
    (COUNT.get() - count, PEAK.get() - live)
}

fn recorded(stem: &str) -> Frame {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let bytes = fs::read(root.join(format!("{stem}.request.bin"))).unwrap();
    let mut bytes = BytesMut::from(bytes.as_slice());
    frame::decode(&mut bytes, frame::DEFAULT_LIMIT)
        .unwrap()
        .unwrap()
}

fn reading<R: Request>(stem: &str) -> usize {
    let framed = recorded(stem);
    let read = || {
        let command = RemotingCommand::from_frame(framed.clone()).unwrap();
        let header = R::read(&command.fields).unwrap();
        (header, command.body)
    };
    drop(read());
    cost(read).0
}

#[test]
fn a_binary_header_is_read_without_taking_memory() {
    assert_eq!(
        reading::<SendMessage>("5.3.3-binary/310-send-message-v2"),
        0
    );
    assert_eq!(reading::<PullMessage>("5.3.3-binary/11-pull-message"), 0);
}

#[test]
fn a_json_header_takes_one_block_for_its_fields_and_a_few_for_escapes() {
    assert_eq!(reading::<PullMessage>("5.3.3-json/11-pull-message"), 2);
    let escaped = reading::<SendMessage>("5.3.3-json/310-send-message-v2");
    assert!(escaped <= 8, "{escaped}");
}

#[test]
fn a_header_is_written_into_the_buffer_that_is_there() {
    let command = RemotingCommand::from_frame(recorded("5.3.3-json/310-send-message-v2")).unwrap();
    let header = SendMessage::read(&command.fields).unwrap();
    for encoding in [Encoding::Json, Encoding::Binary] {
        let mut out = BytesMut::with_capacity(4096);
        let write = || encode(&mut out, encoding, &command.head, &header, &command.body).unwrap();

        assert_eq!(cost(write).0, 0, "{encoding:?}");
    }
}

/// Reads a body as several types; whether it can be read does not matter here.
fn read_body(body: &Bytes) {
    drop(fastjson::read::<HeartbeatData>(body));
    drop(fastjson::read::<TopicRouteData>(body));
    drop(fastjson::read::<RegisterBrokerBody>(body));
    drop(batch::decode(body.clone()).collect::<Vec<_>>());
    drop(RegisterBrokerBody::decode(
        &RegisterBroker::default(),
        479,
        body,
    ));
}

#[test]
fn a_frame_that_lies_about_its_length_takes_no_memory() {
    for length in [i32::MAX, -1, i32::MIN, 17 * 1024 * 1024] {
        let mut buffer = BytesMut::from(&length.to_be_bytes()[..]);
        buffer.extend_from_slice(&[0; 16]);

        let (_, peak) = cost(|| frame::decode(&mut buffer, frame::DEFAULT_LIMIT).is_err());

        assert!(peak < 256, "{length}: {peak} bytes");
    }
}

#[test]
fn headers_that_lie_take_little_more_memory_than_they_have() {
    let binary = |remark: i32, list: i32| {
        let mut bytes = vec![0, 10, 0, 1, 223, 0, 0, 0, 1, 0, 0, 0, 0];
        bytes.extend_from_slice(&remark.to_be_bytes());
        bytes.extend_from_slice(&list.to_be_bytes());
        bytes.extend_from_slice(&[0xFF; 64]);
        (Encoding::Binary, Bytes::from(bytes))
    };
    let json = |text: String| (Encoding::Json, Bytes::from(text));
    let many: Vec<_> = (0..100_000).map(|n| format!("\"{n}\":{n}")).collect();
    let headers = [
        binary(i32::MAX, 0),
        binary(-1, 0),
        binary(0, i32::MAX),
        binary(0, -1),
        binary(0, 64),
        json(format!(
            "{{\"code\":1,\"extFields\":{{{}}}}}",
            many.join(",")
        )),
        json(format!("{{\"code\":1,\"a\":{}", "[".repeat(1 << 20))),
        json(format!(
            "{{\"code\":1,\"remark\":\"{}\"}}",
            "\\n".repeat(1 << 20)
        )),
        json(format!(
            "{{\"code\":1,\"extFields\":{{\"{}\":1}}}}",
            "a".repeat(1 << 20)
        )),
        json(format!(
            "{{\"code\":1,\"extFields\":{{{}",
            "\"\":0,".repeat(1 << 20)
        )),
    ];
    for (encoding, header) in headers {
        let length = header.len();
        let framed = Frame {
            encoding,
            header,
            body: Bytes::new(),
        };

        let (_, peak) = cost(|| drop(RemotingCommand::from_frame(framed)));

        assert!(
            peak <= 4 * length + 1024,
            "{encoding:?}: {peak} bytes for {length}"
        );
    }
}

#[test]
fn bodies_that_lie_take_bounded_memory() {
    let mut counts = 0x7FFF_FFFF_u32.to_be_bytes().repeat(64);
    counts.extend_from_slice(&[0; 64]);
    let bodies = [
        Bytes::from(counts),
        Bytes::from("[".repeat(1 << 20)),
        Bytes::from("{{".repeat(1 << 20)),
        Bytes::from(format!(
            "{{\"consumerDataSet\":[{}]}}",
            "null,".repeat(1 << 20)
        )),
        Bytes::from(format!(
            "{{\"clientID\":\"{}\"}}",
            "\\u0041".repeat(1 << 18)
        )),
        Bytes::from(format!("{{\"x\":{}}}", "9".repeat(1 << 20))),
    ];
    for body in bodies {
        let (_, peak) = cost(|| read_body(&body));

        assert!(
            peak <= 4 * body.len() + 4096,
            "{peak} bytes for {}",
            body.len()
        );
    }
}

/// The worst that JSON can do: many objects of a few bytes each become structures of a hundred.
#[test]
fn a_full_frame_of_empty_objects_takes_less_than_eight_times_its_size() {
    for member in [
        "consumerDataSet",
        "brokerDatas",
        "queueDatas",
        "producerDataSet",
    ] {
        let objects = frame::DEFAULT_LIMIT / "{},".len() - 16;
        let body = Bytes::from(format!("{{\"{member}\":[{}]}}", "{},".repeat(objects)));

        let (_, peak) = cost(|| read_body(&body));

        assert!(peak <= 8 * frame::DEFAULT_LIMIT, "{member}: {peak} bytes");
    }
}

#[test]
fn a_packed_body_unpacks_into_no_more_than_is_allowed() {
    const LIMIT: usize = 4 * 1024 * 1024;
    let bomb = compression::zip(&vec![0; 8 * LIMIT], 9).unwrap();

    let (_, peak) = cost(|| compression::unzip(&bomb, LIMIT).is_err());

    assert!(peak <= 4 * LIMIT, "{peak} bytes");
}
