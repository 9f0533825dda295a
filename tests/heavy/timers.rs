//! `kill -9` while timers are outstanding, and again while they are delivered: all come, none early.

use std::time::Duration;

use mq_core::remoting::Router;
use mq_tests::{Server, Setup};

use crate::Outcome;
use crate::client::{Client, Reader};
use crate::timer::{Came, Delivered, TOPIC, plain, timer};

/// The timers are due within so many milliseconds.
const SPREAD_MS: u64 = 30_000;
/// Between two looks at the topic.
const PAUSE: Duration = Duration::from_millis(100);
/// So long after the last one was due, all must have come.
const PATIENCE: Duration = Duration::from_mins(3);

pub(crate) async fn run(setup: Setup, count: u64, lead_seconds: u64) -> Outcome<()> {
    let mut server = Server::start(&setup).await?;
    let mut client = Client::new(&server.broker, Router::default());
    client.send(plain()).await?;
    let begun_ms = client.clock.now_ms();
    let first_ms = begun_ms + i64::try_from(lead_seconds * 1_000)?;
    let due_ms = |number: u64| first_ms + (number * 7_919 % SPREAD_MS).cast_signed();
    client
        .send_all(count, |number| timer(number, due_ms(number)))
        .await?;
    let sent_ms = client.clock.now_ms();
    if sent_ms >= first_ms {
        return Err(format!(
            "the sends took {} s, longer than --lead {lead_seconds}: raise it",
            (sent_ms - begun_ms) / 1_000
        )
        .into());
    }
    println!(
        "timers: {count} sent in {:.1} s; kill -9 with all of them outstanding",
        Duration::from_millis((sent_ms - begun_ms).unsigned_abs()).as_secs_f64()
    );
    server.kill().await?;
    server = Server::start(&setup).await?;
    println!("timers: ready again in {} ms", server.ready_in.as_millis());
    client = Client::new(&server.broker, Router::default());

    let (mut reader, mut delivered) = (Reader::new(TOPIC), Delivered::new(count)?);
    let (mut was_killed, mut latest_ms) = (false, 0);
    let end = client
        .clock
        .moment()
        .plus(PATIENCE + Duration::from_secs(lead_seconds) + Duration::from_millis(SPREAD_MS));
    while delivered.different < count {
        reader
            .news(&client, |message| match delivered.add(message)? {
                Some(came) if came.late_ms < 0 => Err(early(&came).into()),
                Some(came) => {
                    latest_ms = latest_ms.max(came.late_ms);
                    Ok(())
                }
                None => Ok(()),
            })
            .await?;
        if !was_killed && delivered.different > count / 3 {
            was_killed = true;
            let (here, doubles) = (delivered.different, delivered.doubles);
            server.kill().await?;
            server = Server::start(&setup).await?;
            let ready = server.ready_in.as_millis();
            println!(
                "timers: kill -9 with {here} delivered and {doubles} twice; ready again in {ready} ms"
            );
            client = Client::new(&server.broker, Router::default());
            // From the beginning: what was delivered before must still be there.
            (reader, delivered) = (Reader::new(TOPIC), Delivered::new(count)?);
        }
        if client.clock.moment() > end {
            let missing = delivered.missing();
            return Err(format!("{} came; missing: {missing:?}", delivered.different).into());
        }
        client.clock.sleep(PAUSE).await;
    }
    server.stop(Duration::from_mins(1)).await?;
    println!(
        "timers: all {count} came, none early, {} twice, the latest {} ms after its time",
        delivered.doubles, latest_ms
    );
    Ok(())
}

fn early(came: &Came) -> String {
    format!("timer {} came {} ms early", came.number, -came.late_ms)
}
