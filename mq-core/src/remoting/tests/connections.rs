//! How connections begin, rest and end.

use super::*;

/// Where the machine has no IPv6, IPv4 alone is listened to.
#[tokio::test]
async fn the_unspecified_address_is_every_address_of_both_families() {
    let has_ipv6 = tokio::net::TcpListener::bind("[::1]:0").await.is_ok();
    for unspecified in ["0.0.0.0:0", "[::]:0"] {
        let stage = Stage::at(unspecified, Limits::default(), Clock::system()).await;
        let port = stage.address.rsplit_once(':').unwrap().1;

        for (host, expected) in [("127.0.0.1", true), ("[::1]", has_ipv6)] {
            let reached = stage.say(&format!("{host}:{port}"), "hello").await;
            assert_eq!(reached.is_ok(), expected, "{unspecified} at {host}");
        }

        // On a socket for both families the system writes IPv4 as IPv6.
        let seen = stage.speakers()[0].address();
        assert_eq!(seen.ip().to_string(), "127.0.0.1", "{unspecified}");
    }
}

#[tokio::test]
async fn a_connection_on_which_nothing_happens_is_closed() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Json, 1, &echo("first")).await;
    raw.hear().await.unwrap();
    clock.advance(100 * SECOND).await;
    raw.say(Encoding::Json, 2, &echo("second")).await;
    raw.hear().await.unwrap();
    let peer = stage.who_said("second").await;

    clock.advance(119 * SECOND).await;
    assert!(!peer.is_closed());
    clock.advance(SECOND).await;

    assert_eq!(raw.hear().await, None);
    stage.wait_until_gone(&peer).await;
}

#[tokio::test]
async fn a_frame_that_does_not_come_to_its_end_is_not_waited_for_though_bytes_trickle_in() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Json, 1, &echo("first")).await;
    raw.hear().await.unwrap();
    let peer = stage.who_said("first").await;
    let endless = said(Encoding::Json, 2, &echo("endless"));

    for byte in endless[..13].chunks(1) {
        let before = peer.heard();
        raw.stream.write_all(byte).await.ok();
        while peer.heard() == before && !peer.is_closed() {
            tokio::task::yield_now().await;
        }
        clock.advance(10 * SECOND).await;
    }

    stage.wait_until_gone(&peer).await;
    assert_eq!(raw.hear().await, None);
}

/// A client that asked for hundreds of megabytes and read none of them once filled the memory of
/// the broker that answered it.
#[tokio::test]
async fn a_peer_that_does_not_read_costs_little_and_is_closed() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let mut raw = stage.raw().await;
    let mut request = BytesMut::new();
    let head = Head::request(Echo::CODE, 1);
    let body = vec![7; 64 * 1024];
    wire::encode(&mut request, Encoding::Json, &head, &echo("big"), &body).unwrap();

    let deaf = async {
        while raw.stream.write_all(&request).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    let time_passes = async {
        let peer = stage.who_said("big").await;
        loop {
            let before = stage.echo.heard.lock().len();
            for _ in 0..1_000 {
                tokio::task::yield_now().await;
            }
            if before == stage.echo.heard.lock().len() {
                break;
            }
        }
        let answered = stage.echo.heard.lock().len();
        clock.advance(15 * SECOND).await;
        stage.wait_until_gone(&peer).await;
        answered
    };
    let ((), answered) = tokio::join!(deaf, time_passes);

    // Beside our 1 MiB the system's own buffers hold some.
    assert!(
        answered * body.len() < 32 * 1024 * 1024,
        "{answered} answers"
    );
    assert!(stage.say(&stage.address, "other").await.is_ok());
}

#[tokio::test]
async fn a_client_connects_again_when_the_server_is_back() {
    let stage = Stage::new().await;
    stage.say(&stage.address, "before").await.unwrap();

    stage.server_tasks.stop(MINUTE).await.unwrap();
    for address in stage.both() {
        let outcome = stage.say(address, "meanwhile").await;
        assert!(outcome.unwrap_err().is_transport());
    }
    let again = Stage::at(&stage.address, Limits::default(), Clock::system()).await;

    assert!(stage.say(&again.address, "after").await.is_ok());
}

/// After a firewall forgot a connection every send of a client timed out for a quarter of an hour,
/// until the system gave up repeating what nobody acknowledged.
#[tokio::test]
async fn a_server_that_says_nothing_while_a_call_waits_is_asked_over_a_new_connection() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let ask = || {
        let call = stage
            .client
            .call(&address, echo("hello"), Bytes::new(), 3 * SECOND);
        async {
            let times_out = async {
                let (mut stream, _) = silent.accept().await.unwrap();
                stream.read_u32().await.unwrap();
                clock.advance(3 * SECOND).await;
                stream
            };
            let (outcome, stream) = tokio::join!(call, times_out);
            assert!(matches!(outcome, Err(CallError::Timeout { .. })));
            stream
        }
    };

    let _first = ask().await;
    let _second = ask().await;
}

#[tokio::test]
async fn a_slow_answer_costs_no_connection_over_which_others_come() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let address = stage.address.as_str();
    let slow = stage
        .client
        .call(address, echo("wait"), Bytes::new(), 3 * SECOND);
    let meanwhile = async {
        let peer = stage.who_said("wait").await;
        stage.say(address, "quick").await.unwrap();
        clock.advance(3 * SECOND).await;
        peer
    };

    let (outcome, peer) = tokio::join!(slow, meanwhile);

    assert!(matches!(outcome, Err(CallError::Timeout { .. })));
    stage.say(address, "next").await.unwrap();
    assert_eq!(stage.who_said("next").await.id(), peer.id());
}

#[tokio::test]
async fn callers_share_one_attempt_to_connect() {
    let stage = Stage::new().await;

    let calls = (0..16).map(|_| stage.say(&stage.address, "together"));
    for outcome in futures_util::future::join_all(calls).await {
        outcome.unwrap();
    }

    let mut peers: Vec<_> = stage.speakers().iter().map(Peer::id).collect();
    assert_eq!(peers.len(), 16);
    peers.dedup();
    assert_eq!(peers.len(), 1);
}

#[tokio::test]
async fn nobody_there_is_said_at_once_and_nothing_was_sent() {
    let stage = Stage::new().await;
    stage.server_tasks.stop(MINUTE).await.unwrap();

    let outcome = stage.say(&stage.address, "anybody?").await;

    assert!(
        matches!(outcome, Err(CallError::Connect { .. })),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_server_that_stops_still_answers_what_it_has_taken() {
    let stage = Stage::new().await;
    let stop = async {
        stage.who_said("wait").await;
        stage.server_tasks.request_stop();
        tokio::task::yield_now().await;
        stage.echo.gate.add_permits(1);
        stage.server_tasks.stop(MINUTE).await
    };

    let (answer, stopped) = tokio::join!(stage.say(&stage.address, "wait"), stop);

    assert!(answer.is_ok(), "{answer:?}");
    stopped.unwrap();
}

/// A producer that sent one-way messages and closed its socket once lost those that the broker had
/// not finished.
#[tokio::test]
async fn what_a_peer_asked_for_before_it_hung_up_is_still_done() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Json, 1, &echo("wait")).await;
    let peer = stage.who_said("wait").await;

    raw.stream.shutdown().await.unwrap();
    stage.wait_until_gone(&peer).await;
    stage.echo.gate.add_permits(1);

    let answer = raw
        .hear()
        .await
        .expect("half of the connection is still there");
    assert_eq!(answer.head.opaque, 1);
    assert_eq!(raw.hear().await, None);
}

#[tokio::test]
async fn what_a_peer_that_hung_up_waits_for_is_given_half_a_second() {
    let clock = Clock::manual(0);
    let stage = Stage::with(Limits::default(), clock.clone()).await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Json, 1, &echo("wait")).await;
    let peer = stage.who_said("wait").await;

    raw.stream.shutdown().await.unwrap();
    stage.wait_until_gone(&peer).await;
    clock.advance(Duration::from_millis(500)).await;

    assert_eq!(raw.hear().await, None);
}

/// The answer to a closed socket is refused by its system, and what had come before was dropped.
#[tokio::test]
async fn what_a_peer_sent_before_it_closed_is_read_although_it_takes_no_answer() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Json, 1, &echo("answered")).await;
    raw.stream.readable().await.unwrap();
    // More than one turn takes, and no more than the system takes over at once.
    let mut requests: Vec<u8> = (2..960)
        .flat_map(|opaque| said(Encoding::Binary, opaque, &echo("-")))
        .collect();
    requests.extend(said(Encoding::Binary, 960, &echo("last")));
    raw.send(&requests).await;
    drop(raw);

    let peer = stage.who_said("last").await;

    stage.wait_until_gone(&peer).await;
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once() {
    let clock = Clock::system();
    let (_, router) = echo_router();
    let tasks = Tasks::new(clock.clone());
    let config = RemotingServerConfig {
        connections: 1,
        ..RemotingServerConfig::default()
    };
    let server = RemotingServer::bind("127.0.0.1:0", config, clock)
        .await
        .unwrap();
    let address = server.local_address();
    server.serve(router, Arc::new(()), &tasks);
    let connect = || async {
        Raw {
            stream: TcpStream::connect(address).await.unwrap(),
            input: BytesMut::new(),
        }
    };
    let mut first = connect().await;
    first.say(Encoding::Json, 1, &echo("first")).await;
    first.hear().await.unwrap();

    assert_eq!(connect().await.hear().await, None);
    first.say(Encoding::Json, 2, &echo("still")).await;
    assert!(first.hear().await.is_some());
}

#[tokio::test]
async fn a_taken_port_is_named_with_what_to_do() {
    let stage = Stage::new().await;

    let second = RemotingServer::bind(
        &stage.address,
        RemotingServerConfig::default(),
        Clock::system(),
    );
    let error = second.await.unwrap_err();

    let said = error.to_string();
    assert!(
        said.contains(&stage.address) && said.contains("another port"),
        "{said}"
    );
}

#[tokio::test]
async fn a_server_that_sends_its_client_away_is_asked_again_over_a_new_connection() {
    let stage = Stage::new().await;
    let slow = stage.say(&stage.address, "wait");
    let sent_away = async {
        stage.who_said("wait").await;
        let answer = stage.say(&stage.address, "leave").await;
        stage.echo.gate.add_permits(1);
        answer
    };

    let (under_way, answer) = tokio::join!(slow, sent_away);

    answer.unwrap();
    under_way.expect("what was asked over the old connection is answered there");
    let peers: Vec<_> = stage.speakers().iter().map(Peer::id).collect();
    assert_eq!(peers.len(), 3);
    assert!(peers[0] == peers[1] && peers[1] != peers[2]);
}

/// Frames of requests that are answered when the gate opens.
fn waiting_requests(count: i32, body: &[u8]) -> BytesMut {
    let mut requests = BytesMut::new();
    for opaque in 0..count {
        let head = Head::request(Echo::CODE, opaque);
        wire::encode(&mut requests, Encoding::Json, &head, &echo("wait"), body).unwrap();
    }
    requests
}

#[tokio::test]
async fn with_many_bytes_in_unanswered_requests_nothing_more_is_read() {
    let limits = Limits {
        in_flight_bytes: 200_000,
        ..Limits::default()
    };
    let stage = Stage::with(limits, Clock::system()).await;
    let mut raw = stage.raw().await;
    let requests = waiting_requests(10, &vec![7; 64 * 1024]);

    let says = raw.stream.write_all(&requests);
    let hears = async {
        while stage.echo.times_heard("wait") < 4 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            stage.say(&stage.address, "other").await.unwrap();
        }
        assert_eq!(stage.echo.times_heard("wait"), 4);
        stage.echo.gate.add_permits(10);
    };
    let (said, ()) = tokio::join!(says, hears);
    said.unwrap();

    for _ in 0..10 {
        raw.hear().await.unwrap();
    }
}

/// A peer that read none of its answers cost 110 MB: its requests were counted with 512 bytes each and
/// took thirteen times as much.
#[tokio::test]
async fn what_a_short_request_in_flight_takes_counts_and_not_only_its_frame() {
    let limits = Limits {
        in_flight_bytes: 100_000,
        ..Limits::default()
    };
    let stage = Stage::with(limits, Clock::system()).await;
    let mut raw = stage.raw().await;
    let requests = waiting_requests(1_000, b"");

    raw.stream.write_all(&requests).await.unwrap();
    while stage.echo.times_heard("wait") == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..20 {
        stage.say(&stage.address, "other").await.unwrap();
    }

    let heard = stage.echo.times_heard("wait");
    assert!(heard < 250, "{heard}");
    stage.echo.gate.add_permits(1_000);
    for _ in 0..1_000 {
        raw.hear().await.unwrap();
    }
}

#[tokio::test]
async fn a_request_that_is_too_long_for_a_frame_is_not_sent() {
    let stage = Stage::new().await;
    let body = Bytes::from(vec![0; frame::DEFAULT_LIMIT]);

    let call = stage
        .client
        .call(&stage.address, echo("long"), body, MINUTE);

    assert!(matches!(call.await, Err(CallError::Frame(_))));
    assert!(stage.say(&stage.address, "short").await.is_ok());
}
