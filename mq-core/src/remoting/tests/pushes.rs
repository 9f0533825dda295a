//! What servers ask their clients.

use super::*;

#[tokio::test]
async fn a_server_asks_its_client_and_learns_when_it_goes() {
    let stage = Stage::new().await;
    for address in stage.both() {
        stage.say(address, "here").await.unwrap();
        let peer = stage.who_said("here").await;

        peer.notify(&echo("told"), Bytes::new()).unwrap();
        let answer = peer
            .call(&echo("asked"), Bytes::from_static(b"?"), MINUTE)
            .await;
        let refused = peer.call(&echo("refuse"), Bytes::new(), MINUTE).await;

        assert_eq!(answer.unwrap().body, "?");
        assert_eq!(
            refused.unwrap_err().refusal().unwrap().code,
            ResponseCode::NO_PERMISSION
        );
        let words: Vec<_> = stage
            .pushed
            .heard
            .lock()
            .drain(..)
            .map(|(word, _)| word)
            .collect();
        assert_eq!(words, ["told", "asked", "refuse"]);

        stage.client.disconnect(address);
        stage.wait_until_gone(&peer).await;
        assert!(matches!(
            peer.notify(&echo("late"), Bytes::new()),
            Err(CallError::Closed { .. })
        ));
        stage.echo.heard.lock().clear();
    }
}

#[tokio::test]
async fn a_push_that_takes_long_does_not_hold_up_the_next() {
    let stage = Stage::new().await;
    for address in stage.both() {
        stage.say(address, "here").await.unwrap();
        let peer = stage.who_said("here").await;
        let quick = async {
            let quick = peer.call(&echo("quick"), Bytes::new(), MINUTE).await;
            stage.pushed.gate.add_permits(1);
            quick
        };

        let wait = echo("wait");
        let slow = peer.call(&wait, Bytes::new(), MINUTE);
        let (slow, quick) = tokio::join!(slow, quick);

        assert!(slow.is_ok() && quick.is_ok());
        stage.echo.heard.lock().clear();
    }
}

#[tokio::test]
async fn a_peer_is_asked_in_the_encoding_it_speaks() {
    let stage = Stage::new().await;
    let mut raw = stage.raw().await;
    raw.say(Encoding::Binary, 1, &echo("binary")).await;
    raw.hear().await.unwrap();

    let peer = stage.who_said("binary").await;
    peer.notify(&echo("pushed"), Bytes::new()).unwrap();

    assert_eq!(raw.hear().await.unwrap().encoding, Encoding::Binary);
}

#[tokio::test]
async fn a_client_that_stops_is_reported_to_its_servers() {
    let stage = Stage::new().await;
    for address in stage.both() {
        stage.say(address, "here").await.unwrap();
    }
    let peers = stage.speakers();

    stage.client_tasks.stop(MINUTE).await.unwrap();

    for peer in peers {
        stage.wait_until_gone(&peer).await;
    }
}
