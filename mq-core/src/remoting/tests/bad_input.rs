//! What peers send that they should not.

use super::*;

/// What is no field list of an echo.
struct Wrong;

impl Header for Wrong {
    fn write(&self, out: &mut FieldWriter<'_>) {
        out.put("word", "hello");
        out.put("times", "three");
    }

    fn read(_fields: &Fields) -> Result<Self, FieldError> {
        Ok(Self)
    }
}

#[tokio::test]
async fn a_field_that_cannot_be_read_is_refused_and_the_connection_goes_on() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    for encoding in [Encoding::Json, Encoding::Binary] {
        raw.say(encoding, 1, &Wrong).await;
        raw.say(encoding, 2, &echo("fine")).await;

        let refused = raw.hear().await.unwrap();
        let answered = raw.hear().await.unwrap();

        assert_eq!((refused.head.opaque, refused.head.code), (1, 1));
        assert!(refused.head.remark.unwrap().contains("times"));
        assert_eq!((answered.head.opaque, answered.head.code), (2, 0));
    }
}

#[tokio::test]
async fn a_code_that_nobody_answers_gets_answer_3_at_once() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    let mut bytes = BytesMut::new();
    let head = Head::request(RequestCode(31_000), 5);
    wire::encode(&mut bytes, Encoding::Json, &head, &echo("?"), b"").unwrap();

    raw.send(&bytes).await;

    let answer = raw.hear().await.unwrap();
    assert_eq!((answer.head.opaque, answer.head.code), (5, 3));
}

#[tokio::test]
async fn what_is_no_frame_ends_its_own_connection_and_no_other() {
    let stage = Stage::new().await;
    let frames: [&[u8]; 8] = [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\0\0\0\0",
        b"\xFF\xFF\xFF\xFF\0\0\0\0",
        b"\x7F\xFF\xFF\xFF\0\0\0\0",
        b"\x01\0\0\x01\0\0\0\0",
        b"\0\0\0\x08\0\0\0\x05{}{}",
        b"\0\0\0\x06\x07\0\0\x02{}",
        b"\0\0\0\x06\0\0\0\x02\xFF\xFF",
    ];
    for bytes in frames {
        let mut raw = stage.raw().await;

        raw.send(bytes).await;

        assert_eq!(raw.hear().await, None, "{bytes:?}");
        assert!(stage.say(&stage.address, "other").await.is_ok());
    }
    let mut peers: Vec<_> = stage.speakers().iter().map(Peer::id).collect();
    peers.dedup();
    assert_eq!(peers.len(), 1, "the other connection was never lost");
}

#[tokio::test]
async fn requests_before_a_broken_frame_are_answered() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    let mut bytes = said(Encoding::Json, 1, &echo("fine"));
    bytes.extend_from_slice(b"\0\0\0\0");

    raw.send(&bytes).await;

    assert_eq!(raw.hear().await.unwrap().head.opaque, 1);
    assert_eq!(raw.hear().await, None);
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_is_ignored() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    let mut bytes = BytesMut::new();
    let head = Head::answer(ResponseCode::SUCCESS, 77, None);
    wire::encode(&mut bytes, Encoding::Json, &head, &echo("?"), b"").unwrap();

    raw.send(&bytes).await;
    raw.say(Encoding::Json, 1, &echo("fine")).await;

    assert_eq!(raw.hear().await.unwrap().head.opaque, 1);
}

#[tokio::test]
async fn frames_are_found_however_they_are_cut() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    raw.stream.set_nodelay(true).unwrap();
    let bytes = said(Encoding::Binary, 1, &echo("cut"));
    for byte in bytes.chunks(1) {
        raw.send(byte).await;
        tokio::task::yield_now().await;
    }

    assert_eq!(raw.hear().await.unwrap().head.opaque, 1);
}
