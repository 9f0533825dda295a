//! Requests and their answers.

use super::*;

#[tokio::test]
async fn both_transports_give_the_same_answers() {
    let stage = Stage::new().await;
    for word in ["hello", "refuse", "panic", "Grüße \"\u{1}\\ 你好"] {
        let body = Bytes::from_static(b"body");

        let ask = |address| stage.client.call(address, echo(word), body.clone(), MINUTE);
        let [remote, local] = stage.both().map(ask);

        let (remote, local) = (remote.await, local.await);
        assert_eq!(format!("{remote:?}"), format!("{local:?}"), "{word}");
    }
}

#[tokio::test]
async fn a_panic_is_refused_and_costs_nobody_else_anything() {
    let stage = Stage::new().await;
    for address in stage.both() {
        let outcome = stage.say(address, "panic").await;

        let refusal = outcome.unwrap_err().refusal().cloned().unwrap();
        assert_eq!(refusal.code, ResponseCode::SYSTEM_ERROR);
        assert!(stage.say(address, "after").await.is_ok());
    }
    let peers = stage.speakers();
    assert_eq!(peers[0].id(), peers[1].id(), "the connection was kept");
}

#[tokio::test]
async fn whoever_has_to_wait_does_not_hold_up_those_behind() {
    let stage = Stage::new().await;
    for address in stage.both() {
        let slow = stage.say(address, "wait");
        let quick = async {
            stage.who_said("wait").await;
            let answer = stage.say(address, "quick").await;
            stage.echo.gate.add_permits(1);
            answer
        };

        let (slow, quick) = tokio::join!(slow, quick);

        assert_eq!(quick.unwrap().header.word, "quick");
        assert_eq!(slow.unwrap().header.word, "wait");
        stage.echo.heard.lock().clear();
    }
}

#[tokio::test]
async fn a_call_that_takes_too_long_times_out_and_the_connection_goes_on() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    for address in stage.both() {
        let call = stage
            .client
            .call(address, echo("wait"), Bytes::new(), SECOND);
        let time_passes = async {
            stage.who_said("wait").await;
            clock.advance(SECOND).await;
        };

        let (outcome, ()) = tokio::join!(call, time_passes);

        assert!(
            matches!(outcome, Err(CallError::Timeout { .. })),
            "{outcome:?}"
        );
        stage.echo.gate.add_permits(1);
        assert_eq!(
            stage.say(address, "next").await.unwrap().header.word,
            "next"
        );
        stage.echo.heard.lock().clear();
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_costs_the_asker_no_connection() {
    let stage = Stage::new().await;

    let outcome = stage.say(&stage.address, "much").await;

    let refusal = outcome.unwrap_err();
    assert_eq!(refusal.refusal().unwrap().code, ResponseCode::SYSTEM_ERROR);
    stage.say(&stage.address, "next").await.unwrap();
    let (first, second) = (stage.who_said("much").await, stage.who_said("next").await);
    assert_eq!(first.id(), second.id());
}

#[tokio::test]
async fn a_connection_that_ends_takes_the_calls_with_it() {
    let stage = Stage::new().await;
    for address in stage.both() {
        let end = async { stage.who_said("wait").await.close() };

        let (outcome, ()) = tokio::join!(stage.say(address, "wait"), end);

        assert!(
            matches!(outcome, Err(CallError::Closed { .. })),
            "{outcome:?}"
        );
        stage.echo.heard.lock().clear();
    }
}

#[tokio::test]
async fn one_way_requests_keep_their_order_and_get_no_answer() {
    let stage = Stage::new().await;
    for address in stage.both() {
        for word in ["a", "refuse", "b"] {
            let told = stage.client.one_way(address, echo(word), Bytes::new());
            told.await.unwrap();
        }
        stage.say(address, "end").await.unwrap();

        let words: Vec<_> = stage
            .echo
            .heard
            .lock()
            .drain(..)
            .map(|(word, _)| word)
            .collect();
        assert_eq!(words, ["a", "refuse", "b", "end"]);
    }
    let mut raw = stage.raw().await;
    let mut bytes = BytesMut::new();
    for (opaque, head) in [
        (1, Head::request(Echo::CODE, 1).one_way()),
        (2, Head::request(Echo::CODE, 2)),
    ] {
        assert_eq!(head.opaque, opaque);
        wire::encode(&mut bytes, Encoding::Json, &head, &echo("raw"), b"").unwrap();
    }
    raw.send(&bytes).await;
    assert_eq!(raw.hear().await.unwrap().head.opaque, 2);
}

#[tokio::test]
async fn answers_come_in_the_encoding_of_their_request() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    for (opaque, encoding) in [(-7, Encoding::Json), (8, Encoding::Binary)] {
        raw.say(encoding, opaque, &echo("both")).await;

        let answer = raw.hear().await.unwrap();

        assert_eq!(answer.encoding, encoding);
        assert_eq!(answer.head.opaque, opaque);
        assert_eq!(Echo::read(&answer.fields), Ok(echo("both")));
        assert_eq!(answer.body, "body");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_each_get_their_own_answer() {
    let stage = Arc::new(Stage::new().await);
    let body = |caller: usize, turn: usize| {
        let length = if turn.is_multiple_of(7) { 20_000 } else { 20 };
        Bytes::from(format!("{caller}/{turn}/{}", "x".repeat(length)))
    };
    let callers: Vec<_> = (0..64)
        .map(|caller| {
            let stage = Arc::clone(&stage);
            let (done, finished) = tokio::sync::oneshot::channel();
            stage.client_tasks.clone().spawn("caller", async move {
                for turn in 0..50 {
                    let address = stage.both()[(caller + turn) % 2];
                    let sent = body(caller, turn);
                    let answer = stage
                        .client
                        .call(address, echo("many"), sent.clone(), MINUTE);
                    assert_eq!(answer.await.unwrap().body, sent);
                }
                done.send(()).unwrap();
            });
            finished
        })
        .collect();

    for finished in callers {
        finished.await.expect("every answer was the right one");
    }
    assert_eq!(stage.echo.heard.lock().len(), 64 * 50);
}
